"""Numbers for people: rounded so that a bound stays a bound."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from dipproofs.enclosures import Bound, Evidence

_SIGNIFICANT = 6
_PLAIN = range(-3, 6)
#: Roots of the smallest floats, about 1e-162, are what enclosures widen 0 to.
_ROUNDING = 1e-100


def above(value: float, digits: int = 3) -> str:
    """Write a decimal that is at least the number.

    Example:
        >>> above(0.17077613), above(12345.6), above(float("inf"))
        ('0.171', '12400', 'infinity')
    """
    return _directed(value, digits, ROUND_CEILING)


def below(value: float, digits: int = 3) -> str:
    """Write a decimal that is at most the number.

    Example:
        >>> below(0.17077613), below(-0.98765)
        ('0.17', '-0.988')
    """
    return _directed(value, digits, ROUND_FLOOR)


def near(value: float, digits: int = 3) -> str:
    """Write the nearest decimal; for numbers that carry no guarantee.

    Example:
        >>> near(351.0), near(9.54408e-13), near(0.05360817)
        ('351', '9.54e-13', '0.0536')
    """
    return _directed(value, digits, ROUND_HALF_EVEN)


def interval(bound: Bound | None, digits: int = _SIGNIFICANT) -> str:
    """Write an enclosure with as many digits as it supports.

    A number alone is right to one unit of its last digit; otherwise a ± or both ends, rounded outward; one end where
    the other says nothing (0 is the trivial lower end: what is printed are sizes).

    Example:
        >>> interval(Bound(0.79756131, 0.79756132)), interval(Bound(0.79, 0.81)), interval(None)
        ('0.797561', '0.800 ± 0.011', '–')
        >>> interval(Bound(0.0, 3e-8)), interval(Bound(2.0, float("inf"))), interval(Bound.exact(64))
        ('≤ 3e-08', '≥ 2', '64')
        >>> interval(Bound(0.0, float("inf"))), interval(Bound(0.1, 3.0))
        ('no bound', '[0.1, 3]')
    """
    if bound is None:
        return "–"
    low, high = bound.lower, bound.upper
    if low == high:
        return above(high) if math.isinf(high) else near(low, digits)
    if math.isinf(high):
        return "no bound" if math.isinf(low) or low == 0 else f"≥ {below(low)}"
    if low == 0 or math.isinf(low):
        return f"≤ {above(high)}"
    size = max(abs(low), abs(high))
    if low <= 0 <= high or high - low > 0.2 * size:
        return f"[{below(low)}, {above(high)}]"
    if high - low <= 10.0 ** (math.floor(math.log10(size)) - digits + 1):
        return near(low + (high - low) / 2, digits)
    return _plus_minus(low, high)


def evidence_note(bound: Bound | None) -> str:
    """Return the evidence as a remark, empty where it is proved.

    Example:
        >>> evidence_note(Bound.estimated(1.0)), evidence_note(Bound.exact(1))
        (' (estimated)', '')
    """
    return "" if bound is None or bound.evidence is Evidence.PROVED else f" ({bound.evidence})"


def vanishes(bound: Bound) -> bool:
    """Whether an enclosure of a norm is that of 0, widened by what rounding may have lost.

    Example:
        >>> vanishes(Bound(0.0, 7e-165)), vanishes(Bound(0.0, 1e-16)), vanishes(Bound.exact(0))
        (True, False, False)
    """
    return bound.lower == 0 < bound.upper < _ROUNDING


def count(number: int | None) -> str:
    """Write a whole number in groups of three digits, with spaces that do not break.

    Example:
        >>> count(1234567), count(812), count(None)
        ('1\\xa0234\\xa0567', '812', '–')
    """
    return "–" if number is None else f"{number:,}".replace(",", "\xa0")


def log_factor(bound: Bound) -> tuple[str, int | None]:
    """Read a bound of the logarithm of a factor per step.

    Args:
        bound: enclosure of an upper bound of the log factor, below 0.

    Returns:
        The guaranteed decrease per step in per cent, rounded down, and the number of steps that surely
        make a factor 10 (None when that is not finite).

    Example:
        >>> log_factor(Bound(-0.0286, -0.0285))
        ('2.8', 81)
    """
    exponent = Decimal(bound.upper)
    context = Context(prec=60)
    loss = (1 - context.exp(exponent)) * 100
    steps = context.divide(context.ln(Decimal(10)), -exponent) if exponent < 0 else None
    whole = None if steps is None or steps > 10**15 else math.ceil(steps * (1 + Decimal(10) ** -40))
    return _rounded(loss, 2, ROUND_FLOOR), whole


def number(value: Any, digits: int = 3) -> str:
    """Write a JSON number or the words that JSON has for infinities."""
    return near(float(value), digits) if isinstance(value, (int, float)) else str(value)


def _plus_minus(low: float, high: float) -> str:
    middle = Decimal(low) + (Decimal(high) - Decimal(low)) / 2
    radius = (Decimal(high) - Decimal(low)) / 2
    place = Decimal(1).scaleb(radius.adjusted() - 1)
    shown = middle.quantize(place, ROUND_HALF_EVEN, Context(prec=400))
    half_width = max(Decimal(high) - shown, shown - Decimal(low))
    return f"{_written(shown, trim=False)} ± {_rounded(half_width, 2, ROUND_CEILING)}"


def _directed(value: float, digits: int, rounding: str) -> str:
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    return _rounded(Decimal(value), digits, rounding)


def _rounded(value: Decimal, digits: int, rounding: str) -> str:
    return _written(Context(prec=digits, rounding=rounding).plus(value))


def _written(value: Decimal, trim: bool = True) -> str:
    if value == 0:
        return "0"
    if trim:
        value = value.normalize(Context(prec=400))
    exponent = value.adjusted()
    if exponent in _PLAIN:
        return f"{value:f}"
    mantissa = f"{value.scaleb(-exponent, Context(prec=400)):f}"
    return f"{mantissa}e{exponent:+03d}"
