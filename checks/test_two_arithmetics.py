"""Two opinions on the scalar part: mpmath's interval arithmetic must agree with Arb on every formula.

The interpreter below shares nothing with `dipproofs.enclosures`: it walks the SymPy tree itself and uses only the
four operations, √, exp, log, sin and cos of `mpmath.iv`; tanh, asinh, erf, LambertW and the rest are built from
these. Both enclosures contain the value, so they must overlap; both are narrow, so overlapping means something.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sympy
from mpmath import iv

from dipproofs import theory
from dipproofs.enclosures import Bound, Decision, Verdict, decide_positive, enclose
from dipproofs.theory import elementary, losses, methods, schedules, width
from dipproofs.theory.architectures import graph_nodes

SUBJECTS = (elementary, graph_nodes, losses, methods, schedules, width)  # imported for the formulas that they register
PRECISION = 220
POINTS = 24


class Undefined(Exception):
    """The interval reaches outside the domain of a function, or a branch is open."""


# --- a second interpreter ---------------------------------------------------------------------------------
def number(value: Any) -> Any:
    if isinstance(value, sympy.Rational):
        return iv.mpf(int(value.p)) / iv.mpf(int(value.q))
    return {sympy.pi: iv.pi, sympy.E: iv.exp(1), sympy.EulerGamma: iv.euler}[value]


def power(x: Any, y: Any, exponent: sympy.Expr) -> Any:
    if isinstance(exponent, sympy.Integer):
        result = iv.mpf(1)
        for _ in range(abs(int(exponent))):
            result = result * x
        if int(exponent) % 2 == 0:
            result = iv.mpf([max(result.a, 0), result.b])
        return result if int(exponent) >= 0 else divide(iv.mpf(1), result)
    if exponent == sympy.Rational(1, 2):
        return root(x)
    if x.a <= 0:
        raise Undefined
    return iv.exp(y * iv.log(x))


def root(x: Any) -> Any:
    if x.a < 0:
        raise Undefined
    return iv.sqrt(x)


def divide(x: Any, y: Any) -> Any:
    if y.a <= 0 <= y.b:
        raise Undefined
    return x / y


def logarithm(x: Any) -> Any:
    if x.a <= 0:
        raise Undefined
    return iv.log(x)


def tanh(x: Any) -> Any:
    return 1 - 2 / (iv.exp(2 * x) + 1)


def erf(x: Any) -> Any:
    """Taylor series of an entire function; the remainder of an alternating series is below its next term."""
    if max(abs(x.a), abs(x.b)) > 8:
        sign = 1 if x.a > 0 else -1
        tail = iv.exp(-x * x)
        return sign * (1 - iv.mpf([0, tail.b]))
    term, total, n = x, iv.mpf(0), 0
    while n < 600:
        total = total + term / (2 * n + 1)
        n += 1
        term = -term * x * x / n
    bound = max(abs(term.a), abs(term.b))
    return 2 / iv.sqrt(iv.pi) * (total + iv.mpf([-bound, bound]))


def lambert(z: Any, branch: int) -> Any:
    """w e^w = z by bisection: w e^w increases on [−1, ∞), decreases on ]−∞, −1]."""
    if z.a < -iv.exp(-1).a:
        raise Undefined
    low, high = (iv.mpf(-1), iv.mpf(1) + abs(z)) if branch == 0 else (iv.mpf(-1), iv.mpf(-2))
    while branch and not high * iv.exp(high) > z:
        high = 2 * high
    for _ in range(PRECISION + 60):
        middle = iv.mpf((low.mid + high.mid) / 2)
        value = middle * iv.exp(middle)
        if value < z:
            low = middle
        elif value > z:
            high = middle
        else:
            break
    ends = [low.a, low.b, high.a, high.b]
    return iv.mpf([min(ends), max(ends)])


def arctangent(x: Any) -> Any:
    """tan t = x by bisection of sin t − x cos t, which increases with t."""

    def end(value: Any) -> tuple[Any, Any]:
        low, high = -iv.pi / 2, iv.pi / 2
        for _ in range(PRECISION + 20):
            middle = iv.mpf((low.mid + high.mid) / 2)
            difference = iv.sin(middle) - value * iv.cos(middle)
            if difference < 0:
                low = middle
            elif difference > 0:
                high = middle
            else:
                break
        return low.a, high.b

    return iv.mpf([end(iv.mpf(x.a))[0], end(iv.mpf(x.b))[1]])


def sign(x: Any) -> Any:
    if x.a > 0 or x.b < 0:
        return iv.mpf(1) if x.a > 0 else iv.mpf(-1)
    raise Undefined


FUNCTIONS: dict[Any, Callable[[Any], Any]] = {
    sympy.exp: iv.exp,
    sympy.log: logarithm,
    sympy.sin: iv.sin,
    sympy.cos: iv.cos,
    sympy.tanh: tanh,
    sympy.sinh: lambda x: (iv.exp(x) - iv.exp(-x)) / 2,
    sympy.cosh: lambda x: (iv.exp(x) + iv.exp(-x)) / 2,
    sympy.sech: lambda x: 2 / (iv.exp(x) + iv.exp(-x)),
    sympy.asinh: lambda x: logarithm(x + iv.sqrt(x * x + 1)),
    sympy.acosh: lambda x: logarithm(x + root(x * x - 1)),
    sympy.erf: erf,
    sympy.Abs: abs,
    sympy.atan: arctangent,
    sympy.sign: sign,
}


def evaluate(node: Any, values: dict[Any, Any]) -> Any:
    if node in values:
        return values[node]
    if isinstance(node, sympy.Rational) or node in (sympy.pi, sympy.E, sympy.EulerGamma):
        return number(node)
    if isinstance(node, sympy.Piecewise):
        for value, condition in node.args:
            if truth(condition, values):
                return evaluate(value, values)
        raise Undefined
    if isinstance(node, sympy.Pow):
        base = evaluate(node.base, values)
        return power(base, evaluate(node.exp, values), node.exp)
    arguments = [evaluate(argument, values) for argument in node.args]
    if isinstance(node, (sympy.Add, sympy.Mul)):
        total = arguments[0]
        for argument in arguments[1:]:
            total = total + argument if isinstance(node, sympy.Add) else total * argument
        return total
    if isinstance(node, (sympy.Max, sympy.Min)):
        chosen = max if isinstance(node, sympy.Max) else min
        return iv.mpf([chosen(x.a for x in arguments), chosen(x.b for x in arguments)])
    if isinstance(node, sympy.LambertW):
        return lambert(arguments[0], int(node.args[1]) if len(node.args) > 1 else 0)
    if node.func not in FUNCTIONS:
        raise NotImplementedError(node.func)
    return FUNCTIONS[node.func](arguments[0])


def truth(condition: Any, values: dict[Any, Any]) -> bool:
    if condition in (True, sympy.true):
        return True
    if isinstance(condition, (sympy.And, sympy.Or)):
        parts = [truth(part, values) for part in condition.args]
        return all(parts) if isinstance(condition, sympy.And) else any(parts)
    difference = evaluate(condition.lhs, values) - evaluate(condition.rhs, values)
    answers = {
        sympy.StrictGreaterThan: (difference.a > 0, difference.b <= 0),
        sympy.GreaterThan: (difference.a >= 0, difference.b < 0),
        sympy.StrictLessThan: (difference.b < 0, difference.a >= 0),
        sympy.LessThan: (difference.b <= 0, difference.a > 0),
        sympy.Equality: (difference.a == 0 == difference.b, difference.a > 0 or difference.b < 0),
    }
    yes, no = answers[condition.func]
    if yes == no:
        raise Undefined
    return bool(yes)


# --- what is compared ---------------------------------------------------------------------------------------
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


def arguments(expression: sympy.Expr, rng: random.Random, width: float) -> dict[Any, Bound]:
    """Random intervals in the declared domain of each symbol."""
    values = {}
    for symbol in sorted(expression.free_symbols, key=str):
        if symbol.is_integer:
            lower = upper = float(rng.randint(1, 40))
        elif symbol == schedules.horizon:  # longer than the counts beside it, or nothing is left to compare
            lower = float(rng.randint(50, 400))
            upper = lower * (1 + width)
        else:
            lower = math.exp(rng.uniform(-6, 3)) * sign_of(symbol, rng)
            upper = lower + width * abs(lower)
        values[symbol] = Bound(lower, upper)
    return values


def second(expression: sympy.Expr, values: dict[Any, Bound]) -> Any:
    return evaluate(expression, {s: iv.mpf([b.lower, b.upper]) for s, b in values.items()})


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    before, iv.prec = iv.prec, PRECISION
    yield
    iv.prec = before


def overlap(bound: Bound, other: Any) -> bool:
    return bool(bound.lower <= other.b and other.a <= bound.upper)


def compare(name: str, expression: sympy.Expr, width: float) -> int:
    """Compare on random points; return how many comparisons were narrow in both arithmetics."""
    rng, narrow = random.Random(name), 0
    for _ in range(POINTS):
        values = arguments(expression, rng, width)
        try:
            other = second(expression, values)
        except (Undefined, ZeroDivisionError):
            continue
        bound = enclose(expression, values)
        assert overlap(bound, other), (name, values, bound, other)
        if bound.is_finite:
            scale = max(abs(bound.lower), abs(bound.upper), 1e-300)
            narrow += bool(bound.width <= 1e-10 * scale + 1e-300 and other.delta.b <= 1e-10 * scale + 1e-300)
    return narrow


@pytest.mark.parametrize("name", ALL)
def test_arb_and_mpmath_agree(name: str) -> None:
    narrow = compare(name, ALL[name], 0.0)
    assert narrow >= (1 if not ALL[name].free_symbols else 3), f"only {narrow} comparisons meant anything"
    compare(name, ALL[name], 1e-3)


def test_enough_is_compared() -> None:
    assert len(ALL) >= 140 and SUBJECTS


def test_decisions_agree_on_both_sides_of_a_threshold() -> None:
    """The feasibility of ωF₀²/(2λ) > ψ, decided with a margin of 2^(−80) either way."""
    f, lam, psi = sympy.symbols("f lambda psi", positive=True)
    q = sympy.Integer(1)
    gap = (2 * sympy.log(1 + q) / q - 1) * f**2 / (2 * lam) - psi
    threshold = second(gap + psi, {f: Bound.exact(3), lam: Bound.exact(7)})
    for sign, expected in ((1, Verdict.REFUTED), (-1, Verdict.PROVED)):
        close = sympy.Rational(*threshold_fraction(threshold)) * (1 + sign * sympy.Rational(1, 2**80))
        decision: Decision = decide_positive(gap.subs(psi, close), {f: Bound.exact(3), lam: Bound.exact(7)})
        assert decision.verdict is expected


def threshold_fraction(interval: Any) -> tuple[int, int]:
    sign, man, exp, _ = interval.mid._mpi_[0]
    value = sympy.Integer(-man if sign else man) * sympy.Integer(2) ** int(exp)
    return int(value.p), int(value.q)


def test_a_wrong_formula_is_seen() -> None:
    """Control: one sign changed, one digit of a constant changed."""
    x = sympy.Symbol("x", positive=True)
    value = {x: Bound.exact(0.75)}
    right = sympy.log(1 + x) / x
    assert overlap(enclose(right, value), second(right, value))
    for wrong in (sympy.log(1 + x) / -x, right * (1 + sympy.Rational(1, 10**12))):
        assert not overlap(enclose(wrong, value), second(right, value))
