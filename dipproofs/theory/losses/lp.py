"""ℓ_p loss (1/p) Σ |v_i − y_i|^p, p > 2: flat near 0, so the guaranteed rate is sublinear."""

from __future__ import annotations

from typing import Any

from dipproofs.theory.core import symbol
from dipproofs.theory.losses.base import LossNumerics, LossTheory, Parameter, r, s
from dipproofs.theory.losses.numerics import difference
from dipproofs.theory.losses.rules import ScalarPotential, separable_fields
from dipproofs.theory.symbols import e, xi

p = symbol("p", "exponent of the loss", positive=True)

POTENTIAL = ScalarPotential(
    h=r**p / p,
    slope=r ** (p - 1),
    second_derivative=(p - 1) * r ** (p - 2),
    shape="convex",
    inverse=(p * e) ** (1 / p),
    slope_of_value=(p * e) ** ((p - 1) / p),
    time=s ** (2 - p) / (p - 2),
    time_of_value=(p * e) ** ((2 - p) / p) / (p - 2),
    value_of_time=((p - 2) * xi) ** (p / (2 - p)) / p,
)


def _entry(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return xp.abs(d) ** parameters["p"] / parameters["p"]


def _slope(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return xp.sign(d) * xp.abs(d) ** (parameters["p"] - 1)


LP = LossTheory(
    kind="lp",
    convention="(1/p) Σ |v_i − y_i|^p",
    **separable_fields(POTENTIAL),
    proof="h'' = (p − 1)r^{p−2} increases, so P is convex: equal errors are the worst case",
    numerics=LossNumerics(difference, _entry, _slope),
    parameters=(Parameter("p", p, 2.0, False, "exponent; for p = 2 use loss squared"),),
)
