"""Bound arithmetic against exact fractions: every member's result is contained, and no end is a float too far out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath as mp
import pytest

from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.enclosures.rounding import down, up

ENDS = [-3.0, -1 / 3, -(2.0**-1060), 0.0, 2.0**-1074, 0.1, 1.0, 1.5, 7e10, 1e300]
BOUNDS = [Bound(a, b) for a, b in itertools.combinations_with_replacement(ENDS, 2)]
UNBOUNDED = [Bound(-math.inf, 2.0), Bound(0.1, math.inf), Bound(-math.inf, math.inf), Bound(0.0, math.inf)]
UNBOUNDED += [Bound(-math.inf, -1.0), Bound(-5.0, math.inf)]


def members(bound: Bound) -> list[Fraction]:
    low = Fraction(bound.lower) if math.isfinite(bound.lower) else Fraction(-(10**320))
    high = Fraction(bound.upper) if math.isfinite(bound.upper) else Fraction(10**320)
    return [low, high, (low + high) / 2, low + (high - low) / 7]


OPERATIONS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Fraction, Fraction], Any]]] = {
    "+": (lambda x, y: x + y, lambda x, y: x + y),
    "-": (lambda x, y: x - y, lambda x, y: x - y),
    "*": (lambda x, y: x * y, lambda x, y: x * y),
    "/": (lambda x, y: x / y, lambda x, y: None if y == 0 else x / y),
    "max": (lambda x, y: x.max(y), max),
    "min": (lambda x, y: x.min(y), min),
}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_arithmetic_contains_and_is_tight(name: str) -> None:
    of_bounds, of_fractions = OPERATIONS[name]
    for x, y in itertools.product(BOUNDS[::2] + UNBOUNDED, BOUNDS[::3] + UNBOUNDED):
        result = of_bounds(x, y)
        values = [of_fractions(a, b) for a, b in itertools.product(members(x), members(y))]
        if name == "/" and y.lower <= 0 <= y.upper:
            assert result == Bound.unknown()
            continue
        assert all(result.lower <= value <= result.upper for value in values), (x, y, result)
        if x.is_finite and y.is_finite:
            assert result.lower == down(min(values)) and result.upper == up(max(values)), (x, y, result)


@pytest.mark.parametrize(
    "power", [Fraction(1, 2), Fraction(2), Fraction(3), Fraction(2, 3), Fraction(-1), Fraction(-1, 2)]
)
def test_powers_contain_and_are_tight(power: Fraction) -> None:
    with mp.workdps(60):
        for x in BOUNDS:
            if (power < 0 and x.lower <= 0 <= x.upper) or (power.denominator > 1 and x.lower < 0):
                assert not (x**power).is_finite or power.denominator == 1
                continue
            points = members(x) + ([Fraction(0)] if x.lower < 0 < x.upper else [])
            values = [_power(p, power) for p in points]
            result = x**power
            assert result.lower <= min(values) and max(values) <= result.upper, (x, power, result)
            if 1e-290 < max(values) < 1e290:
                assert result.upper <= max(values) * (1 + 2**-50)
            if 1e-290 < min(values) < 1e290:
                assert result.lower >= min(values) * (1 - 2**-50)


def _power(x: Fraction, power: Fraction) -> Any:
    base = mp.mpf(x.numerator) / x.denominator
    if power.denominator == 1:
        return base ** int(power)
    return mp.power(base, mp.mpf(power.numerator) / power.denominator)


def test_looking_at_bounds() -> None:
    for x in BOUNDS:
        exact = Fraction(x.upper) - Fraction(x.lower)
        assert exact <= x.width and (x.width == up(exact))
        assert x.lower <= x.mid <= x.upper
        middle = (Fraction(x.lower) + Fraction(x.upper)) / 2
        slack = max(math.ulp(x.lower), math.ulp(x.upper))  # halves of tiny ends are rounded
        assert abs(Fraction(x.mid) - middle) <= Fraction(slack)
        assert (-x).lower == -x.upper and (-x).upper == -x.lower
        assert abs(x).upper == max(abs(x.lower), abs(x.upper))
        assert abs(x).lower == (0.0 if x.lower <= 0 <= x.upper else min(abs(x.lower), abs(x.upper)))
        assert all(x.arb().contains(flint_of(value)) for value in (x.lower, x.upper))
        assert Bound.from_json(x.to_json()) == x and Bound.from_arb(x.arb()).lower <= x.lower
    for x, y in itertools.product(BOUNDS, BOUNDS):
        low, high = max(x.lower, y.lower), min(x.upper, y.upper)
        if low <= high:
            assert x.intersect(y) == Bound(low, high)


def flint_of(value: float) -> Any:
    import flint

    return flint.arb(value)


def test_comparisons_decide_exactly_what_is_certain() -> None:
    for x, y in itertools.product(BOUNDS, BOUNDS):
        always = x.lower > y.upper
        never = x.upper <= y.lower
        wanted = Verdict.PROVED if always else Verdict.REFUTED if never else Verdict.UNDECIDED
        assert x.gt(y) is wanted and y.lt(x) is wanted
        assert x.le(y) is ~wanted and y.ge(x) is ~wanted


@pytest.mark.parametrize("weak", [Evidence.ASSUMED, Evidence.SAMPLED, Evidence.ESTIMATED])
def test_evidence_is_the_weakest(weak: Evidence) -> None:
    x, y = Bound(1.0, 2.0), Bound(5.0, 6.0, weak)
    for result in (x + y, y - x, x * y, x / y, y**2, y.sqrt(), x.max(y), x.min(y), -y, abs(y), y.with_evidence(0)):
        assert result.evidence is weak
    assert y.gt(x) is Verdict.UNDECIDED and x.lt(y) is Verdict.UNDECIDED and y.ge(x) is Verdict.UNDECIDED
