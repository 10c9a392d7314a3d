"""‖A‖_F² and ‖AAᵀ‖_F² of problem files' operators: r singular values, linear from 1 to 1/κ (docs/theory.md §6)."""

from __future__ import annotations

from math import comb

import sympy as sp

from dipproofs.theory.core import Section, symbol

_define = Section("width.spectrum", "§6").define
rank = symbol("r", "rank of A, a number", positive=True, integer=True)
kappa = symbol("kappa", "condition number of A", positive=True)
place = symbol("i", "place of a singular value, from 0", integer=True, nonnegative=True)
_last = rank - 1
VALUE = _define("value", 1 - (1 - 1 / kappa) * place / _last, "i-th singular value, 0 ≤ i < r")

#: Σ_{i<r} i^p for p = 0 … 4 (Faulhaber).
_FAULHABER = (
    rank,
    rank * _last / 2,
    rank * _last * (2 * rank - 1) / 6,
    rank**2 * _last**2 / 4,
    rank * _last * (2 * rank - 1) * (3 * rank**2 - 3 * rank - 1) / 30,
)


def power_sum(power: int) -> sp.Expr:
    """Return Σ s_i^power (power ≤ 4) in closed form, an expression in ``rank`` ≥ 2 and ``kappa``.

    Example:
        >>> power_sum(2).subs({rank: 2, kappa: 3})
        10/9
    """
    step = -(1 - 1 / kappa) / _last
    return sp.Add(*(comb(power, j) * step**j * _FAULHABER[j] for j in range(power + 1)))


#: ‖A‖_F² for singular values spaced linearly from 1 to 1/κ.
FROBENIUS2 = _define("frobenius2", power_sum(2), "‖A‖_F²")
#: ‖AAᵀ‖_F² for the same spectrum.
SCHATTEN4 = _define("schatten4", power_sum(4), "‖AAᵀ‖_F²")
