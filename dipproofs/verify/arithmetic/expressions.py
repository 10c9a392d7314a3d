"""Expressions of the theory as functions of Arb balls (docs/theory.md §8)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any

import sympy as sp
from flint import acb, arb
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.function import AppliedUndef

from dipproofs.verify.arithmetic.saturating import without_difference

Env = Mapping[Any, Any]
_METHODS: dict[Any, str] = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh",
    sp.asinh: "asinh", sp.acosh: "acosh", sp.atan: "atan", sp.erf: "erf", sp.erfc: "erfc", sp.Abs: "__abs__",
    sp.sign: "sgn", expm1: "expm1", log1p: "log1p",
}  # fmt: skip
_RELATIONS: dict[Any, tuple[Any, Any]] = {  # surely true, surely false
    sp.Gt: (operator.gt, operator.le), sp.Ge: (operator.ge, operator.lt), sp.Lt: (operator.lt, operator.ge),
    sp.Le: (operator.le, operator.gt), sp.Eq: (operator.eq, operator.ne),
}  # fmt: skip


def exact(value: Any) -> arb:
    """A float, integer or fraction as a ball: a point unless it is a fraction that is not dyadic."""
    top, bottom = value.as_integer_ratio()
    return arb(top) / bottom


def upper(x: arb) -> arb:
    """The upper end of a ball, as a point."""
    return arb(x.upper())


def between(low: arb, high: arb) -> arb:
    """The ball around two ends."""
    return arb(low.lower()).union(arb(high.upper()))


def root(ball: arb) -> arb:
    """Square root of a number known to be ≥ 0, whatever the ball around it; NaN if it is negative."""
    if not ball.is_finite() or ball < 0:
        return arb.nan()
    return between(arb(ball.lower()).max(arb(0)).sqrt(), upper(ball).sqrt())


def norm(entries: list[arb]) -> arb:
    """Euclidean norm."""
    return root(sum((x * x for x in entries), arb(0)))


def max_of(entries: list[arb]) -> arb:
    """Enclose the largest of some balls."""
    return reduce(arb.max, entries)


def _piecewise(expr: sp.Piecewise) -> Callable[[Env], Any]:
    branches = [(compiled(value), condition) for value, condition in expr.args]

    def union(env: Env) -> arb:
        found: list[arb] = []
        for value, condition in branches:
            truth = decide(condition, env)
            found += [value(env)] if truth is not False else []
            if truth:
                return reduce(arb.union, found)
        return arb.nan()

    return union


def _power(base: Callable[[Env], Any], exponent: sp.Expr) -> Callable[[Env], Any]:
    """x to a power; Arb's own takes logarithms of a ball that contains 0."""
    if exponent.is_Integer:
        times = abs(int(exponent))
        if exponent > 0:
            return lambda env: reduce(operator.mul, [base(env)] * times)
        return lambda env: 1 / reduce(operator.mul, [base(env)] * times)
    raised, half = compiled(exponent), exponent == sp.Rational(1, 2)

    def power(env: Env) -> Any:
        x = base(env)
        if isinstance(x, acb):  # inside an integral: sqrt and powers off their cuts
            return acb.pow(x, raised(env), analytic=env["analytic"])
        return root(x) if half else x ** raised(env)

    return power


def _quotient(expr: sp.Mul) -> Callable[[Env], Any]:
    """A product with its reciprocals as divisions, which are exact where the quotient is: x/x = 1."""
    below = [part for part in expr.args if part.is_Pow and part.exp.is_Integer and part.exp < 0]
    above = [compiled(part) for part in expr.args if part not in below] or [compiled(sp.Integer(1))]
    divisors = [compiled(1 / part) for part in below]

    def quotient(env: Env) -> Any:
        return reduce(operator.truediv, [x(env) for x in divisors], reduce(operator.mul, [x(env) for x in above]))

    return quotient


def _called(name: str, x: Any, env: Env) -> Any:
    """A function of Arb; on complex balls (for integrals) NaN where it is asked to be analytic and may not be."""
    if not isinstance(x, acb):
        return getattr(x, name)()
    if name in ("__abs__", "acosh", "log1p", "sgn"):
        raise NotImplementedError(f"the verifier cannot integrate {name}")
    if name in ("asinh", "atan") and env["analytic"] and x.real.contains(0) and not abs(x.imag) < 1:
        return acb(arb.nan())  # their cuts: the imaginary axis from ±i on
    return x.log(analytic=env["analytic"]) if name == "log" else getattr(x, name)()


