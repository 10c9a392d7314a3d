"""Signs and ranges of an expression on an interval, by subdivision in ball arithmetic."""

from __future__ import annotations

import itertools

import flint
import sympy as sp

from dipproofs.enclosures import Bound, compile_arb

_BITS = 160


def interval(low: flint.arb, high: flint.arb) -> flint.arb:
    """The ball around [low, high]."""
    return low.union(high)


def nonnegative_on(expr: sp.Expr, variable: sp.Symbol, radius: float, depth: int = 16, order: int = 4) -> bool | None:
    """Whether expr ≥ 0 on ]0, radius]: True (proved), False (refuted at a point), None (undecided).

    Args:
        expr: expression in `variable`, smooth from the right at 0.
        variable: its symbol.
        radius: right end.
        depth: how often an interval may be halved.
        order: how many derivatives to look at where the expression vanishes at 0.

    Example:
        >>> x = sp.Symbol("x", positive=True)
        >>> nonnegative_on(x - sp.sin(x), x, 3.0), nonnegative_on(sp.cos(x), x, 3.0)
        (True, False)
    """
    if expr == 0:
        return True
    with flint.ctx.workprec(_BITS):
        return _nonnegative(expr, variable, flint.arb(0), flint.arb(radius), depth, order)


def _nonnegative(
    expr: sp.Expr, variable: sp.Symbol, low: flint.arb, high: flint.arb, depth: int, order: int
) -> bool | None:
    function = compile_arb((variable,), expr)
    middle = (low + high).mid() / 2
    at_middle = function(middle)
    if at_middle < 0:
        return False
    over = _centred(expr, variable, low, high)
    if over >= 0:
        return True
    if low == 0 and order and _vanishes_at_zero(expr, variable):
        rising = _nonnegative(sp.diff(expr, variable), variable, low, high, max(depth - 8, 0), order - 1)
        if rising:
            return True
    if depth == 0:
        return None
    left = _nonnegative(expr, variable, low, middle, depth - 1, order)
    if left is False:
        return False
    right = _nonnegative(expr, variable, middle, high, depth - 1, order)
    return right if right is False else (True if left and right else None)


def _centred(expr: sp.Expr, variable: sp.Symbol, low: flint.arb, high: flint.arb) -> flint.arb:
    """Enclose expr on [low, high]: the better of the plain and the mean value form."""
    ball = interval(low, high)
    plain = compile_arb((variable,), expr)(ball)
    if plain >= 0 or expr.has(sp.Piecewise, sp.Abs, sp.Min, sp.Max):
        return plain
    middle = (low + high).mid() / 2
    slope = compile_arb((variable,), sp.diff(expr, variable))(ball)
    mean = compile_arb((variable,), expr)(middle) + slope * (ball - middle)
    if plain.is_nan():
        return mean
    return plain if mean.is_nan() or plain.rad() < mean.rad() else mean


def _vanishes_at_zero(expr: sp.Expr, variable: sp.Symbol) -> bool:
    value = expr.subs(variable, 0)
    return bool(value == 0 or (value.is_number and sp.simplify(value) == 0))


def range_on(expr: sp.Expr, variable: sp.Symbol, radius: flint.arb, pieces: int = 512) -> Bound:
    """Enclose the range of expr on [0, radius].

    Returns:
        A Bound: expr lies in it everywhere on the interval (proved); the whole line if it is not defined there.
    """
    with flint.ctx.workprec(_BITS):
        end = radius.upper()
        ends = [end * k / pieces for k in range(pieces + 1)]
        parts = [Bound.from_arb(_centred(expr, variable, a, b)) for a, b in itertools.pairwise(ends)]
    return Bound(min(part.lower for part in parts), max(part.upper for part in parts))


def defined_on(expr: sp.Expr, variable: sp.Symbol, radius: float, depth: int = 14) -> bool:
    """Whether expr is shown to be finite on ]0, radius] (and to have finite enclosures up to 0)."""
    function = compile_arb((variable,), expr)

    def finite(low: flint.arb, high: flint.arb, left: int) -> bool:
        if function(interval(low, high)).is_finite():
            return True
        middle = (low + high).mid() / 2
        return left > 0 and finite(low, middle, left - 1) and finite(middle, high, left - 1)

    with flint.ctx.workprec(_BITS):
        return finite(flint.arb(0), flint.arb(radius), depth)
