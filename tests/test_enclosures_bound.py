"""`Bound`: outward arithmetic, evidence, comparisons, JSON."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dipproofs.enclosures import Bound, Decision, Evidence, Verdict
from dipproofs.enclosures.widen import widened
from dipproofs.errors import InputError

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ENDS = st.floats(allow_nan=False)


@st.composite
def bounds_with_member(draw: st.DrawFn) -> tuple[Bound, Fraction]:
    ends = sorted([draw(FLOATS), draw(FLOATS)])
    weight = Fraction(draw(st.integers(0, 8)), 8)
    member = Fraction(ends[0]) * (1 - weight) + Fraction(ends[1]) * weight
    return Bound(*ends), member


@settings(deadline=None, max_examples=300)
@given(bounds_with_member(), bounds_with_member())
def test_arithmetic_contains_the_exact_result(first: tuple, second: tuple) -> None:
    (a, x), (b, y) = first, second
    assert (a + b).contains(x + y)
    assert (a - b).contains(x - y)
    assert (a * b).contains(x * y)
    assert abs(a).contains(abs(x)) and (-a).contains(-x)
    assert (a**2).contains(x * x) and (a**3).contains(x**3)
    assert a.max(b).contains(max(x, y)) and a.min(b).contains(min(x, y))
    if y != 0:
        assert (a / b).contains(x / y)
    if a.lower >= 0:
        root = a.sqrt()
        assert Fraction(root.lower) ** 2 <= x and (math.isinf(root.upper) or x <= Fraction(root.upper) ** 2)


@settings(deadline=None, max_examples=300)
@given(ENDS, ENDS, ENDS, ENDS)
def test_no_operation_gives_nan(a: float, b: float, c: float, d: float) -> None:
    x, y = Bound(min(a, b), max(a, b)), Bound(min(c, d), max(c, d))
    for result in (x + y, x - y, x * y, x / y, x**2, x**-1, abs(x), x.sqrt(), x ** Fraction(1, 3)):
        assert not math.isnan(result.lower) and not math.isnan(result.upper)
        assert not math.isnan(result.mid) and not math.isnan(result.width)


@settings(deadline=None, max_examples=200)
@given(bounds_with_member())
def test_arb_round_trip_contains_the_interval(pair: tuple) -> None:
    bound, member = pair
    ball = bound.arb()
    assert ball.contains(flint.arb(bound.lower)) and ball.contains(flint.arb(bound.upper))
    assert Bound.from_arb(ball).contains(member)
    assert Bound.from_json(json.loads(json.dumps(bound.to_json()))) == bound


def test_exact_constants_keep_their_exact_value() -> None:
    assert Bound.exact(0.1) == Bound(0.1, 0.1)
    big = Bound.exact(2**60 + 1)
    assert big.lower == 2.0**60 and big.upper == math.nextafter(2.0**60, math.inf)
    assert Bound.exact(np.int64(2**60 + 1)) == big
    assert Bound.exact(np.float32(0.1)).lower == float(np.float32(0.1))
    assert Bound.exact(Fraction(1, 3)).contains(Fraction(1, 3))
    assert Bound.exact(10**400) == Bound(math.nextafter(math.inf, 0), math.inf)


def test_evidence_is_the_weakest_of_the_inputs() -> None:
    proved, sampled = Bound.exact(1), Bound(0.0, 1.0, Evidence.SAMPLED)
    for result in (proved + sampled, sampled * proved, 2 / (sampled + 1), (sampled + 1).sqrt(), -sampled):
        assert result.evidence is Evidence.SAMPLED
    assert sampled.with_evidence(Evidence.PROVED).evidence is Evidence.SAMPLED


@pytest.mark.parametrize("weak", [Evidence.ASSUMED, Evidence.SAMPLED, Evidence.ESTIMATED])
def test_nothing_weaker_than_proved_can_prove(weak: Evidence) -> None:
    bound = Bound(1.0, 2.0, weak)
    for verdict in (bound.gt(0), bound.lt(0), bound.ge(0), bound.le(0), Bound.exact(0).lt(bound)):
        assert verdict is Verdict.UNDECIDED
    for verdict in (Verdict.PROVED, Verdict.REFUTED):
        with pytest.raises(InputError, match="expected a proved one"):
            Decision(verdict, bound)
    assert Decision(Verdict.UNDECIDED, bound).likely is True


def test_comparisons() -> None:
    x = Bound(1.0, 2.0)
    assert x.gt(Fraction(999, 1000)) is Verdict.PROVED
    assert x.gt(1) is Verdict.UNDECIDED and x.gt(2) is Verdict.REFUTED
    assert x.ge(1) is Verdict.PROVED and x.le(2) is Verdict.PROVED and x.lt(1) is Verdict.REFUTED


def test_a_verdict_is_no_bool() -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(Verdict.UNDECIDED)
    assert (Verdict.PROVED & Verdict.REFUTED) is Verdict.REFUTED
    assert (~Verdict.UNDECIDED) is Verdict.UNDECIDED
    assert json.dumps(Verdict.PROVED) == '"proved"'


def test_infinities_are_unknowns() -> None:
    whole = Bound.unknown()
    assert (whole * 0) == Bound(0.0, 0.0)
    assert (Bound(0.0, math.inf) * Bound(0.0, 2.0)) == Bound(0.0, math.inf)
    assert Bound.exact(math.inf) * 0 == whole
    assert 1 / Bound(2.0, math.inf) == Bound(0.0, 0.5)
    assert Bound.estimated(math.nan) == Bound.unknown(Evidence.ESTIMATED)
    assert Bound.from_arb(flint.arb.nan()) == whole


@pytest.mark.parametrize("ends", [(math.nan, 1.0), (0.0, math.nan), (2.0, 1.0)])
def test_impossible_bounds_are_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(InputError):
        Bound(*ends)


@pytest.mark.parametrize(
    "data",
    [
        {"lower": 1, "upper": 0, "evidence": "proved"},
        {"lower": "nan", "upper": 0, "evidence": "proved"},
        {"lower": True, "upper": 2, "evidence": "proved"},
        {"lower": 0, "upper": 1, "evidence": "certain"},
        {"lower": 0, "upper": 1},
        {"lower": None, "upper": 1, "evidence": "proved"},
    ],
)
def test_bad_json_is_refused_in_one_line(data: dict) -> None:
    with pytest.raises(InputError) as error:
        Bound.from_json(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ends", [(-0.5, -0.25), (-1.0, 0.0), (-2.0, 3.0), (0.0, 1.0), (1.0, 2.0), (0.0, 5e-324)])
def test_published_bounds_are_wider_and_keep_their_sign(ends: tuple[float, float]) -> None:
    bound = Bound(*ends)
    wide = widened(bound)
    assert wide.upper > bound.upper and (wide.lower < bound.lower or wide.lower == bound.lower == 0)
    assert (wide.lower >= 0) == (bound.lower >= 0) and wide.width <= bound.width + 4e-9 * max(map(abs, ends)) + 1e-300


def test_exact_zero_and_unbounded_are_published_as_they_are() -> None:
    assert widened(Bound(0.0, 0.0)) == Bound(0.0, 0.0) and widened(Bound(0.0, math.inf)) == Bound(0.0, math.inf)
