"""Log-cosh Σ ln cosh(v_i − y_i): quadratic near 0, linear far away."""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.losses.base import LossNumerics, LossTheory, r, s
from dipproofs.theory.losses.numerics import difference, log_cosh
from dipproofs.theory.losses.rules import ScalarPotential, separable_fields
from dipproofs.theory.symbols import e, xi

_grown = 2 * sp.exp(e) * sp.sinh(e)  # exp(2e) − 1, without a difference

POTENTIAL = ScalarPotential(
    h=sp.log(1 + 2 * sp.sinh(r / 2) ** 2),
    slope=sp.tanh(r),
    second_derivative=1 / sp.cosh(r) ** 2,
    shape="concave",
    inverse=sp.asinh(sp.sqrt(_grown)),
    slope_of_value=sp.sqrt(1 - sp.exp(-2 * e)),
    time=-sp.log(sp.sinh(s)),
    time_of_value=-sp.log(_grown) / 2,
    value_of_time=sp.log(1 + sp.exp(-2 * xi)) / 2,
)

LOG_COSH = LossTheory(
    kind="log-cosh",
    convention="Σ ln cosh(v_i − y_i)",
    **separable_fields(POTENTIAL),
    proof="h'' = sech² decreases, so P(e) = 1 − exp(−2e) is concave",
    numerics=LossNumerics(
        difference,
        lambda xp, d, y, parameters: log_cosh(xp, d),
        lambda xp, d, y, parameters: xp.tanh(d),
    ),
)
