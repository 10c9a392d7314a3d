"""Directed rounding without touching the rounding mode: the few constants all bounds are made of.

Everything rests on IEEE 754 binary64, round to nearest: an operation has relative error at most `UNIT`, plus
 an absolute error below `TINY` when it underflows. `TINY` is the smallest *normal* number, so that the
bounds also hold where subnormal results are flushed to zero (`docs/theory.md §8`).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

UNIT = 2.0**-53
TINY = 2.0**-1022
MAX_TERMS = 2**40
"""Longest sum for which the factors below are valid (`MAX_TERMS * UNIT` is far below 1/8)."""

Array = NDArray[np.float64]


def require_ieee() -> None:
    """Check that this thread rounds to nearest and does not flush subnormal numbers to zero.

    Raises:
        ArithmeticError: Some library changed the rounding mode or the treatment of subnormals.
    """
    one, half_ulp = np.float64(1.0), np.float64(UNIT)
    nearest = one + half_ulp == 1.0 and one + 1.5 * half_ulp > 1.0 and -one - half_ulp == -1.0
    with np.errstate(under="ignore"):
        gradual = np.float64(TINY) * np.float64(0.5) > 0.0
    if not (nearest and gradual):
        raise ArithmeticError(
            "floating point: found a changed rounding mode or flushed subnormals, expected IEEE 754 defaults; "
            "start a fresh process without the library that changed them"
        )


@lru_cache(maxsize=1024)
def gamma(terms: int) -> float:
    """Upper bound of γ_p = p·u/(1 − p·u), Higham's constant for `terms` = p roundings.

    Example:
        >>> gamma(1000) >= 1000 * 2.0**-53 / (1 - 1000 * 2.0**-53)
        True
    """
    if not 0 <= terms <= MAX_TERMS:
        raise ValueError(f"rounding bound: found {terms} operations, expected at most 2**40")
    value = Fraction(terms, 2**53)
    return up(value / (1 - value))


def inflation(terms: int) -> float:
    """A factor f with fl(x·f) + TINY ≥ x·(1 + γ_terms) and ≥ x/(1 − γ_terms), for x ≥ 0.

    1 + 2(p + 2)u is a float; (1 + 2(p + 2)u)(1 − u) ≥ 1 + 2pu ≥ 1/(1 − γ_p) as long as pu ≤ 1/8.
    """
    if not 0 <= terms <= MAX_TERMS:
        raise ValueError(f"rounding bound: found {terms} operations, expected at most 2**40")
    return 1.0 + (terms + 2) * 2.0**-52


def above(x: Array, terms: int = 1) -> Array:
    """Upper bound of the exact value of a sum of non-negative products that floats computed as `x`.

    Args:
        x: Computed values, ≥ 0, each made with at most `terms` roundings on any path.
        terms: Number of roundings.

    Returns:
        Array of upper bounds. Underflow in the computation of `x` itself is the caller's (`terms * TINY`).
    """
    return np.asarray(x * inflation(terms) + TINY)


def down(value: Fraction) -> float:
    """Largest float ≤ value (−inf below the range of floats)."""
    return down_quotient(value.numerator, value.denominator)


def down_quotient(top: int, bottom: int) -> float:
    """Largest float ≤ top/bottom for bottom > 0, which need not be in lowest terms: cheaper than a fraction."""
    try:
        nearest = top / bottom
    except OverflowError:
        return math.nextafter(math.inf, 0.0) if top > 0 else -math.inf
    above, below = nearest.as_integer_ratio()
    return nearest if above * bottom <= top * below else math.nextafter(nearest, -math.inf)


def up(value: Fraction) -> float:
    """Smallest float ≥ value (inf above the range of floats).

    Example:
        >>> from fractions import Fraction
        >>> down(Fraction(1, 3)) < Fraction(1, 3) < up(Fraction(1, 3))
        True
    """
    return -down(-value)
