"""SymPy expressions of the theory → Arb balls, and integrals of profiles, for the verifier alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, reduce
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


def _power(base: Any, exponent: Any, env: Env) -> Any:
    if exponent == 2:
        return base * base
    if exponent == sp.Rational(1, 2):
        return base.sqrt(analytic=env["analytic"]) if isinstance(base, acb) else base.sqrt()
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


def _extreme(largest: bool) -> Callable[[Any, Any, bool], Any]:
    def pick(left: Any, right: Any, analytic: bool) -> Any:
        if isinstance(left, arb) and isinstance(right, arb):
            return left.max(right) if largest else left.min(right)
        left, right = acb(left), acb(right)
        return left.real_max(right, analytic) if largest else left.real_min(right, analytic)

    return pick


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
        pick = _extreme(isinstance(expr, sp.Max))
        return lambda env: reduce(lambda x, y: pick(x, y, env.get("analytic", False)), [p(env) for p in parts])
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
    """Enclose ∫₀^end expr d(variable); positive parts are split where their argument changes sign."""
    function = compiled(expr)
    return acb.integral(
        lambda z, analytic: acb(function({**env, variable: z, "analytic": analytic})), acb(0), acb(end)
    ).real
