"""Deciding an inequality on a whole box by interval subdivision in Arb, where symbols do not decide it."""

from __future__ import annotations

from collections.abc import Mapping

import flint
import sympy as sp

from dipproofs.enclosures import compile_arb

Box = Mapping[sp.Symbol, tuple[float, float]]


def positive_everywhere(expr: sp.Expr, box: Box, *, pieces: int = 200_000, bits: int = 128) -> bool:
    """Prove expr > 0 on a box of closed intervals by subdivision; False when it is not proved.

    Args:
        expr: expression in the symbols of the box.
        box: end points (exact floats) by symbol.
        pieces: give up after so many sub-boxes.

    Example:
        >>> x = sp.Symbol("x", real=True)
        >>> positive_everywhere(x**2 - x + 1, {x: (-3.0, 3.0)}), positive_everywhere(x, {x: (-1.0, 1.0)}, pieces=99)
        (True, False)
    """
    symbols = tuple(box)
    function = compile_arb(symbols, expr)
    with flint.ctx.workprec(bits):
        work = [tuple((flint.arb(low), flint.arb(high)) for low, high in box.values())]
        for _ in range(pieces):
            if not work:
                return True
            current = work.pop()
            value = function(*[low.union(high) for low, high in current])
            if value > 0:
                continue
            if value <= 0:
                return False
            widest = max(range(len(current)), key=lambda i: float((current[i][1] - current[i][0]).mid()))
            low, high = current[widest]
            middle = ((low + high) / 2).mid()
            for part in ((low, middle), (middle, high)):
                work.append((*current[:widest], part, *current[widest + 1 :]))
    return False


def same(left: sp.Expr, right: sp.Expr) -> bool:
    """Whether two expressions are equal for all values of their symbols (SymPy's simplifier decides)."""
    difference = sp.simplify(left - right)
    if difference == 0:
        return True
    return bool(sp.simplify(sp.expand(sp.powdenest(difference, force=True))) == 0)


def sign_on_positive(expr: sp.Expr) -> int | None:
    """Sign of a rational expression whose symbols are all positive, read off the coefficients.

    Returns:
        1, −1 or 0 when every coefficient of numerator and denominator has the sign that proves it, else None.
    """
    numerator, denominator = sp.fraction(sp.together(sp.expand(expr)))
    signs = [_sign_of_coefficients(part) for part in (numerator, denominator)]
    if None in signs:
        return None
    return signs[0] * signs[1]  # type: ignore[operator]


def _sign_of_coefficients(expr: sp.Expr) -> int | None:
    symbols = sorted(expr.free_symbols, key=str)
    coefficients = sp.ring(symbols, sp.QQ)[0].from_expr(expr).coeffs() if symbols else [sp.expand(expr)]
    if not coefficients or coefficients == [0]:
        return 0
    if all(c > 0 for c in coefficients):
        return 1
    return -1 if all(c < 0 for c in coefficients) else None
