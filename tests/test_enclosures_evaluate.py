"""SymPy expressions on enclosures: functions, domains, decisions."""

from __future__ import annotations

import flint
import mpmath
import pytest
import sympy as sp

from dipproofs.enclosures import Bound, Evidence, Verdict, compile_arb, decide_positive, enclose
from dipproofs.errors import InputError

x, y = sp.symbols("x y", positive=True)
z = sp.Symbol("z", real=True)

#: Near a branch point, where the digits of the argument are lost.
CASES = {
    "lambert -1": (sp.LambertW(-sp.exp(-1 - x), -1), lambda v: mpmath.lambertw(-mpmath.exp(-1 - v), -1).real),
    "acosh": (sp.acosh(sp.exp(x)), lambda v: mpmath.acosh(mpmath.exp(v))),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("value", [1e-30, 1e-9, 0.3, 1.0, 2.5, 40.0])
def test_points_are_enclosed_to_the_last_digit(name: str, value: float) -> None:
    expression, reference = CASES[name]
    bound = enclose(expression, {x: Bound.exact(value)})
    with mpmath.workprec(600):
        truth = mpmath.re(reference(mpmath.mpf(value)))
        assert bound.lower <= truth <= bound.upper
    assert bound.relative_width < 1e-15


def test_outside_the_domain_nothing_is_known() -> None:
    for expression in (sp.sqrt(z), sp.log(z), 1 / z, sp.acosh(z), sp.LambertW(z, -1)):
        assert not enclose(expression, {z: Bound(-1.0, 1.0)}).is_finite


def test_compiled_functions_work_at_the_precision_of_the_call() -> None:
    third = compile_arb((x,), x / 3 + sp.pi)
    with flint.ctx.workprec(300):
        assert third(flint.arb(1)).rel_accuracy_bits() > 280
    with flint.ctx.workprec(60):
        assert third(flint.arb(1)).rel_accuracy_bits() < 70
    with flint.ctx.workprec(80):
        batch = third.batch([flint.arb(k) for k in range(5)])
        assert [bool(b.overlaps(third(flint.arb(k)))) for k, b in enumerate(batch)] == [True] * 5
    assert len(compile_arb((x,), sp.Integer(2) + sp.pi).batch([flint.arb(0)] * 3)) == 3


@pytest.mark.parametrize("exponent", [10, 100, 400])
def test_precision_grows_until_the_sign_is_decided(exponent: int) -> None:
    tiny = {z: Bound.exact(2.0**-exponent)}
    gap = sp.exp(z) - 1 - z - z**2 / 2
    assert decide_positive(gap, tiny).verdict is Verdict.PROVED
    assert decide_positive(-gap, tiny).verdict is Verdict.REFUTED


def test_undecided_says_why() -> None:
    exactly_zero = sp.sin(z) ** 2 + sp.cos(z) ** 2 - 1
    decision = decide_positive(exactly_zero, {z: Bound.exact(0.3)}, max_bits=512)
    assert decision.verdict is Verdict.UNDECIDED and "perhaps exactly 0" in decision.reason
    wide = decide_positive(z, {z: Bound(-1e-9, 3e-8)})
    assert wide.verdict is Verdict.UNDECIDED and "too wide" in wide.reason
    weak = decide_positive(x, {x: Bound(1.0, 2.0, Evidence.ASSUMED)})
    assert weak.verdict is Verdict.UNDECIDED and "assumed" in weak.reason
    domain = decide_positive(sp.log(z), {z: Bound(-1.0, 2.0)})
    assert domain.verdict is Verdict.UNDECIDED and "not defined" in domain.reason


def test_zero_is_not_positive() -> None:
    assert decide_positive(sp.Integer(0)).verdict is Verdict.REFUTED
    assert decide_positive(z, {z: Bound(-1.0, 0.0)}).verdict is not Verdict.PROVED


@pytest.mark.parametrize("sign", ["nonnegative", "nonpositive"])
def test_zero_has_both_signs_that_a_symbol_may_declare(sign: str) -> None:
    symbol = sp.Symbol("w", **{sign: True})
    assert enclose(3 * symbol, {symbol: Bound.exact(0)}) == Bound.exact(0)
    with pytest.raises(InputError, match="declared sign"):
        enclose(symbol, {symbol: Bound.exact(-1 if sign == "nonnegative" else 1)})
