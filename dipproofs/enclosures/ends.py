"""Arithmetic of the ends of intervals: one exact operation, one directed rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

import flint

from dipproofs.enclosures.rounding import down, down_quotient

Rounding: TypeAlias = Callable[[Fraction], float]


def add_ends(a: float, b: float, rounding: Rounding) -> float:
    """a + b, rounded; an undefined sum of infinities becomes the outer one."""
    if math.isinf(a) or math.isinf(b):
        total = a + b
        return (-math.inf if rounding is down else math.inf) if math.isnan(total) else total
    (p, q), (r, s) = a.as_integer_ratio(), b.as_integer_ratio()
    return _rounded(p * s + q * r, q * s, rounding)


def multiply_ends(a: float, b: float, rounding: Rounding) -> float:
    """a·b, rounded; 0 times an infinite end is 0, because the end is never attained."""
    if a == 0 or b == 0:
        return 0.0
    if math.isinf(a) or math.isinf(b):
        return a * b
    (p, q), (r, s) = a.as_integer_ratio(), b.as_integer_ratio()
    return _rounded(p * r, q * s, rounding)


def _rounded(top: int, bottom: int, rounding: Rounding) -> float:
    return down_quotient(top, bottom) if rounding is down else -down_quotient(-top, bottom)


def power_of_end(x: float, power: Fraction) -> flint.arb:
    """x^power for power > 0, as an Arb ball."""
    if x == 0 or math.isinf(x):
        return flint.arb(x)
    base = flint.arb(x)
    if power.denominator == 1:
        return base**power.numerator
    root = base.sqrt() if power.denominator == 2 else base.root(power.denominator)
    return root**power.numerator if power.numerator != 1 else root


def arb_down(value: flint.arb) -> float:
    """Largest float ≤ an exact Arb number."""
    if not value.is_finite():
        return float(value)
    nearest = float(value)
    if math.isinf(nearest):
        return math.nextafter(math.inf, 0.0) if nearest > 0 else -math.inf
    return nearest if bool(flint.arb(nearest) <= value) else math.nextafter(nearest, -math.inf)


def end_to_json(x: float) -> float | str:
    """A float, or "inf", "-inf"."""
    return x if math.isfinite(x) else ("inf" if x > 0 else "-inf")


def end_from_json(x: Any) -> float:
    """Read what `end_to_json` wrote.

    Raises:
        ValueError: Anything else.
    """
    if isinstance(x, bool) or (isinstance(x, str) and x not in ("inf", "-inf")):
        raise ValueError(f"found {x!r}, expected a number, 'inf' or '-inf'")
    return float(x)
