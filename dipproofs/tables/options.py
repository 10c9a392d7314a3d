"""Lists and ranges of values as the command line and the Python interface take them."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from dipproofs.errors import InputError

Numbers = Any  # a number, a sequence of numbers, or text


def integers(value: Numbers, name: str, minimum: int = 1) -> tuple[int, ...]:
    """Read integers: a number, a sequence, or text.

    Args:
        value: ``10``, ``[10, 20]``, ``"10,20"``, ``"10:100:10"`` (from, to, step, both ends included) or
            ``"10:1000:x3"`` (three values in geometric progression, rounded).
        name: option's name, for messages.
        minimum: smallest value allowed.

    Raises:
        InputError: something else, or a value below the minimum.

    Example:
        >>> integers("10,20:40:10", "--n"), integers("10:1000:x3", "--n")
        ((10, 20, 30, 40), (10, 100, 1000))
    """
    result = []
    for number in numbers(value, name, whole=True):
        if number.denominator != 1:
            raise InputError(f"{name}: found {float(number):g}, expected an integer ≥ {minimum}")
        if number < minimum:
            raise InputError(f"{name}: found {int(number)}, expected an integer ≥ {minimum}")
        result.append(int(number))
    return tuple(result)


def numbers(value: Numbers, name: str, whole: bool = False) -> tuple[Fraction, ...]:
    """Read numbers, as the decimals they are written as (0.05 is exactly 1/20).

    Args:
        value: as for `integers`.
        name: option's name, for messages.
        whole: round geometric progressions to integers.

    Example:
        >>> numbers("0.05,1", "--delta")
        (Fraction(1, 20), Fraction(1, 1))
        >>> numbers("a", "--delta")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: --delta: found 'a', expected numbers such as 1, 0.5,1 or 1:10:1 or 1:1000:x4
    """
    listed = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(listed, Sequence):
        listed = [listed]
    result = [number for part in parts(listed) for number in _expand(part, name, whole)]
    if not result:
        raise InputError(f"{name}: found an empty list, expected at least one number")
    return tuple(dict.fromkeys(result))


def _expand(part: Any, name: str, whole: bool) -> list[Fraction]:
    if not isinstance(part, str) or ":" not in part:
        return [_number(part, name)]
    pieces = part.split(":")
    if len(pieces) != 3:
        raise _expected(part, name)
    low, high = _number(pieces[0], name), _number(pieces[1], name)
    if high < low:
        raise InputError(f"{name}: found the range {part}, expected its end to be at least its start")
    if pieces[2].startswith("x"):
        return _geometric(low, high, pieces[2][1:], part, name, whole)
    step = _number(pieces[2], name)
    if step <= 0:
        raise InputError(f"{name}: found step {pieces[2]} in {part}, expected a positive step")
    count = int((high - low) / step) + 1
    if count > 10**6:
        raise InputError(f"{name}: found {count} values in {part}, expected at most 1000000")
    return [low + i * step for i in range(count)]


def _geometric(low: Fraction, high: Fraction, count: str, part: str, name: str, whole: bool) -> list[Fraction]:
    if not count.isdigit() or not 2 <= int(count) <= 10**6 or low <= 0:
        raise _expected(part, name)
    if high / low > _LARGEST:
        raise _beyond_floats(part, name)
    ratio = math.log(high / low) / (int(count) - 1)
    inner = [float(low) * math.exp(i * ratio) for i in range(1, int(count) - 1)]
    rounded = [Fraction(round(x)) if whole else _number(f"{x:.6g}", name) for x in inner]
    return [low, *rounded, high]


def _number(part: Any, name: str) -> Fraction:
    if isinstance(part, Fraction):
        return part
    if isinstance(part, str) and _LONG_EXPONENT.search(part):
        raise _beyond_floats(part, name)
    try:
        if isinstance(part, bool):
            raise ValueError
        value = Fraction(part) if isinstance(part, int | str) else Fraction(repr(float(part)))
    except (ValueError, TypeError, ZeroDivisionError, OverflowError):
        raise _expected(part, name) from None
    if value and not _SMALLEST <= abs(value) <= _LARGEST:
        raise _beyond_floats(part, name)
    return value


#: Numbers are printed, and widths proposed, in floats.
_SMALLEST, _LARGEST = Fraction(1, 10**300), Fraction(10**300)
_LONG_EXPONENT = re.compile(r"[eE][+-]?\d{5}")


def _beyond_floats(part: Any, name: str) -> InputError:
    return InputError(f"{name}: found {part}, expected 0 or a number of size 1e-300 to 1e300")


def _expected(part: Any, name: str) -> InputError:
    return InputError(f"{name}: found {part!r}, expected numbers such as 1, 0.5,1 or 1:10:1 or 1:1000:x4")


def names(value: Any, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """Read names: text with commas or a sequence; "all" stands for all of them.

    Example:
        >>> names("both, inner", "--train", ("both", "inner", "outer"))
        ('both', 'inner')
        >>> names("bth", "--train", ("both", "inner", "outer"))
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: --train: found 'bth', expected both, inner, outer (did you mean 'both'?)
    """
    found = parts(value)
    if found == ("all",):
        return tuple(allowed)
    for part in found:
        if part not in allowed:
            raise unknown(part, name, allowed)
    if not found:
        raise InputError(f"{name}: found an empty list, expected some of {', '.join(allowed)}")
    return tuple(dict.fromkeys(found))


def parts(value: Any) -> tuple[Any, ...]:
    """Split text at its commas; a sequence as it is.

    Example:
        >>> parts("squared, huber:delta=0.5"), parts(["squared"])
        (('squared', 'huber:delta=0.5'), ('squared',))
    """
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else tuple(value)


def unknown(found: Any, name: str, allowed: Iterable[str]) -> InputError:
    """Return the error for a name that is none of those allowed."""
    choices = list(allowed)
    near = difflib.get_close_matches(str(found), choices, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return InputError(f"{name}: found {found!r}, expected {', '.join(choices)}{hint}")


#: The ranges of numeric options, as messages write them.
_RANGES: dict[str, Callable[[Fraction], bool]] = {
    "[1,∞[": lambda number: number >= 1,
    "[0,∞[": lambda number: number >= 0,
    "]0,∞[": lambda number: number > 0,
    "]0,1[": lambda number: 0 < number < 1,
}


def within(value: Numbers, name: str, range: str) -> tuple[Fraction, ...]:
    """Read numbers that all lie in a range.

    Raises:
        InputError: one does not.

    Example:
        >>> within("0.5", "--delta", "]0,1[")
        (Fraction(1, 2),)
    """
    values = numbers(value, name)
    for number in values:
        if not _RANGES[range](number):
            raise InputError(f"{name}: found {float(number):g}, expected a number in {range}")
    return values
