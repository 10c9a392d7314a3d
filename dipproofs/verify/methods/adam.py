"""Check the statement about Adam's next N iterations: the metric entry by entry in Arb, then every condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from flint import arb

from dipproofs.theory import symbols as s
from dipproofs.theory.methods import ADAM
from dipproofs.theory.methods import adam as theory
from dipproofs.theory.methods import symbols as m
from dipproofs.verify.arithmetic.expressions import evaluate, max_of, root, upper
from dipproofs.verify.methods.inequalities import Env, chosen, constants, failing, read_size
from dipproofs.verify.methods.state import Balls, State


class Horizon:
    """A horizon statement, examined.

    Args:
        record: the certificate's ``method``: momentum, beta2, epsilon, step, parameters.
        iterations: N.
        arrays: of the certificate, with ``state/m/…``, ``state/v/…``, ``state/t``.
        state: M at the arrays. residual: ‖r‖. scale: 2c.
        lipschitz: gives ℓ_A on the Euclidean ball of a radius.

    Raises:
        ValueError: something that is not of the format.
    """

    def __init__(
        self,
        record: Mapping[str, Any],
        iterations: int,
        arrays: Mapping[str, np.ndarray],
        state: State,
        residual: arb,
        scale: arb,
        lipschitz: Callable[[arb], arb],
    ) -> None:
        self.record, self.arrays, self.state, self.scale = record, arrays, state, scale
        if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 1:
            raise ValueError(f"claims.horizon.iterations: found {iterations!r}, expected an integer ≥ 1")
        known = {key: read_size(record.get(key), f"method.{key}") for key in ("step", "momentum", "beta2", "epsilon")}
        env: Env = {
            m.learning_rate: known["step"], m.beta: known["momentum"], m.beta_2: known["beta2"],
            m.epsilon: known["epsilon"], m.completed: arb(self._completed()), m.horizon: arb(iterations),
            s.psi_0: upper(residual * scale.sqrt()),
        }  # fmt: skip
        env = chosen(ADAM.recorded, self._parameters(), env)
        self.env = constants(ADAM, env | self._metric(env, lipschitz))
        self.failing = failing(ADAM, self.env)

    def _parameters(self) -> Mapping[str, Any]:
        found = self.record.get("parameters")
        if not isinstance(found, dict):
            raise ValueError(f"method.parameters: found {type(found).__name__}, expected an object")
        return found

    def _completed(self) -> int:
        t = self.arrays.get("state/t")
        if t is None or t.shape != () or t.dtype.kind not in "iu" or t < 0:
            raise ValueError("arrays.state/t: expected an integer ≥ 0")
        return int(t)

    def _moment(self, kind: str, name: str) -> Balls:
        key, shape = f"state/{kind}/{name}", self.state.parameter(name).shape
        array = self.arrays.get(key)
        if array is None or array.shape != shape or not np.isfinite(array).all() or (kind == "v" and (array < 0).any()):
            raise ValueError(f"arrays.{key}: expected finite numbers of shape {shape}" + " ≥ 0" * (kind == "v"))
        return [[arb(value) for value in row] for row in self.state.rows(array)]

    @property
    def factor(self) -> arb:
        """R_{t+N}/R_t is at most this."""
        return evaluate(theory.residual_factor, self.env)

    # --- the metric -------------------------------------------------------------------------------------------------
    def _metric(self, env: Env, lipschitz: Callable[[arb], arb]) -> Env:
        gradient, root_scale = self.state.gradient(self.scale), self.scale.sqrt()
        sizes, still = self.state.column_norms(), self.state.idle()
        b1, b2, t = env[m.beta], env[m.beta_2], self._completed() + 1
        first, other = 1 - b1**t, 1 - b2**t
        P: dict[str, Balls] = {}
        square, slope, moments, columns = arb(0), arb(0), [], []
        for name, rows in gradient.items():
            means, squares = self._moment("m", name), self._moment("v", name)
            P[name] = []
            for i, row in enumerate(rows):
                P[name].append([])
                for j, g in enumerate(row):
                    idle = still[name](i, j)
                    v = b2 * squares[i][j] + (1 - b2) * g * g
                    if not idle and not v > 0:
                        raise ValueError(f"arrays.state/v/{name}: entry {(i, j)} is not surely positive")
                    p = arb(0) if idle else 1 / (first * (root(v / other) + env[m.epsilon]))
                    P[name][-1].append(p)
                    square += p * means[i][j] ** 2
                    slope += p * means[i][j] * g
                    if not idle:
                        moments.append(v)
                        columns.append(sizes[name](i, j) * root_scale)
        largest = upper(max_of([p for rows in P.values() for row in rows for p in row]))
        radius = upper(largest.sqrt() * env[s.rho])
        ell = upper(lipschitz(radius)) * root_scale
        tilde = ell * largest
        sigma, norm = (end * root_scale for end in self.state.ends_in_metric(P))
        lr, rho = env[m.learning_rate], env[s.rho]
        size = lr * root(square)
        away = upper(env[s.psi_0] * size / sigma)
        ratio = max_of([((c + ell * radius) ** 2) / v for c, v in zip(columns, moments, strict=True)])
        return {
            theory.metric_injectivity: sigma - tilde * rho, theory.metric_norm: norm + tilde * rho,
            theory.metric_lipschitz: tilde, theory.largest_second_moment: upper(max_of(moments)),
            theory.column_ratio: upper(ratio), m.state_norm: upper(size), m.state_slope: -lr * slope,
            m.state_newton: arb(0, away) if away.is_finite() else arb.nan(),
        }  # fmt: skip
