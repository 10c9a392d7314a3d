"""SymPy expressions of the theory → Arb balls, and integrals of profiles, for the verifier alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cmp_to_key, reduce
from itertools import pairwise
from typing import Any

import flint
import sympy as sp
from flint import acb, arb
from sympy.codegen.cfunctions import expm1, log1p

Env = Mapping[Any, Any]
_METHODS = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh",
    sp.asinh: "asinh", sp.acosh: "acosh", sp.erf: "erf", sp.erfc: "erfc", expm1: "expm1", log1p: "log1p",
}  # fmt: skip


def exact(value: Any) -> arb:
    """A float, integer or fraction as a ball (a point unless it is a fraction that is not dyadic)."""
    top, bottom = value.as_integer_ratio()
    return arb(top) / bottom


def root(ball: arb) -> arb:
    """Square root of a number known to be ≥ 0, whatever the ball around it; NaN if it is negative."""
    if not ball.is_finite() or ball < 0:
        return arb.nan()
    low = arb(ball.lower())
    return (low.sqrt() if low > 0 else arb(0)).union(arb(ball.upper()).sqrt())


def _power(base: Any, exponent: Any, env: Env) -> Any:
    if exponent == 2:
        return base * base
    if exponent == sp.Rational(1, 2):
        return base.sqrt(analytic=env["analytic"]) if isinstance(base, acb) else root(base)
    if exponent.is_Integer:
        return base ** int(exponent)
    return base ** exact_number(exponent)


@cache
def _constant(expr: sp.Expr, bits: int) -> arb:
    if expr.is_Rational:
        return arb(int(expr.p)) / int(expr.q)
    if expr in (sp.pi, sp.E):
        return arb.pi() if expr is sp.pi else arb.const_e()
    return _node(expr)({})


def exact_number(expr: sp.Expr) -> arb:
    """A constant expression at the precision in force."""
    return _constant(expr, flint.ctx.prec)


def _piecewise(branches: list[tuple[Any, Any]], env: Env) -> arb:
    found: arb | None = None
    for value, condition in branches:
        truth = condition(env)
        if truth is not False:
            found = value(env) if found is None else found.union(value(env))
        if truth:
            return found
    return arb.nan()


def _relation(expr: sp.Basic) -> Callable[[Env], bool | None]:
    """True or False where decided, None where not."""
    if expr in (sp.true, sp.false):
        return lambda env: bool(expr)
    left, right = compiled(expr.lhs), compiled(expr.rhs)

    def decide(env: Env) -> bool | None:
        x, y = left(env), right(env)
        above, below = (x > y, x <= y) if isinstance(expr, sp.Gt) else (x >= y, x < y)
        if isinstance(expr, sp.Lt | sp.Le):
            below, above = (x >= y, x < y) if isinstance(expr, sp.Lt) else (x > y, x <= y)
        return True if above else False if below else None

    return decide


@cache
def compiled(expr: sp.Expr) -> Callable[[Env], Any]:
    """Compile an expression to a function of a dictionary symbol → ball.

    Raises:
        NotImplementedError: the expression holds something that the verifier cannot evaluate.
    """
    if expr.is_Symbol:
        return lambda env: env[expr]
    if not expr.free_symbols:
        return lambda env: _constant(expr, flint.ctx.prec)
    return _node(expr)


def _node(expr: sp.Expr) -> Callable[[Env], Any]:
    if isinstance(expr, sp.Piecewise):
        branches = [(compiled(value), _relation(condition)) for value, condition in expr.args]
        return lambda env: _piecewise(branches, env)
    if expr.is_Pow and not (expr.exp.free_symbols or expr.base is sp.E):
        base, exponent = compiled(expr.base), expr.exp
        return lambda env: _power(base(env), exponent, env)
    parts = [compiled(part) for part in expr.args]
    if expr.is_Add or expr.is_Mul:
        add = expr.is_Add
        return lambda env: reduce(lambda x, y: x + y if add else x * y, [part(env) for part in parts])
    if isinstance(expr, sp.Max | sp.Min):
        pick = arb.max if isinstance(expr, sp.Max) else arb.min
        return lambda env: reduce(pick, [arb(part(env)) for part in parts])
    if expr.is_Pow:
        return lambda env: parts[0](env) ** parts[1](env)
    if isinstance(expr, sp.Abs):
        return lambda env: abs(parts[0](env))
    if isinstance(expr, sp.LambertW):
        branch = int(expr.args[1]) if len(expr.args) == 2 else 0
        return lambda env: parts[0](env).lambertw(branch)
    name = _METHODS.get(expr.func)
    if name is None:
        raise NotImplementedError(f"the verifier cannot evaluate {expr.func}")
    return lambda env: getattr(parts[0](env), name)()


def evaluate(expr: sp.Expr, env: Env) -> arb:
    """Enclose an expression on balls."""
    return compiled(sp.sympify(expr))(env)


def integral(expr: sp.Expr, variable: sp.Symbol, end: arb, env: Env) -> arb:
    """Enclose ∫₀^end of a non-increasing expression whose positive parts Max(0, ·) are affine in the variable.

    Between the zeros of the positive parts the expression is analytic; around a zero that is known only as a
    ball, monotonicity bounds it.
    """
    parts = tuple(sorted((part for part in expr.atoms(sp.Max) if part.has(variable)), key=str))
    insides = [compiled(sum(part.args, sp.Integer(0))) for part in parts]
    points: list[Any] = [arb(0), arb(end)]
    for inside in insides:
        start = inside({**env, variable: arb(0)})
        zero = start / (start - inside({**env, variable: arb(1)}))
        points += [p for p in (arb(zero.lower()), arb(zero.upper())) if p.is_finite() and p > 0 and p < end]
    points.sort(key=cmp_to_key(_order))
    total = arb(0)
    for left, right in pairwise(points):
        middle = {**env, variable: (left + right) / 2}
        signs = tuple(True if x > 0 else False if x < 0 else None for x in (f(middle) for f in insides))
        if None in signs:
            ends = [evaluate(expr, {**env, variable: p}) for p in (left, right)]
            total += (right - left) * ends[0].union(ends[1])
        elif right > left:
            f = compiled(_piece(expr, parts, signs))

            def value(z: acb, analytic: bool, f: Callable[[Env], Any] = f) -> acb:
                known = {**env, variable: z, "analytic": analytic}
                return acb(f(known | {name: inside(known) for name, inside in zip(_NAMES, insides)}))

            total += acb.integral(value, acb(left), acb(right)).real
    return total


def _order(p: Any, q: Any) -> int:
    return -1 if p < q else 1 if p > q else 0


_NAMES = sp.symbols("positive_part_0:8", positive=True)


@cache
def _piece(expr: sp.Expr, parts: tuple[sp.Expr, ...], positive: tuple[bool, ...]) -> sp.Expr:
    """The expression where it is known which positive parts are positive (they get names) and which are 0."""
    return expr.xreplace({p: name if sign else sp.Integer(0) for p, name, sign in zip(parts, _NAMES, positive)})
