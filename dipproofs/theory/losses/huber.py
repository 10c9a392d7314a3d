"""Huber's loss: ½r² up to |r| = δ, then linear with slope δ."""

from __future__ import annotations

from typing import Any

import sympy as sp

from dipproofs.theory.core import symbol
from dipproofs.theory.extremes import minimum
from dipproofs.theory.losses.base import LossNumerics, LossTheory, Parameter, r, s
from dipproofs.theory.losses.numerics import difference
from dipproofs.theory.losses.rules import ScalarPotential, separable_fields
from dipproofs.theory.symbols import e, xi

delta = symbol(r"\delta", "residual from which on the loss is linear", positive=True)
_corner = delta**2 / 2

POTENTIAL = ScalarPotential(
    h=sp.Piecewise((r**2 / 2, r <= delta), (delta * r - _corner, True)),
    slope=minimum(r, delta),
    second_derivative=sp.Piecewise((1, r <= delta), (0, True)),
    shape="concave",
    inverse=sp.Piecewise((sp.sqrt(2 * e), e <= _corner), (e / delta + delta / 2, True)),
    slope_of_value=minimum(delta, sp.sqrt(2 * e)),
    time=sp.Piecewise((-sp.log(s), s <= delta), (1 - s / delta - sp.log(delta), True)),
    time_of_value=sp.Piecewise(
        (-sp.log(2 * e) / 2, e <= _corner), (sp.Rational(1, 2) - e / delta**2 - sp.log(delta), True)
    ),
    value_of_time=sp.Piecewise(
        (sp.exp(-2 * xi) / 2, xi >= -sp.log(delta)),
        (delta**2 * (sp.Rational(1, 2) - xi - sp.log(delta)), True),
    ),
)


def _entry(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    size, corner = xp.abs(d), parameters["delta"]
    inner = xp.minimum(size, corner)
    return inner * inner / 2 + corner * (size - inner)


def _slope(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return xp.clip(d, -parameters["delta"], parameters["delta"])


HUBER = LossTheory(
    kind="huber",
    convention="Σ (½r² if |r| ≤ δ, else δ|r| − ½δ²), r = v_i − y_i",
    **separable_fields(POTENTIAL),
    proof="h'' falls from 1 to 0 at δ, so P(e) = min(2e, δ²) is concave",
    numerics=LossNumerics(difference, _entry, _slope),
    parameters=(Parameter("delta", delta, 0.0, False, "where Huber's loss becomes linear"),),
)
