"""Sums that cancel where a function saturates, 1 − tanh²z, 1 ± tanh z, 1 ± erf z, and ln(1 + z), without the sum.

Each is monotone (the first in |z|), so its values at both ends of a ball enclose it, however wide the ball is.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from flint import arb

Function = Callable[[arb], arb]


def without_difference(expr: sp.Expr) -> tuple[sp.Expr, Function, sp.Expr] | None:
    """Return z, f and what is left where an expression is f(z) + the rest for such a function f; else None.

    Example:
        >>> x = sp.Symbol("x")
        >>> z, f, rest = without_difference(x + 1 - sp.tanh(x) ** 2)
        >>> z, f(arb(400)) > 0, rest
        (x, True, x)
        >>> without_difference(1 + sp.sin(x)) is None
        True
    """
    if expr.func is sp.log and expr.args[0].is_Add and expr.args[0].args[0] == 1:
        inside = expr.args[0] - 1
        if isinstance(inside, sp.exp):
            return inside.args[0], lambda z: increasing(_softplus, z), sp.Integer(0)
        return inside, arb.log1p, sp.Integer(0)
    if (
        isinstance(expr, sp.LambertW)
        and len(expr.args) == 2
        and expr.args[1] == -1
        and isinstance(-expr.args[0], sp.exp)
    ):
        return (-expr.args[0]).args[0], lambda z: increasing(lambda end: -_upper_root(-end), z), sp.Integer(0)
    if not (expr.is_Add and expr.args[0].is_Rational):
        return None
    first, *others = expr.args
    c = arb(int(first.p)) / int(first.q)
    for other in others:
        factor, function = other.as_coeff_Mul()
        if abs(factor) == abs(first) and (found := _saturating(function, int(factor / first))):
            z, f = found
            return z, lambda ball, f=f: c * f(ball), sp.Add(*(term for term in others if term is not other))
    return None


def _saturating(function: sp.Expr, sign: int) -> tuple[sp.Expr, Function] | None:
    """z and f with 1 ± function = f(z)."""
    if isinstance(function, sp.tanh):
        return function.args[0], lambda z: 2 * increasing(_logistic, 2 * sign * z)
    if isinstance(function, sp.erf):
        return function.args[0], lambda z: increasing(lambda w: (-w).erfc(), sign * z)
    if function.is_Pow and function.exp == 2 and isinstance(function.base, sp.tanh) and sign < 0:
        return function.base.args[0], lambda z: increasing(_square_of_sech, -abs(z))
    return None


def increasing(f: Function, z: arb) -> arb:
    """An increasing function at the ends of a ball.

    Example:
        >>> float(increasing(arb.exp, arb(0, 1)).mid())  # the mean of e and 1/e
        1.543...
    """
    if z.is_exact() or not z.is_finite():
        return f(z)
    return f(arb(z.lower())).union(f(arb(z.upper())))


def _logistic(w: arb) -> arb:
    """1/(1 + exp(−w)) at a point."""
    q = (-abs(w)).exp()
    return 1 / (1 + q) if w >= 0 else q / (1 + q)


def _square_of_sech(z: arb) -> arb:
    """sech²z at a point z ≤ 0; 1 above, where rounding put the end of −|z|."""
    q = (2 * z.min(arb(0))).exp()
    return 4 * q / ((1 + q) * (1 + q))


def _upper_root(t: arb) -> arb:
    """−W₋₁(−exp(−t)), the root X ≥ 1 of X − ln X = t, at a point t, also where exp(−t) is no number of Arb."""
    if not t > 1e6:
        return -(-(-t).exp()).lambertw(-1)
    X = t.union(2 * t)  # ln X ≤ X/2
    for _ in range(60):
        X = t + X.log()  # the root stays inside, in a ball that is smaller by the factor X each time
    return X


def _softplus(z: arb) -> arb:
    """ln(1 + exp z) at a point."""
    return z.max(arb(0)) + (-abs(z)).exp().log1p()
