"""Power of the norm (1/p)‖v − y‖^p, p ≥ 2."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from dipproofs.theory.losses.base import LossNumerics, LossTheory, Parameter
from dipproofs.theory.losses.lp import POTENTIAL as _LP
from dipproofs.theory.losses.lp import p
from dipproofs.theory.losses.numerics import difference
from dipproofs.theory.losses.rules import radial
from dipproofs.theory.symbols import e, xi

POTENTIAL = replace(
    _LP,
    time_of_value=sp.Piecewise((-sp.log(2 * e) / 2, sp.Eq(p, 2)), (_LP.time_of_value, True)),
    value_of_time=sp.Piecewise((sp.exp(-2 * xi) / 2, sp.Eq(p, 2)), (_LP.value_of_time, True)),
)


def _entry(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return d ** parameters["p"] / parameters["p"]


def _slope(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return d ** (parameters["p"] - 2)


NORM_POWER = LossTheory(
    kind="norm-power",
    convention="(1/p)‖v − y‖^p",
    structure="radial",
    entry=POTENTIAL.h,
    **radial(POTENTIAL).fields(),
    proof="‖∇L‖ = ‖r‖^{p−1} exactly",
    numerics=LossNumerics(difference, _entry, _slope),
    parameters=(Parameter("p", p, 2.0, True, "exponent"),),
)
