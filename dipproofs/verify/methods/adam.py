"""Check the statement about Adam's next N iterations: the metric entry by entry in Arb, then every condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from dipproofs.theory import symbols as s
from dipproofs.theory.methods import ADAM
from dipproofs.theory.methods import adam as theory
from dipproofs.theory.methods import symbols as m
from dipproofs.verify.arithmetic.expressions import evaluate, exact, max_of, root, upper
from dipproofs.verify.arithmetic.slices import Matrix
from dipproofs.verify.arithmetic.spectra import Gram
from dipproofs.verify.methods.inequalities import Env, chosen, constants, failing
from dipproofs.verify.methods.two_layer import TwoLayerState

PARAMETERS: dict[str, sp.Symbol] = {
    "rho": s.rho, "alpha": m.alpha, "delta": m.delta, "eta": m.eta, "zeta": m.zeta,
    "metric_lower": theory.metric_fall, "metric_upper": theory.metric_rise, "metric_change": theory.metric_change,
}  # fmt: skip
Balls = list[list[arb]]


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
        state: TwoLayerState,
        residual: arb,
        scale: arb,
        lipschitz: Callable[[arb], arb],
    ) -> None:
        self.record, self.arrays, self.state, self.scale = record, arrays, state, scale
        if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 1:
            raise ValueError(f"claims.horizon.iterations: found {iterations!r}, expected an integer ≥ 1")
        env: Env = {
            m.learning_rate: self._number("step"), m.beta: self._number("momentum"), m.beta_2: self._number("beta2"),
            m.epsilon: self._number("epsilon"), m.completed: arb(self._completed()), m.horizon: arb(iterations),
            s.psi_0: upper(residual * scale.sqrt()),
        }  # fmt: skip
        env = chosen(ADAM, PARAMETERS, self._parameters(), env)
        self.env = constants(ADAM, env | self._metric(env, lipschitz))
        self.failing = failing(ADAM, self.env)

    def _number(self, key: str) -> arb:
        value = self.record.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e300:
            raise ValueError(f"method.{key}: found {value!r}, expected a finite number ≥ 0")
        return exact(value)

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
        key, shape = f"state/{kind}/{name}", self.arrays[name].shape
        array = self.arrays.get(key)
        if array is None or array.shape != shape or not np.isfinite(array).all() or (kind == "v" and (array < 0).any()):
            raise ValueError(f"arrays.{key}: expected finite numbers of shape {shape}" + " ≥ 0" * (kind == "v"))
        return [[arb(value) for value in row] for row in array.astype(np.float64).tolist()]

    @property
    def factor(self) -> arb:
        """R_{t+N}/R_t is at most this."""
        return evaluate(theory.residual_factor, self.env)

    # --- the metric -------------------------------------------------------------------------------------------------
    def _metric(self, env: Env, lipschitz: Callable[[arb], arb]) -> Env:
        gradient = self.state.gradient(self.scale)
        sizes, still = self._columns(), self._idle()
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
                        columns.append(sizes[name](i, j) * self.scale.sqrt())
        largest = upper(max_of([p for rows in P.values() for row in rows for p in row]))
        radius = upper(largest.sqrt() * env[s.rho])
        ell = upper(lipschitz(radius)) * self.scale.sqrt()
        tilde = ell * largest
        sigma, norm = self._ends(P)
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

    def _observed(self) -> tuple[Matrix, Matrix]:
        A = self.state.operator.matrix
        core = self.state.operator.data(A)
        return core, core @ self.state.V

    def _ends(self, P: Mapping[str, Balls]) -> tuple[arb, arb]:
        """σ_min on Im(A) and the norm of √(2c)·M P^{1/2}."""
        core, AV = self._observed()
        parts: list[Matrix] = []
        factor = self.state.per_root * self.scale.sqrt()
        if "W" in P:
            u2 = [arb(value) ** 2 for value in self.arrays["u"].astype(np.float64).tolist()]
            sums = [sum((p * w for p, w in zip(row, u2, strict=True)), arb(0)) for row in P["W"]]
            parts.append(AV.scaled([d * root(x) * factor for d, x in zip(self.state.dphi, sums, strict=True)]))
        if "V" in P:
            squares = [f * f for f in self.state.phi]
            sums = [sum((p * w for p, w in zip(row, squares, strict=True)), arb(0)) for row in P["V"]]
            parts.append(core.scaled([root(x) * factor for x in sums]))
        whole = Gram(parts[0] if len(parts) == 1 else parts[0].beside(parts[1]))
        return whole.sigma, whole.norm

    def _idle(self) -> dict[str, Callable[[int, int], bool]]:
        """Whether a column of M vanishes for every θ: an input that is 0, an entry that A does not see."""
        unused = (self.arrays["u"] == 0).tolist()
        found: dict[str, Callable[[int, int], bool]] = {"W": lambda i, j: unused[j]}
        if "V" in self.state.trained:
            unseen = [size.is_zero() for size in _column_norms(self.state.operator.matrix)]
            found["V"] = lambda i, j: unseen[i]
        return found

    def _columns(self) -> dict[str, Callable[[int, int], arb]]:
        """‖M_{:,i}‖ by parameter and index."""
        found: dict[str, Callable[[int, int], arb]] = {}
        per_root, phi, dphi = self.state.per_root, self.state.phi, self.state.dphi
        if "W" in self.state.trained:
            norms = _column_norms(self.state.operator.matrix @ self.state.V)
            u = [abs(arb(value)) for value in self.arrays["u"].astype(np.float64).tolist()]
            found["W"] = lambda i, j: norms[i] * abs(dphi[i]) * u[j] * per_root
        if "V" in self.state.trained:
            own = _column_norms(self.state.operator.matrix)
            found["V"] = lambda i, j: own[i] * abs(phi[j]) * per_root
        return found


def _column_norms(X: Matrix) -> list[arb]:
    rows, columns = X.shape
    entries = X.entries()
    return [root(sum((entries[i * columns + j] ** 2 for i in range(rows)), arb(0))) for j in range(columns)]
