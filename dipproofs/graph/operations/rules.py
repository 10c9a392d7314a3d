"""Rules for attributes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from dipproofs.graph.operations.base import Rule


def is_whole(value: Any, least: int | None = None) -> bool:
    """Whether a value is an integer of at least `least` and of sensible size."""
    return type(value) is int and abs(value) < 2**40 and (least is None or value >= least)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number that float64 holds."""
    try:
        return type(value) in (int, float) and math.isfinite(float(value)) and float(value) == value
    except OverflowError:
        return False


def whole(least: int) -> Rule:
    """An integer."""
    return Rule(f"an integer ≥ {least}", lambda v: is_whole(v, least))


def wholes(least: int, *, distinct: bool = False) -> Rule:
    """A non-empty list of integers."""
    return Rule(
        f"a list of {'different ' if distinct else ''}integers ≥ {least}",
        lambda v: (
            isinstance(v, tuple)
            and len(v) > 0
            and all(is_whole(i, least) for i in v)
            and (not distinct or len(set(v)) == len(v))
        ),
    )


def pairs() -> Rule:
    """A list of pairs of integers."""
    return Rule(
        "a list of pairs of integers",
        lambda v: (
            isinstance(v, tuple)
            and all(isinstance(p, tuple) and len(p) == 2 and all(is_whole(i) for i in p) for p in v)
        ),
    )


def numbers(least: int) -> Rule:
    """A list of finite numbers."""
    return Rule(
        f"a list of at least {least} finite numbers",
        lambda v: isinstance(v, tuple) and len(v) >= least and all(is_number(i) for i in v),
    )


NUMBER = Rule("a finite number", is_number)
POSITIVE = Rule("a finite number > 0", lambda v: is_number(v) and v > 0)
BOOLEAN = Rule("true or false", lambda v: isinstance(v, bool))
TEXT = Rule("a name", lambda v: isinstance(v, str))
NAME = Rule("the name of a constant", lambda v: isinstance(v, str))
NUMBER_OR_NAME = Rule("a finite number or the name of a constant", lambda v: isinstance(v, str) or is_number(v))


def word(options: Iterable[str]) -> Rule:
    """One of a few names."""
    names = tuple(options)
    return Rule("one of " + ", ".join(names), lambda v: isinstance(v, str) and v in names)


def signs() -> Rule:
    """A list of +1 and −1."""
    return Rule("a list of 1 and -1", lambda v: isinstance(v, tuple) and all(is_whole(s) and s in (1, -1) for s in v))