@cache
def compiled(expr: sp.Expr) -> Callable[[Env], Any]:
    """Turn an expression into a function of a dictionary symbol → ball.

    Raises:
        NotImplementedError: the expression holds something that the verifier cannot evaluate.
    """
    if expr.is_Symbol:
        return lambda env: env[expr]
    if expr.is_Rational:
        return lambda env: arb(int(expr.p)) / int(expr.q)
    if expr in (sp.pi, sp.E):
        return lambda env: arb.pi() if expr is sp.pi else arb.const_e()
    if isinstance(expr, sp.Piecewise):
        return _piecewise(expr)
    plain = _from_parts(expr)
    if (stable := without_difference(expr)) is None:
        return plain
    inner, f, rest = compiled(stable[0]), stable[1], compiled(stable[2])

    def careful(env: Env) -> Any:
        z = inner(env)
        return plain(env) if isinstance(z, acb) else f(z) + rest(env)

    return careful


def _from_parts(expr: sp.Expr) -> Callable[[Env], Any]:
    if isinstance(expr, sp.Mul):
        return _quotient(expr)
    parts = [compiled(part) for part in expr.args]
    if isinstance(expr, AppliedUndef):  # what stands for it is given as a function
        return lambda env: env[expr.func](parts[0](env))
    if expr.is_Pow:
        return _power(parts[0], expr.exp)
    kinds: dict[Any, Any] = {sp.Add: operator.add, sp.Max: arb.max, sp.Min: arb.min}
    if expr.func in kinds:
        return lambda env: reduce(kinds[expr.func], [part(env) for part in parts])
    if isinstance(expr, sp.LambertW):
        return lambda env: parts[0](env).lambertw(int(expr.args[1]) if len(expr.args) == 2 else 0)
    if expr.func not in _METHODS:
        raise NotImplementedError(f"the verifier cannot evaluate {expr.func}")
    return lambda env: _called(_METHODS[expr.func], parts[0](env), env)


def evaluate(expr: Any, env: Env) -> arb:
    """Enclose an expression on balls; NaN where a symbol is not known.

    Raises:
        NotImplementedError: the expression holds something that the verifier cannot evaluate.

    Example:
        >>> x = sp.Symbol("x")
        >>> float(evaluate(sp.sqrt(x) / 3, {x: arb(4)}).mid())
        0.6666666666666666
        >>> evaluate(1 - sp.Symbol("y") / x, {x: arb(1e-12), sp.Symbol("y"): arb(1e-12)}).is_zero()
        True
    """
    expr = sp.sympify(expr)
    return compiled(expr)(env) if expr is not sp.nan and expr.free_symbols <= set(env) else arb.nan()


def decide(relation: sp.Basic, env: Env) -> bool | None:
    """True or False where a relation is decided on balls, None where it is not, or a symbol is not known.

    Example:
        >>> x = sp.Symbol("x")
        >>> [decide(x > 1, {x: ball}) for ball in (arb(2), arb(0), arb(1, 0.5))]
        [True, False, None]
    """
    if relation in (sp.true, sp.false):
        return bool(relation)
    (yes, no), (left, right) = _RELATIONS[relation.func], (evaluate(side, env) for side in relation.args)
    return True if yes(left, right) else False if no(left, right) else None


def area(expr: sp.Expr, variable: sp.Symbol, end: arb, env: Env, panels: int) -> tuple[arb, arb]:
    """Bound ∫₀^end of a convex expression: midpoint rule from below, trapezoidal rule from above; NaN if not known.

    Example:
        >>> x = sp.Symbol("x")
        >>> [float(bound.mid()) for bound in area(x**2, x, arb(1), {}, 4)]  # around 1/3
        [0.328125, 0.34375]
    """
    if not expr.free_symbols <= {*env, variable}:
        return arb.nan(), arb.nan()
    f, h = compiled(expr), end / panels
    values = [f({**env, variable: h * i / 2}) for i in range(2 * panels + 1)]
    ends = (values[0] + values[-1]) / 2
    return h * sum(values[1::2], arb(0)), h * (ends + sum(values[2:-1:2], arb(0)))


def bisect(below: Callable[[float], bool | None], low: float, high: float) -> tuple[float, float]:
    """Narrow [low, high] around the point where ``below`` turns false; stop where it does not know (None).

    Example:
        >>> bisect(lambda x: x < 1, 0.0, 4.0)
        (0.9999999999999999, 1.0)
    """
    for _ in range(72):
        middle = (low + high) / 2
        answer = below(middle)
        if answer is None:
            break
        low, high = (middle, high) if answer else (low, middle)
    return low, high
