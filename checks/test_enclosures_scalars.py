"""Enclosures of numbers and formulas at the places where they go wrong: kinks, ends, signs, infinities, precision."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
import sympy as sp

from dipproofs.enclosures import (
    Bound,
    Decision,
    Evidence,
    IntervalMatrix,
    Verdict,
    apply_arb,
    compile_arb,
    enclose,
)
from dipproofs.enclosures.ends import add_ends, arb_down, end_from_json, end_to_json, multiply_ends, power_of_end
from dipproofs.enclosures.functions import Constant
from dipproofs.enclosures.rounding import TINY, UNIT, down, up
from dipproofs.errors import InputError

x, y = sp.symbols("x y", positive=True)
w = sp.Symbol("w", nonnegative=True)
z, v = sp.symbols("z v", real=True)
INF = math.inf


# --- Bound ------------------------------------------------------------------------------------------------
UNBOUNDED = [Bound(-INF, 3.0), Bound(2.0, INF), Bound(-INF, -1.0), Bound(-5.0, INF), Bound(-INF, INF), Bound(0.0, INF)]
FINITE = [Bound(-2.0, 3.0), Bound(1.0, 4.0), Bound(-4.0, -1.0), Bound(0.1, 0.1), Bound(0.0, 2.0), Bound(-1.0, 0.0)]


def test_middle_width_and_ball() -> None:
    for b in FINITE + UNBOUNDED:
        ball = b.arb()
        for value in (b.lower, b.upper, b.mid):
            if math.isfinite(value):
                assert ball.contains(flint.arb(value))
        if not b.is_finite:
            assert ball.contains(flint.arb(1e300)) and ball.contains(flint.arb(-1e300))
            assert b.width == INF == b.relative_width
        assert b.lower <= b.mid <= b.upper
        assert math.isfinite(b.mid)
        assert (b.width == 0.0) == b.is_point == (b.relative_width == 0.0)
    assert Bound(-INF, 3.0).mid == 3.0 and Bound(2.0, INF).mid == 2.0 and Bound(-INF, INF).mid == 0.0
    assert Bound(0.3, 0.3).arb().is_exact() and not Bound(-INF, 3.0).is_finite and not Bound(2.0, INF).is_finite
    for b, relative in (
        (Bound(1.0, 4.0), 0.75),
        (Bound(-4.0, -1.0), 0.75),
        (Bound(-2.0, 8.0), 1.25),
        (Bound(-8.0, 2.0), 1.25),
    ):
        assert b.relative_width == relative
    for infinite in (Bound(INF, INF), Bound(-INF, -INF)):
        assert infinite.is_point and not infinite.is_finite and infinite.width == 0.0


def test_arithmetic_with_infinite_ends() -> None:
    """0·∞ is unknown where an end is the point ∞; what is bounded stays bounded. Members: `test_intervals`."""
    for point in (Bound(INF, INF), Bound(-INF, -INF)):
        for other in (Bound(-1.0, 1.0), Bound(0.0, 1.0), Bound(-1.0, 0.0), Bound(0.0, 0.0)):
            assert point * other == Bound.unknown() == other * point
        assert (point * Bound(1.0, 2.0)).is_point and (Bound(-2.0, -1.0) * point).is_point
    assert Bound(0.0, 0.0) * Bound(-INF, INF) == Bound(0.0, 0.0)  # every member is a number
    for a, over_positive in (
        (Bound(1.0, 2.0), Bound(0.0, 0.5)),
        (Bound(-2.0, -1.0), Bound(-0.5, 0.0)),
        (Bound(-2.0, 1.0), Bound(-0.5, 0.25)),
    ):
        assert a / Bound(4.0, INF) == over_positive == -(a / Bound(-INF, -4.0))
    assert Bound(3.0, INF) / 2 == Bound(1.5, INF)
    assert 3 - Bound(1.0, 2.0) == Bound(1.0, 2.0) and 3 + Bound(1.0, 2.0) == Bound(4.0, 5.0)
    assert 3 * Bound(1.0, 2.0) == Bound(3.0, 6.0) and 4 / Bound(1.0, 2.0) == Bound(2.0, 4.0)
    assert Fraction(1, 2) - Bound(1.0, 2.0) == Bound(-1.5, -0.5)


def test_evidence_survives_where_nothing_is_known() -> None:
    weak = Bound(-1.0, 1.0, Evidence.SAMPLED)
    for unknown in (
        Bound.exact(1) / weak,
        weak / Bound(-1.0, 1.0),
        Bound(INF, INF) * weak,
        weak * Bound(INF, INF),
        weak.sqrt(),
    ):
        assert unknown == Bound.unknown(Evidence.SAMPLED)
    assert weak.with_evidence(Evidence.ASSUMED) == weak
    assert weak.with_evidence(Evidence.ESTIMATED) == Bound(-1.0, 1.0, Evidence.ESTIMATED)
    assert weak**0 == Bound(1.0, 1.0, Evidence.SAMPLED) and (weak**2).evidence is Evidence.SAMPLED
    assert Bound.estimated(math.nan) == Bound.unknown(Evidence.ESTIMATED)
    assert Bound.estimated(2.0) == Bound(2.0, 2.0, Evidence.ESTIMATED)
    assert Bound.from_arb(flint.arb.nan(), Evidence.ASSUMED) == Bound.unknown(Evidence.ASSUMED)
    assert Bound.unknown() == Bound(-INF, INF, Evidence.PROVED)
    assert Evidence.weakest([]) is Evidence.PROVED


def test_powers_at_their_ends() -> None:
    half = Fraction(1, 2)
    for bound, power, wanted in (
        (Bound(0.0, 4.0), half, Bound(0.0, 2.0)),
        (Bound(4.0, INF), half, Bound(2.0, INF)),
        (Bound(-2.0, 3.0), 2, Bound(0.0, 9.0)),
        (Bound(-2.0, 3.0), 3, Bound(-8.0, 27.0)),
        (Bound(-3.0, -2.0), 2, Bound(4.0, 9.0)),
        (Bound(2.0, 4.0), -1, Bound(0.25, 0.5)),
        (Bound(-4.0, -2.0), -1, Bound(-0.5, -0.25)),
        (Bound(2.0, 4.0), -2, Bound(0.0625, 0.25)),
        (Bound(-INF, 2.0), 2, Bound(0.0, INF)),
        (Bound(-INF, 2.0), 1, Bound(-INF, 2.0)),
        (Bound(4.0, 16.0), Fraction(-1, 2), Bound(0.25, 0.5)),
        (Bound(0.0, 0.0), half, Bound(0.0, 0.0)),
        (Bound(-1.0, 4.0), half, Bound.unknown()),
        (Bound(0.0, 1.0), -1, Bound.unknown()),
        (Bound(2.0, 3.0), 0, Bound(1.0, 1.0)),
        (Bound(-8.0, 1.0), Fraction(1, 3), Bound.unknown()),
    ):
        assert bound**power == wanted, (bound, power, bound**power)
    for power, most in ((Fraction(2, 3), 4.0), (Fraction(1, 3), 2.0), (Fraction(5, 3), 32.0)):
        found = Bound(1.0, 8.0) ** power
        assert 1 - 1e-15 <= found.lower <= 1 and most <= found.upper <= most * (1 + 1e-15)
    root = Bound.exact(2).sqrt()
    assert Fraction(root.lower) ** 2 < 2 < Fraction(root.upper) ** 2 and root.upper == math.nextafter(root.lower, 2)
    assert bool(power_of_end(0.0, half) == 0) and not power_of_end(INF, half).is_finite()


def test_absolute_values_minima_and_maxima() -> None:
    a = Bound(-3.0, 1.0)
    assert a.max(0) == Bound(0.0, 1.0) and a.min(0) == Bound(-3.0, 0.0)
    with pytest.raises(InputError, match="above upper"):
        Bound(0.0, 1.0).intersect(Bound(2.0, 3.0))
    for ends in ((math.nan, 1.0), (1.0, math.nan)):
        with pytest.raises(InputError, match="not a number"):
            Bound(*ends)
    assert (
        Bound(1.0, 1.0).is_point and a.contains(-3) and a.contains(1) and not a.contains(1.1) and not a.contains(-3.1)
    )
    assert Bound.exact(True) == Bound(1.0, 1.0) and Bound.exact(np.float64(0.5)) == Bound(0.5, 0.5)


def test_ends() -> None:
    assert add_ends(INF, -INF, down) == -INF and add_ends(INF, -INF, up) == INF == add_ends(-INF, INF, up)
    assert add_ends(INF, 1.0, down) == INF and add_ends(-1.0, -INF, up) == -INF == add_ends(-INF, 1.0, down)
    assert multiply_ends(0.0, INF, down) == 0.0 == multiply_ends(-INF, 0.0, up)
    assert multiply_ends(-2.0, INF, up) == -INF and multiply_ends(-INF, -2.0, down) == INF
    for f, sign in ((down, 1), (up, -1)):
        for big in (1 << 1030, Fraction(1 << 1030, 3)):
            huge = sign * big
            assert f(huge) == sign * math.nextafter(INF, 0) and f(-huge) == -sign * INF
        tiny = Fraction(sign, 1 << 1080)
        assert f(tiny) == 0.0 and f(-tiny) == -sign * 2.0**-1074
        for value in (Fraction(1, 3), Fraction(-1, 3), Fraction(1), Fraction(0), Fraction(10**17 + 1)):
            found = Fraction(f(value))
            assert sign * found <= sign * value and abs(found - value) <= Fraction(math.ulp(float(value)))
    with flint.ctx.workprec(200):
        third, huge = flint.arb(1) / 3, flint.arb(2) ** 1030
        for value in (third.mid(), (-third).mid(), flint.arb(0.5), flint.arb(0)):
            below = arb_down(value)
            assert bool(flint.arb(below) <= value) and bool(flint.arb(math.nextafter(below, INF)) > value)
        assert arb_down(huge) == math.nextafter(INF, 0) and arb_down(-huge) == -INF
        assert arb_down(flint.arb.pos_inf()) == INF and arb_down(flint.arb.neg_inf()) == -INF
    for number in (1.5, INF, -INF):
        assert end_from_json(end_to_json(number)) == number
    assert end_to_json(INF) == "inf" and end_to_json(-INF) == "-inf" and end_from_json(3) == 3.0
    for bad in (True, "nan", "1", None):
        with pytest.raises((ValueError, TypeError)):
            end_from_json(bad)
    for broken in (
        {},
        {"lower": 1, "upper": "x", "evidence": "proved"},
        {"lower": 1, "upper": 2, "evidence": "no"},
        {"lower": 2, "upper": 1, "evidence": "proved"},
        {"lower": True, "upper": 2, "evidence": "proved"},
    ):
        with pytest.raises(InputError):
            Bound.from_json(broken)
    assert Bound.from_json({"lower": "-inf", "upper": 2, "evidence": "assumed"}) == Bound(-INF, 2.0, Evidence.ASSUMED)


# --- formulas ---------------------------------------------------------------------------------------------
def _at(expression: sp.Expr, value: float | Bound, **options: Any) -> Bound:
    bound = value if isinstance(value, Bound) else Bound.exact(value)
    return enclose(expression, dict.fromkeys(expression.free_symbols, bound), **options)


def test_digits_near_zero_are_kept_at_once() -> None:
    """exp(x)−1, 1−exp(x) and log(1+x) need no more precision for tiny x."""
    for expression in (sp.exp(z) - 1, 1 - sp.exp(z), sp.log(1 + z)):
        for tiny in (2.0**-300, -(2.0**-300)):
            assert _at(expression, tiny, bits=64, max_bits=64).relative_width < 1e-15


def test_signs_that_are_declared_are_used() -> None:
    """A ball around a number ≥ 0 may reach below 0; roots and powers of it do not."""
    with flint.ctx.workprec(64):
        ball = flint.arb(0, 1)  # [−1, 1]
        for expression, most in (
            (sp.sqrt(w), 1),
            (w**3, 1),
            (w**2, 1),
            (w ** sp.Rational(1, 3), 1),
            (w ** sp.Rational(2, 3), 1),
            (w**y, 1),
        ):
            arguments = sorted(expression.free_symbols, key=str)
            values = [ball if symbol is w else flint.arb(2) for symbol in arguments]
            result = Bound.from_arb(compile_arb(arguments, expression)(*values))
            assert -0.8 <= result.lower <= 0 and most <= result.upper <= 1.001, (expression, result)
        for expression in (w ** (-y), w ** (y - 1), z**y, z ** sp.Rational(1, 3), sp.sqrt(z)):
            arguments = sorted(expression.free_symbols, key=str)
            values = [flint.arb(1) if symbol is y else ball for symbol in arguments]
            assert not compile_arb(arguments, expression)(*values).is_finite(), expression
        assert compile_arb((z,), z**2)(ball) >= 0 and compile_arb((z,), z**3)(ball).contains(flint.arb(-1))
    for power in (sp.Rational(1, 3), sp.Rational(2, 3), sp.Rational(1, 2)):
        assert _at(w**power, 0.0) == Bound(0.0, 0.0)
        found = _at(w**power, Bound(0.0, 8.0))
        assert -0.6 * found.upper <= found.lower <= 0.0 <= found.upper - 8.0 ** float(power) < 1e-7
    assert enclose(w**y, {w: Bound.exact(0), y: Bound.exact(0.5)}) == Bound(0.0, 0.0)
    found = enclose(w**y, {w: Bound(0.0, 4.0), y: Bound.exact(0.5)})
    assert found.lower <= 0 and 2 <= found.upper <= 2.0001
    assert not enclose(w**z, {w: Bound.exact(0), z: Bound.exact(-1)}).is_finite


def test_small_intervals_that_reach_zero() -> None:
    """Roots of [0, ½] reach (½)^y; and a ball that touches a threshold may lie on either side of it."""
    for power in (sp.Rational(1, 3), sp.Rational(1, 2), sp.Rational(3, 5)):
        found = _at(w**power, Bound(0.0, 0.5))
        assert found.lower <= 0 and 0.5 ** float(power) <= found.upper <= 1.2
    found = enclose(w**y, {w: Bound(0.0, 0.5), y: Bound.exact(0.25)})
    assert found.lower <= 0 and 0.5**0.25 <= found.upper < 0.85
    unit = flint.arb(0.5, 0.5)
    for condition in (z >= 1, z <= 0, sp.Eq(z, 1), sp.Eq(z, 0)):
        value = compile_arb((z,), sp.Piecewise((3, condition), (7, True)))(unit)
        assert value.contains(flint.arb(3)) and value.contains(flint.arb(7)), condition


CONDITIONS = [z > 1, z >= 1, z < 1, z <= 1, sp.Eq(z, 1), sp.Ne(z, 1)]
CONDITIONS += [sp.And(z > 0, z < 1), sp.Or(z < 0, z > 1), sp.Not(sp.And(z > 0, z < 1))]


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_branches_on_both_sides_and_astride(condition: Any) -> None:
    def wanted(point: float) -> float:
        return 3.0 if condition.subs(z, sp.Rational(point)) == sp.true else 7.0

    expression = sp.Piecewise((3, condition), (7, True), evaluate=False)
    for point in (-1.0, 0.0, 0.5, 1.0, 1.0 + 2.0**-50, 2.0):
        assert _at(expression, point) == Bound.exact(wanted(point)), point
    ends = (-2.0, -1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
    for low, high in itertools.combinations(ends, 2):
        found = _at(expression, Bound(low, high))
        values = {wanted(t) for t in np.linspace(low, high, 33)}
        assert found.lower <= min(values) and found.upper >= max(values), (low, high, found)
        if len(values) == 1 and not low <= 0 <= high and not low <= 1 <= high:
            assert found == Bound.exact(min(values)), (low, high, found)


def test_branches_that_may_be_undefined_make_nothing_known() -> None:
    gap = sp.Piecewise((1, z > 1))
    assert (
        _at(gap, 2.0) == Bound(1.0, 1.0)
        and _at(gap, 0.0) == Bound.unknown()
        and _at(gap, Bound(0.0, 2.0)) == Bound.unknown()
    )
    partly = sp.Piecewise((sp.sqrt(z), z > 1), (5, True))
    assert _at(partly, Bound(-1.0, 2.0)) == Bound.unknown()
    assert _at(partly, -1.0) == Bound(5.0, 5.0) and _at(sp.Max(sp.log(z), 0), Bound(-1.0, 1.0)) == Bound.unknown()
    assert (
        _at(sp.Min(0, sp.log(z)), Bound(-1.0, 1.0)) == Bound.unknown() == _at(sp.Max(0, sp.log(z), 9), Bound(-1.0, 1.0))
    )
    first = sp.Piecewise((1, z < 2), (2, z < 3), (4, True))  # the first that holds decides
    assert [_at(first, t).lower for t in (1.0, 2.5, 3.5)] == [1.0, 2.0, 4.0]
    assert _at(first, Bound(1.5, 2.5)).upper >= 2 and _at(first, Bound(1.5, 2.5)).upper < 3.9
    assert enclose(sp.oo) == Bound(INF, INF) or enclose(sp.oo) == Bound.unknown()


@pytest.mark.parametrize(
    "bad", [sp.LambertW(z, 1), sp.LambertW(z, -2), sp.gamma(z), z + sp.Float(1), sp.Function("g")(z), sp.zeta(z)]
)
def test_what_has_no_enclosure_is_refused(bad: sp.Expr) -> None:
    with pytest.raises(InputError, match="enclosure: found"):
        _at(bad, 0.5)


def test_values_must_fit_the_symbols() -> None:
    assert enclose(x, {x: Bound(-1.0, 1.0)}).contains(-1)
    negative = sp.Symbol("n", nonpositive=True)
    assert enclose(negative, {negative: Bound(-1.0, 0.0)}).contains(0) and enclose(w, {w: Bound(0.0, 0.0)}).upper == 0.0
    for symbol, bound in ((x, Bound(-2.0, -1.0)), (negative, Bound(1.0, 2.0)), (w, Bound(-2.0, -1e-300))):
        with pytest.raises(InputError, match="declared sign"):
            enclose(symbol, {symbol: bound})
    with pytest.raises(InputError, match="no value"):
        enclose(x + y, {x: Bound.exact(1)})
    with pytest.raises(InputError, match="expected a Bound"):
        enclose(x, {x: 1.0})  # type: ignore[dict-item]
    assert enclose(x * y, {x: Bound(1.0, 1.0, Evidence.SAMPLED), y: Bound.exact(2)}).evidence is Evidence.SAMPLED
    assert enclose(x, {x: Bound.exact(1), y: Bound(1.0, 1.0, Evidence.SAMPLED)}).evidence is Evidence.PROVED
    with pytest.raises(InputError, match="found 2 values"):
        compile_arb((x,), x)(flint.arb(1), flint.arb(2))
    with pytest.raises(InputError, match="found no value for the symbol"):
        compile_arb((x,), x + y)
    assert compile_arb((x, y), x - y).batch([flint.arb(3), flint.arb(5)], [flint.arb(1), flint.arb(7)]) == [2, -2]
    assert len(compile_arb((), sp.pi).batch()) == 1


def test_constants_follow_the_precision() -> None:
    made: list[int] = []
    constant = Constant(lambda: made.append(flint.ctx.prec) or flint.arb.pi())
    for bits in (64, 64, 128, 128, 64):
        with flint.ctx.workprec(bits):
            assert constant().rel_accuracy_bits() >= bits - 4
    assert made == [64, 128, 64]


# --- precision --------------------------------------------------------------------------------------------


def test_decisions_need_proved_margins_and_say_so() -> None:
    for verdict, evidence in itertools.product((Verdict.PROVED, Verdict.REFUTED), list(Evidence)[1:]):
        article = "a sampled" if evidence is Evidence.SAMPLED else f"an {evidence}"
        with pytest.raises(InputError, match=f"from {article} margin"):
            Decision(verdict, Bound(1.0, 2.0, evidence))
    assert Decision(Verdict.UNDECIDED, Bound.estimated(1.0)).likely is True
    for bound, likely in (
        (Bound(1.0, 2.0), True),
        (Bound(-1.0, 0.0), False),
        (Bound(0.0, 1.0), None),
        (Bound(0.0, 0.0), False),
        (Bound(-2.0, 1.0), None),
    ):
        assert Decision(Verdict.UNDECIDED, bound).likely is likely
    assert (
        Decision(Verdict.PROVED).proved
        and not Decision(Verdict.REFUTED).proved
        and not Decision(Verdict.UNDECIDED).proved
    )
    assert Decision(Verdict.PROVED).likely is None
    assert str(Decision(Verdict.PROVED, Bound(1.0, 2.0), "why")) == "proved, margin [1, 2] (proved): why"
    assert str(Decision(Verdict.PROVED)) == "proved"


# --- entry by entry ---------------------------------------------------------------------------------------
def test_functions_of_entries_keep_places_and_radii() -> None:
    square = compile_arb((z,), z**2)
    mid = np.array([[1.0, -2.0, 0.0], [3.0, 1e-200, 1e100]])
    for rad in (None, np.full((2, 3), 0.25), np.array([[0.0, 1.0, 2.0], [0.5, 0.0, INF]])):
        for function in (square, lambda ball: ball * ball):
            result = apply_arb(function, IntervalMatrix(mid, rad))
            for index in np.ndindex(2, 3):
                r = 0.0 if rad is None else rad[index]
                if math.isinf(r):
                    assert result.radius()[index] == INF
                    continue
                low, high = (
                    Fraction(result.mid[index]) - Fraction(result.radius()[index]),
                    Fraction(result.mid[index]) + Fraction(result.radius()[index]),
                )
                ends = [(Fraction(mid[index]) + s * Fraction(r)) ** 2 for s in (-1, 1)] + [Fraction(mid[index]) ** 2]
                assert low <= min(ends) and max(ends) <= high
                assert high - low <= 3 * (max(ends) - min(ends)) + max(ends) * Fraction(UNIT) * 30 + 20 * Fraction(TINY)
    undefined = apply_arb(compile_arb((z,), sp.sqrt(z)), IntervalMatrix(np.array([4.0, -4.0])))
    assert undefined.radius()[1] == INF and undefined.radius()[0] < 1e-15 and undefined.mid[0] == 2.0
    huge = apply_arb(square, IntervalMatrix(np.array([1e200, 2.0])))  # an Arb number, but no float
    assert huge.radius()[0] == INF and huge.mid.tolist() == [0.0, 4.0]
    long = apply_arb(square, IntervalMatrix(np.arange(70000.0)))  # longer than one chunk
    assert (long.mid == np.arange(70000.0) ** 2).all()
    with flint.ctx.workprec(30):
        assert apply_arb(compile_arb((z,), sp.exp(z)), IntervalMatrix(np.ones(1))).radius()[0] < 1e-15
