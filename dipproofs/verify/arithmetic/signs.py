"""Is an expression of one variable at least 0 on an interval? By subdivision, in balls."""

from __future__ import annotations

import sympy as sp
from flint import arb

from dipproofs.verify.arithmetic.expressions import compiled

#: How often an interval is halved; how many derivatives are looked at where the expression vanishes at 0.
DEPTH, ORDER = 12, 4


def nonnegative(expr: sp.Expr, x: sp.Symbol, low: arb, high: arb, depth: int = DEPTH, order: int = ORDER) -> bool:
    """Whether expr ≥ 0 is proved on [low, high], low ≥ 0; False says only that it was not.

    Args:
        expr: in x, continuously differentiable there (or a Piecewise, of which no derivative is used).
        x: its symbol. low, high: points.
        depth: how often an interval may be halved. order: of the derivatives at 0.

    Example:
        >>> x = sp.Symbol("x", positive=True)
        >>> nonnegative(sp.sin(x), x, arb(0), arb(3)), nonnegative(sp.sin(x), x, arb(0), arb(4))
        (True, False)
    """
    f, ball, middle = compiled(expr), low.union(high), arb(((low + high) / 2).mid())
    if f({x: ball}) >= 0:
        return True
    at_middle = f({x: middle})
    if at_middle < 0:
        return False
    if not expr.has(sp.Piecewise, sp.Abs, sp.Min, sp.Max):
        slope = sp.diff(expr, x)
        if at_middle + compiled(slope)({x: ball}) * (ball - middle) >= 0:
            return True
        rises = low.is_zero() and order > 0 and expr.subs(x, 0) == 0
        if rises and nonnegative(slope, x, low, high, max(depth - 4, 0), order - 1):
            return True
    if depth == 0:
        return False
    return nonnegative(expr, x, low, middle, depth - 1, order) and nonnegative(expr, x, middle, high, depth - 1, order)
