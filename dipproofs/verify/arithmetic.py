"""Expressions of the theory as functions of Arb balls, with integrals and roots; used by the verifier alone."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache, cmp_to_key, reduce
from itertools import pairwise
from typing import Any

import sympy as sp
from flint import acb, arb
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.function import AppliedUndef

Env = Mapping[Any, Any]
_METHODS: dict[Any, str] = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh",
    sp.asinh: "asinh", sp.acosh: "acosh", sp.erf: "erf", sp.erfc: "erfc", expm1: "expm1", log1p: "log1p",
    sp.Abs: "__abs__",
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


def _decided(expr: sp.Basic) -> Callable[[Env], bool | None]:
    """True or False where a condition is decided, None where it is not."""
    if expr in (sp.true, sp.false):
        return lambda env: bool(expr)
    (yes, no), (left, right) = _RELATIONS[expr.func], (compiled(side) for side in expr.args)
    return lambda env: True if yes(left(env), right(env)) else False if no(left(env), right(env)) else None


def _piecewise(expr: sp.Piecewise) -> Callable[[Env], Any]:
    branches = [(compiled(value), _decided(condition)) for value, condition in expr.args]

    def union(env: Env) -> arb:
        found: list[arb] = []
        for value, condition in branches:
            truth = condition(env)
            found += [value(env)] if truth is not False else []
            if truth:
                return reduce(arb.union, found)
        return arb.nan()

    return union


def _whole_power(x: Any, n: int) -> Any:
    """xⁿ; Arb's own power takes logarithms of a ball that contains 0."""
    product = reduce(operator.mul, [x] * abs(n))
    return product if n > 0 else 1 / product


def _power(x: Any, exponent: Any, env: Env) -> Any:
    return acb.pow(x, exponent, analytic=env["analytic"]) if isinstance(x, acb) else x**exponent


def _called(name: str, x: Any, env: Env) -> Any:
    """A function of Arb; on complex balls (for integrals) the ones that are analytic everywhere, and ln off its cut."""
    if isinstance(x, acb) and name in ("__abs__", "asinh", "acosh", "log1p"):
        raise NotImplementedError(f"the verifier cannot integrate {name}")
    return x.log(analytic=env["analytic"]) if isinstance(x, acb) and name == "log" else getattr(x, name)()


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
    parts = [compiled(part) for part in expr.args]
    if isinstance(expr, AppliedUndef):  # what stands for it is given as a function
        return lambda env: env[expr.func](parts[0](env))
    if expr.is_Add or expr.is_Mul:
        combine = operator.add if expr.is_Add else operator.mul
        return lambda env: reduce(combine, [part(env) for part in parts])
    if expr.is_Pow:
        base, exponent = parts[0], parts[1]
        if expr.exp == sp.Rational(1, 2):
            return lambda env: b.sqrt(analytic=env["analytic"]) if isinstance(b := base(env), acb) else root(b)
        if expr.exp.is_Integer:
            return lambda env: _whole_power(base(env), int(expr.exp))
        return lambda env: _power(base(env), exponent(env), env)
    if isinstance(expr, sp.Max | sp.Min):
        pick = arb.max if isinstance(expr, sp.Max) else arb.min
        return lambda env: reduce(pick, [part(env) for part in parts])
    if isinstance(expr, sp.LambertW):
        return lambda env: parts[0](env).lambertw(int(expr.args[1]) if len(expr.args) == 2 else 0)
    if expr.func not in _METHODS:
        raise NotImplementedError(f"the verifier cannot evaluate {expr.func}")
    return lambda env: _called(_METHODS[expr.func], parts[0](env), env)


def evaluate(expr: Any, env: Env) -> arb:
    """Enclose an expression on balls; NaN where a symbol is not known."""
    expr = sp.sympify(expr)
    return compiled(expr)(env) if expr.free_symbols <= set(env) else arb.nan()


_POSITIVE = sp.symbols("positive_part_0:8", positive=True)


def integral(expr: sp.Expr, variable: sp.Symbol, end: arb, env: Env) -> arb:
    """Enclose ∫₀^end of a non-increasing expression whose positive parts Max(0, ·) are affine in the variable.

    Between the zeros of the positive parts the expression is analytic; around a zero that is known only as a ball,
    monotonicity bounds it.
    """
    parts = sorted((part for part in expr.atoms(sp.Max) if part.has(variable)), key=str)
    insides = [compiled(sum(part.args, sp.Integer(0))) for part in parts]
    points = [arb(0), arb(end)]
    for inside in insides:
        first, second = (inside({**env, variable: arb(i)}) for i in (0, 1))
        zero = first / (first - second)
        points += [p for p in (arb(zero.lower()), arb(zero.upper())) if p.is_finite() and p > 0 and p < end]
    points.sort(key=cmp_to_key(_order))
    total = arb(0)
    for left, right in pairwise(points):
        signs = [inside({**env, variable: (left + right) / 2}) for inside in insides]
        if not all(sign > 0 or sign < 0 for sign in signs):
            ends = [evaluate(expr, {**env, variable: p}) for p in (left, right)]
            total += (right - left) * ends[0].union(ends[1])
            continue
        named = {part: name if sign > 0 else sp.Integer(0) for part, name, sign in zip(parts, _POSITIVE, signs)}
        f = compiled(expr.xreplace(named))

        def value(z: acb, analytic: bool, f: Callable[[Env], Any] = f) -> acb:
            known = {**env, variable: z, "analytic": analytic}
            return acb(f(known | {name: inside(known) for name, inside in zip(_POSITIVE, insides)}))

        total += acb.integral(value, acb(left), acb(right)).real if right > left else 0
    return total


def _order(p: arb, q: arb) -> int:
    return -1 if p < q else int(p > q)


def bisect(below: Callable[[float], bool | None], low: float, high: float) -> tuple[float, float]:
    """Narrow [low, high] around the point where ``below`` turns false; stop where it does not know (None)."""
    for _ in range(72):
        middle = (low + high) / 2
        answer = below(middle)
        if answer is None:
            break
        low, high = (middle, high) if answer else (low, middle)
    return low, high
