"""Squared error c·‖v − y‖²; the default scale "half" gives ½‖v − y‖²."""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.losses.base import LossNumerics, LossTheory, r, s
from dipproofs.theory.losses.numerics import difference
from dipproofs.theory.losses.rules import ScalarPotential, separable_fields
from dipproofs.theory.symbols import e, xi

POTENTIAL = ScalarPotential(
    h=r**2,
    slope=2 * r,
    second_derivative=sp.Integer(2),
    shape="linear",
    inverse=sp.sqrt(e),
    slope_of_value=2 * sp.sqrt(e),
    time=-sp.log(s) / 2,
    time_of_value=-sp.log(e) / 4,
    value_of_time=sp.exp(-4 * xi),
)

SQUARED = LossTheory(
    kind="squared",
    convention="‖v − y‖²",
    **separable_fields(POTENTIAL),
    proof="P(e) = 4e is linear: ‖∇L‖² = 4L exactly",
    numerics=LossNumerics(difference, lambda xp, d, y, parameters: d * d, lambda xp, d, y, parameters: 2 * d),
    default_scale="half",
)
