"""`guarantees.floating_point`: what is known of the iterates as a program computes them (docs/theory-methods.md §4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.certificate.record import Certificate
from dipproofs.certify.methods import inexact_gradient
from dipproofs.certify.methods.ball import ProfileBall
from dipproofs.certify.methods.decide import BITS
from dipproofs.certify.methods.floats import evaluate_floats
from dipproofs.certify.quantities import Base, loss_scale
from dipproofs.enclosures import Bound, Evidence
from dipproofs.enclosures.evaluate import call
from dipproofs.enclosures.widen import widened
from dipproofs.operators.kernels import DenseKernel, GatherKernel, IdentityKernel, SparseKernel
from dipproofs.operators.structure.kernels import DiagonalKernel
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures import two_layer_rounding as rounding
from dipproofs.theory.methods import inexact_gradient as theory
from dipproofs.theory.methods import symbols as m

#: Operators that are applied as sums of products of their stored entries.
_SUMS = (DenseKernel, IdentityKernel, GatherKernel, SparseKernel, DiagonalKernel)
#: What is stated has this slack, for another arithmetic to confirm it.
_MARGIN = 1e-6
_FINAL = (rounding.start_residual, rounding.start_injectivity)


@dataclass(frozen=True)
class RoundingError:
    """The error of a step of the program, on balls around the point where it stands (`inexact_gradient.Told`).

    Args:
        base: quantities at the stored parameters. sizes: of network and operator. gamma: 2c·step. scale: 2c.
        elementary: error of φ and φ' that is assumed, in units of 1 + |a|. travelled: bound of ‖W − W_0‖_F so far.
    """

    base: Base
    sizes: Mapping[sp.Symbol, Bound]
    gamma: Bound
    scale: Bound
    elementary: float
    travelled: float

    @cached_property
    def ball(self) -> ProfileBall:
        """Bounds on balls around the stored parameters."""
        return ProfileBall(self.base)

    @property
    def evidence(self) -> Evidence:
        """What is said rests on assumptions about the program."""
        return Evidence.weakest([Evidence.ASSUMED, *(bound.evidence for bound in self.base.values.values())])

    @cached_property
    def _ends(self) -> dict[sp.Symbol, Bound]:
        """Each at the end that makes a claim weaker."""
        values = {symbol: Bound.exact(bound.upper) for symbol, bound in self.base.values.items() if bound.is_finite}
        values[s.sigma_AJ] = Bound.exact(max(self.base.values[s.sigma_AJ].lower, 0.0))
        own = {rounding.elementary: self.elementary, rounding.travelled: self.travelled}
        values |= {symbol: Bound.exact(value) for symbol, value in own.items()}
        return values | dict(self.sizes) | {s.gamma: self.gamma, rounding.loss_factor: self.scale}

    @cached_property
    def away(self) -> float:
        """Bound of the distance from the program's parameters to the stored ones."""
        with flint.ctx.workprec(BITS):
            env = {x: bound.arb() for x, bound in self._ends.items()} | _format(flint.arb)
            return Bound.from_arb(call(dict(rounding.CONSTANTS)[rounding.start_away], env)).upper

    @property
    def residual(self) -> Bound:
        """R_0, nearly: for the search's scale."""
        return self.base.values[s.psi_0]

    @property
    def sigma(self) -> Bound:
        """s_A, nearly."""
        return self.base.values[s.sigma_AJ]

    def floats(self, rho: np.ndarray) -> Mapping[sp.Symbol, Any]:
        """As `Told.floats`."""
        env: dict[sp.Symbol, Any] = {x: bound.upper for x, bound in self._ends.items()}
        env |= _format(float) | {s.rho: rho + self.away}
        _, env[s.norm_AJ_ball], env[s.lipschitz_AJ] = self.ball.floats(env[s.rho])
        found = evaluate_floats(rounding.CONSTANTS, env, _FINAL)
        return found | {s.psi_0: found[0], s.sigma_AJ: found[1]}

    def balls(self, rho: float) -> Mapping[sp.Symbol, Any]:
        """As `Told.balls`."""
        env = {x: bound.arb() for x, bound in self._ends.items()} | _format(flint.arb)
        radius = math.nextafter(rho + self.away, math.inf)
        _, env[s.norm_AJ_ball], env[s.lipschitz_AJ] = self.ball.balls(radius)
        env[s.rho] = flint.arb(radius)
        for symbol, expr in rounding.CONSTANTS:
            env[symbol] = call(expr, env)
        start = [call(expr, env) for expr in _FINAL]
        kept = (s.lipschitz_AJ, s.norm_AJ_ball, s.gamma, theory.error_absolute, theory.error_relative)
        return {symbol: env[symbol] for symbol in kept} | {s.psi_0: start[0], s.sigma_AJ: start[1]}


def _format(number: Any) -> dict[sp.Symbol, Any]:
    """IEEE double precision."""
    return {symbol: number(float(value)) for symbol, value in rounding.FLOAT64.items()}


def with_floating_point(found: Certificate, base: Base, kernel: Any) -> Certificate:
    """Add ``guarantees.floating_point`` to a proved certificate of gradient descent where the theorem applies.

    Args:
        found: the certificate. base: its quantities. kernel: how the operator is applied.
    """
    fits = found.proved and found.arithmetic == "proved" and found.schedule.get("kind") == "constant"
    if not (fits and base.residual_scale is not None and base.operator.columns.identity):
        return found
    sizes = base.network.rounding_sizes(base.operator) if hasattr(base.network, "rounding_sizes") else None
    gamma = found.quantities.get("gamma")
    if sizes is None or gamma is None or not isinstance(kernel, _SUMS):
        return found
    told = RoundingError(
        base, sizes, gamma * base.residual_scale, base.residual_scale, rounding.ASSUMED,
        sizes[rounding.frobenius_W].upper,
    )  # fmt: skip
    floor = inexact_gradient.prove(told)
    if floor is None:
        return found
    entry = _entry(told, floor, loss_scale(base.loss, base.y.size))
    extra = {**found.guarantees.extra, "floating_point": entry}
    return replace(found, guarantees=replace(found.guarantees, extra=extra))


def _entry(told: RoundingError, floor: inexact_gradient.Floor, c: Bound) -> dict[str, Any]:
    def above(bound: Bound) -> dict[str, Any]:
        return Bound(0.0, widened(bound, _MARGIN).upper, told.evidence).to_json()

    def of(symbol: sp.Symbol) -> dict[str, Any]:
        return above(Bound.from_arb(floor.decision.env[symbol]))

    return {
        "evidence": str(told.evidence),
        "assumptions": list(rounding.ASSUMPTIONS),
        "arithmetic": "float64",
        "elementary_error": told.elementary,
        "travelled": told.travelled,
        "rho": floor.decision.parameters[s.rho],
        "slack": floor.decision.parameters[theory.slack],
        "absolute": of(theory.error_absolute),
        "relative": of(theory.error_relative),
        "path": of(m.path),
        "residual": above(floor.residual),
        "loss": above(c * floor.residual * floor.residual),
        "iterations": math.ceil(floor.iterations * (1 + _MARGIN)) + 1,
        "kept": math.floor(floor.kept * (1 - _MARGIN)),
    }
