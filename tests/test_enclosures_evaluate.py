"""SymPy expressions on enclosures: functions, domains, decisions."""

from __future__ import annotations

import math

import flint
import mpmath
import pytest
import sympy as sp

from dipproofs.enclosures import Bound, Evidence, Verdict, compile_arb, decide_positive, enclose
from dipproofs.errors import InputError

x, y = sp.symbols("x y", positive=True)
z = sp.Symbol("z", real=True)

CASES = {
    "rational power": (x ** sp.Rational(7, 3), lambda v: v ** (mpmath.mpf(7) / 3)),
    "negative power": (x ** sp.Rational(-1, 2), lambda v: 1 / mpmath.sqrt(v)),
    "symbolic power": (x**x, lambda v: v**v),
    "expm1": (sp.exp(x) - 1, mpmath.expm1),
    "one minus exp": (1 - sp.exp(-x), lambda v: -mpmath.expm1(-v)),
    "log1p": (sp.log(1 + x), mpmath.log1p),
    "lambert 0": (sp.LambertW(x), mpmath.lambertw),
    "lambert -1": (sp.LambertW(-sp.exp(-1 - x), -1), lambda v: mpmath.lambertw(-mpmath.exp(-1 - v), -1).real),
    "erf": (sp.erf(x), mpmath.erf),
    "acosh": (sp.acosh(sp.exp(x)), lambda v: mpmath.acosh(mpmath.exp(v))),
    "max": (sp.Max(x, 1 / x), lambda v: max(v, 1 / v)),
    "piecewise": (sp.Piecewise((sp.sqrt(2 * x), x <= 1), (x + sp.sqrt(2) - 1, True)),
                  lambda v: mpmath.sqrt(2 * v) if v <= 1 else v + mpmath.sqrt(2) - 1),
    "constants": (sp.pi * sp.E * x / 3, lambda v: mpmath.pi * mpmath.e * v / 3),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("value", [1e-30, 1e-9, 0.3, 1.0, 2.5, 40.0])
def test_points_are_enclosed_to_the_last_digit(name: str, value: float) -> None:
    expression, reference = CASES[name]
    bound = enclose(expression, {x: Bound.exact(value)})
    with mpmath.workprec(600):
        truth = mpmath.re(reference(mpmath.mpf(value)))
        assert bound.lower <= truth <= bound.upper
    assert bound.relative_width < 1e-15


def test_wide_inputs_are_covered() -> None:
    bound = enclose(sp.sqrt(sp.Max(0, x - y) ** 2 + y**2), {x: Bound(0.5, 1.5), y: Bound(1.0, 1.0)})
    assert bound.lower <= 1 and bound.upper >= math.sqrt(1.25) and bound.is_finite
    jump = enclose(sp.Piecewise((1, z < 0), (3, True)), {z: Bound(-1.0, 1.0)})
    assert jump.lower <= 1 and jump.upper >= 3


def test_outside_the_domain_nothing_is_known() -> None:
    for expression in (sp.sqrt(z), sp.log(z), 1 / z, sp.acosh(z), sp.LambertW(z, -1)):
        assert not enclose(expression, {z: Bound(-1.0, 1.0)}).is_finite


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        (x + sp.Float(0.5), {x: Bound.exact(1)}, "Float"),
        (x + y, {x: Bound.exact(1)}, "no value for the symbol y"),
        (sp.gamma(x), {x: Bound.exact(1)}, "gamma"),
        (sp.Function("F")(x), {x: Bound.exact(1)}, "Arb enclosure"),
        (x, {x: Bound.exact(-1)}, "contradicts its declared sign"),
        (x, {x: 1.0}, "expected a Bound"),
    ],
)
def test_defects_are_refused_in_one_line(expression: sp.Expr, values: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        enclose(expression, values)
    assert "\n" not in str(error.value)


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
