"""Enclosed quadrature: SymPy expressions as holomorphic functions of Arb's complex balls."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import mul
from typing import Any

import flint
import sympy as sp

from dipproofs.errors import InputError

Holomorphic = Callable[[flint.acb, bool], flint.acb]


def _atan(z: flint.acb, analytic: bool) -> flint.acb:
    """Arctangent through logarithms, which notice branch cuts."""
    i = flint.acb(0, 1)
    return ((1 + i * z).log(analytic=analytic) - (1 - i * z).log(analytic=analytic)) / (2 * i)


def _asinh(z: flint.acb, analytic: bool) -> flint.acb:
    """Inverse hyperbolic sine through functions that notice branch cuts."""
    root = (z * z + 1).sqrt(analytic=analytic)
    return (z + root).log(analytic=analytic)


#: Entire and meromorphic functions need no care (Arb is not finite at poles); the others are told to notice their cuts.
_FUNCTIONS: dict[Any, Callable[[flint.acb, bool], flint.acb]] = {
    sp.exp: lambda z, a: z.exp(),
    sp.log: lambda z, a: z.log(analytic=a),
    sp.sinh: lambda z, a: z.sinh(),
    sp.cosh: lambda z, a: z.cosh(),
    sp.tanh: lambda z, a: z.tanh(),
    sp.coth: lambda z, a: z.coth(),
    sp.sin: lambda z, a: z.sin(),
    sp.cos: lambda z, a: z.cos(),
    sp.atan: _atan,
    sp.asinh: _asinh,
    sp.erf: lambda z, a: z.erf(),
}


def holomorphic(expr: sp.Expr, variable: sp.Symbol) -> Holomorphic:
    """Compile an expression in one variable to a function of complex balls for `flint.acb.integral`.

    Raises:
        InputError: a function without an enclosure on complex balls.
    """
    if expr == variable:
        return lambda z, a: z
    if expr.is_Rational:
        return lambda z, a: flint.acb(flint.arb(flint.fmpq(int(expr.p), int(expr.q))))
    if expr in (sp.pi, sp.E):
        return lambda z, a: flint.acb(flint.arb.pi() if expr == sp.pi else flint.arb.const_e())
    parts = [holomorphic(argument, variable) for argument in expr.args]
    if expr.is_Add:
        return lambda z, a: sum((part(z, a) for part in parts[1:]), parts[0](z, a))
    if expr.is_Mul:
        return lambda z, a: reduce(mul, (part(z, a) for part in parts))
    if expr.is_Pow:
        return _power(expr, parts)
    function = _FUNCTIONS.get(expr.func)
    if function is None:
        raise InputError(
            f"loss.profile: found {expr.func.__name__}, expected a function that can be integrated with enclosures "
            f"({', '.join(f.__name__ for f in _FUNCTIONS)})"
        )
    return lambda z, a: function(parts[0](z, a), a)


def _power(expr: sp.Expr, parts: list[Holomorphic]) -> Holomorphic:
    base, exponent = expr.args
    if exponent.is_Integer:
        n = int(exponent)
        return (lambda z, a: parts[0](z, a) ** n) if n > 0 else (lambda z, a: 1 / parts[0](z, a) ** (-n))
    if base == sp.E:
        return lambda z, a: parts[1](z, a).exp()
    if exponent in (sp.Rational(1, 2), -sp.Rational(1, 2)):
        if exponent > 0:
            return lambda z, a: parts[0](z, a).sqrt(analytic=a)
        return lambda z, a: 1 / parts[0](z, a).sqrt(analytic=a)
    return lambda z, a: (parts[1](z, a) * parts[0](z, a).log(analytic=a)).exp()


def integral(function: Holomorphic, start: flint.arb, end: flint.arb) -> flint.arb:
    """Enclose ∫ function over [start, end] on the real line; a NaN ball when it does not converge.

    Example:
        >>> x = sp.Symbol("x")
        >>> bool(integral(holomorphic(1 / x, x), flint.arb(1), flint.arb(2)).overlaps(flint.arb(2).log()))
        True
    """
    goal = flint.arb(2) ** (-80)
    value = flint.acb.integral(function, flint.acb(start), flint.acb(end), rel_tol=goal, abs_tol=goal)
    return value.real if value.is_finite() else flint.arb.nan()
