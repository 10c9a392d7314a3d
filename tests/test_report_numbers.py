"""Numbers are rounded so that a bound stays a bound."""

from __future__ import annotations

import re
from decimal import Decimal

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dipproofs.enclosures import Bound, Evidence
from dipproofs.report.notation import ascii_only, formula, symbol
from dipproofs.report.numbers import above, below, count, evidence_note, interval, log_factor, near
from dipproofs.theory import quantities

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, st.integers(1, 9))
def test_above_is_above_and_below_is_below(value: float, digits: int) -> None:
    low, middle, high = (Decimal(write(value, digits)) for write in (below, near, above))
    assert low <= Decimal(value) <= high
    assert low <= middle <= high
    assert high - low <= abs(Decimal(value)) * Decimal(10) ** (1 - digits)


@given(finite, st.floats(0, 1e300), st.sampled_from(list(Evidence)))
def test_what_is_shown_of_an_enclosure_contains_it(middle: float, radius: float, evidence: Evidence) -> None:
    bound = Bound(middle - radius, middle + radius, evidence)
    low, high = read(interval(bound))
    assert low <= Decimal(bound.lower) or bound.lower == float("-inf")
    assert high >= Decimal(bound.upper) or bound.upper == float("inf")


@given(st.floats(1e-10, 1e10), st.floats(0, 1e-3))
def test_narrow_enclosures_are_shown_narrow(middle: float, relative: float) -> None:
    bound = Bound(middle * (1 - relative), middle * (1 + relative))
    low, high = read(interval(bound))
    assert high - low <= Decimal(bound.upper - bound.lower) * 2 + Decimal(middle) * Decimal("2.1e-5")


def read(text: str) -> tuple[Decimal, Decimal]:
    """Read the ends of what `interval` wrote: a number alone stands for one unit of its last digit each way."""
    if text.startswith("["):
        ends = [Decimal(part.replace("infinity", "Infinity")) for part in text[1:-1].split(", ")]
        return ends[0], ends[1]
    if text.startswith("≥ "):
        return Decimal(text[2:]), Decimal("Infinity")
    if text.startswith("≤ "):
        return Decimal(0), Decimal(text[2:])
    if "±" in text:
        middle, radius = (Decimal(part) for part in text.split(" ± "))
        return middle - radius, middle + radius
    value = Decimal(text)
    unit = Decimal(1).scaleb(value.adjusted() - 5)  # six digits; trailing zeros are not written
    return value - unit, value + unit


@given(st.floats(-60, -1e-12))
def test_decrease_per_step_is_never_overstated(exponent: float) -> None:
    percent, tenfold = log_factor(Bound(exponent * 1.5, exponent))
    with mpmath.workdps(50):
        assert mpmath.mpf(percent) <= -100 * mpmath.expm1(mpmath.mpf(exponent))
        assert mpmath.mpf(percent) >= -100 * mpmath.expm1(mpmath.mpf(exponent)) * mpmath.mpf("0.9")
        assert tenfold is not None and tenfold * -mpmath.mpf(exponent) >= mpmath.log(10)
        assert (tenfold - 1) * -mpmath.mpf(exponent) < mpmath.log(10)


def test_a_rate_too_slow_for_a_count_has_none() -> None:
    assert log_factor(Bound(-1e-17, -1e-17))[1] is None


@pytest.mark.parametrize("evidence", [e for e in Evidence if e is not Evidence.PROVED])
def test_weaker_evidence_is_said(evidence: Evidence) -> None:
    assert str(evidence) in evidence_note(Bound(1.0, 2.0, evidence))


def test_counts_do_not_break() -> None:
    assert count(12345) == "12\xa0345" and count(None) == "–"


def test_every_symbol_of_the_theory_is_written_without_latex() -> None:
    for quantity in quantities().values():
        text = symbol(str(quantity.symbol))
        assert not re.search(r"[\\{}$]", text), text
        assert ascii_only(text).isascii()


@given(st.text())
def test_ascii_is_ascii(text: str) -> None:
    assert ascii_only(text).isascii()
    assert ascii_only(formula(text)).isascii()
