"""Minima and maxima as they are written, without SymPy's search for simplifications."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp


def minimum(*parts: sp.Expr | int) -> sp.Expr:
    """Return the least of some expressions, without looking for one that another makes superfluous.

    Notes:
        SymPy compares all pairs for it, which was about 30 % of the time to import the formulas; those of the registry
        come out the same.

    Example:
        >>> x = sp.Symbol("x", nonnegative=True)
        >>> minimum(x, 1), minimum(x, x + 1), sp.Min(x, x + 1)
        (Min(1, x), Min(x, x + 1), x)
    """
    return sp.Min(*parts, evaluate=False)


def maximum(*parts: sp.Expr | int) -> sp.Expr:
    """Return the largest of some expressions; see `minimum`.

    Example:
        >>> maximum(sp.Symbol("x"), 0)
        Max(0, x)
    """
    return sp.Max(*parts, evaluate=False)


def replaced(expr: sp.Expr, values: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """Put expressions for symbols, leaving minima and maxima as they are written; see `minimum`.

    Example:
        >>> x, y = sp.symbols("x y", nonnegative=True)
        >>> replaced(1 + maximum(x, y), {y: x + 1})
        Max(x, x + 1) + 1
    """
    if isinstance(expr, sp.Symbol):
        return values.get(expr, expr)
    if not expr.args or expr.free_symbols.isdisjoint(values):
        return expr
    options = {"evaluate": False} if isinstance(expr, sp.Max | sp.Min) else {}
    return expr.func(*(replaced(part, values) for part in expr.args), **options)
