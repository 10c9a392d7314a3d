"""Two opinions on the scalar part: mpmath with many digits must agree with Arb on every formula and every function.

SymPy prints the expression for mpmath, which shares nothing with `dipproofs.enclosures`. Its values at points of a box
must lie in the enclosure of the box; at points the enclosures are narrow, so that lying in them means something.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import mpmath as mp
import pytest
import sympy

from dipproofs import theory
from dipproofs.enclosures import Bound, Verdict, decide_positive, enclose
from dipproofs.theory import elementary, losses, methods, schedules, width
from dipproofs.theory.architectures import graph_nodes

SUBJECTS = (elementary, graph_nodes, losses, methods, schedules, width)  # imported for the formulas that they register
DRAWS = 24


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    with mp.workprec(2000):
        yield


# --- the second opinion -----------------------------------------------------------------------------------
def second(expression: sympy.Expr) -> Callable[[dict[Any, Any]], Any]:
    """The expression as a function of the values of its symbols; None outside its domain."""
    symbols = sorted(expression.free_symbols, key=str)
    function = sympy.lambdify(symbols, expression, "mpmath")

    def at(values: dict[Any, Any]) -> Any:
        try:
            value = mp.mpmathify(function(*(mp.mpf(values[symbol]) for symbol in symbols)))
        except (ZeroDivisionError, TypeError):  # a pole, or complex numbers compared
            return None
        return None if mp.im(value) or not mp.isfinite(value) else mp.re(value)

    return at


def member(bound: Bound, value: Any) -> bool:
    """Whether the value lies in the interval, up to the rounding of mpmath."""
    slack = (1 + abs(value)) * mp.mpf(2) ** -1500
    return bool(bound.lower - slack <= value <= bound.upper + slack)


# --- registered formulas ----------------------------------------------------------------------------------
def expressions() -> Iterator[tuple[str, sympy.Expr]]:
    for formula in theory.formulas():
        body = formula.expr
        if isinstance(body, sympy.core.relational.Relational):
            body = body.lhs - body.rhs
        if isinstance(body, sympy.Expr) and not body.has(sympy.Integral, sympy.core.function.AppliedUndef):
            yield formula.id, body


ALL = dict(expressions())


def sign_of(symbol: sympy.Symbol, rng: random.Random) -> int:
    """The declared sign of a symbol, or a random one."""
    if symbol.is_nonnegative:
        return 1
    return -1 if symbol.is_nonpositive else rng.choice([-1, 1])


def arguments(expression: sympy.Expr, rng: random.Random, relative: float) -> dict[Any, Bound]:
    """Random intervals in the declared domain of each symbol."""
    values = {}
    for symbol in sorted(expression.free_symbols, key=str):
        if symbol.is_integer:
            lower = upper = float(rng.randint(1, 40))
        elif symbol == schedules.horizon:  # longer than the counts beside it, or nothing is left to compare
            lower = float(rng.randint(50, 400))
            upper = lower * (1 + relative)
        else:
            lower = math.exp(rng.uniform(-6, 3)) * sign_of(symbol, rng)
            upper = lower + relative * abs(lower)
        values[symbol] = Bound(lower, upper)
    return values


@pytest.mark.parametrize("name", ALL)
def test_arb_and_mpmath_agree(name: str) -> None:
    """At points and in boxes; enough of the comparisons at points are narrow."""
    rng, narrow, exact = random.Random(name), 0, second(ALL[name])
    for relative, _ in itertools.product((0.0, 1e-3), range(DRAWS)):
        box = arguments(ALL[name], rng, relative)
        bound = enclose(ALL[name], box)
        for end in (lambda b: b.lower, lambda b: b.upper, lambda b: b.mid, lambda b: rng.uniform(b.lower, b.upper)):
            value = exact({symbol: end(b) for symbol, b in box.items()})
            assert value is None or member(bound, value), (name, box, bound, value)
        narrow += bool(relative == 0 and value is not None and bound.width <= 1e-10 * abs(value) + 1e-300)
    assert narrow >= (1 if not ALL[name].free_symbols else 3), f"only {narrow} comparisons meant anything"


def test_enough_is_compared() -> None:
    assert len(ALL) >= 140 and SUBJECTS


# --- every function that has an enclosure -------------------------------------------------------------------
x, z = sympy.Symbol("x", positive=True), sympy.Symbol("z", real=True)
UNARY = (
    "exp log sin cos tan sinh cosh tanh coth sech asinh acosh atanh asin acos atan erf erfc LambertW Abs sign "
    "floor ceiling sqrt"
)
SUMS = ((-1, 1), (1, -1), (1, 1), (-1, -1), (2, -1), (1, -2))
FUNCTIONS: list[sympy.Expr] = [
    *(getattr(sympy, name)(z) for name in UNARY.split()),
    *(z**n for n in (-3, -2, -1, 2, 3)),
    *(x ** sympy.Rational(n, 6) for n in (-4, -3, 3, 4, 9, 18)),
    *(a + b * sympy.exp(z) for a, b in SUMS),
    *(sympy.log(a + b * z) for a, b in ((1, 1), (1, -1), (2, 1))),
    sympy.Max(z, 1, -z),
    sympy.Min(z, 1, -z),
    sympy.LambertW(z, -1),
    x**z,
    x ** (-x),
    sympy.Rational(2, 7) ** z,
    sympy.pi + sympy.E * z + sympy.EulerGamma,
]
POINTS = (-2.5, -1.3, -0.5, -0.3, -0.01, -1e-9, 1e-9, 0.3, 0.5, 1.2, 2.7, 9.1)


@pytest.mark.parametrize("expression", FUNCTIONS, ids=str)
def test_every_function_at_points_and_on_intervals(expression: sympy.Expr) -> None:
    """To the last digit at points, also with 64 bits at once; the ends and the middle of small intervals lie inside."""
    exact, symbols, seen = second(expression), expression.free_symbols, 0
    for point in POINTS:
        truth = exact(dict.fromkeys(symbols, point))
        if truth is None or (point < 0 and x in symbols):
            continue
        seen += 1
        found = enclose(expression, dict.fromkeys(symbols, Bound.exact(point)))
        assert member(found, truth) and found.width <= abs(truth) * 4e-16, (point, found)
        once = enclose(expression, dict.fromkeys(symbols, Bound.exact(point)), bits=64, max_bits=64)
        assert member(once, truth) and once.width <= abs(truth) * 1e-14 + 1e-18
        radius = 2.0**-12 * abs(point)
        found = enclose(expression, dict.fromkeys(symbols, Bound(point - radius, point + radius)))
        for t in (point - radius, point, point + radius):
            assert member(found, exact(dict.fromkeys(symbols, t)))
        assert found.width <= 0.1 * (abs(truth) + 1)
    assert seen >= 3


# --- decisions, controls ------------------------------------------------------------------------------------
def test_decisions_agree_on_both_sides_of_a_threshold() -> None:
    """The feasibility of ωF₀²/(2λ) > ψ, decided with a margin of 2^(−80) either way."""
    f, lam, psi = sympy.symbols("f lambda psi", positive=True)
    q = sympy.Integer(1)
    gap = (2 * sympy.log(1 + q) / q - 1) * f**2 / (2 * lam) - psi
    threshold = Fraction(*mp.libmp.to_rational(second(gap + psi)({f: 3, lam: 7})._mpf_))
    for sign, expected in ((1, Verdict.REFUTED), (-1, Verdict.PROVED)):
        close = sympy.Rational(threshold) * (1 + sign * sympy.Rational(1, 2**80))
        decision = decide_positive(gap.subs(psi, close), {f: Bound.exact(3), lam: Bound.exact(7)})
        assert decision.verdict is expected


def test_a_wrong_formula_is_seen() -> None:
    """Control: one sign changed, one digit of a constant changed."""
    right = sympy.log(1 + x) / x
    assert member(enclose(right, {x: Bound.exact(0.75)}), second(right)({x: 0.75}))
    for wrong in (sympy.log(1 + x) / -x, right * (1 + sympy.Rational(1, 10**12))):
        assert not member(enclose(wrong, {x: Bound.exact(0.75)}), second(right)({x: 0.75}))
