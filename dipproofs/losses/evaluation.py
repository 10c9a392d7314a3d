"""Evaluate an expression at Arb balls, at the precision it takes."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import flint
import sympy as sp

from dipproofs.enclosures import Bound, compile_arb
from dipproofs.enclosures.evaluate import sorted_symbols

START_BITS, MAX_BITS, ENOUGH = 128, 16384, 60


def exact_arb(value: float | Fraction) -> flint.arb:
    """A number as a ball: a point for a float, at the precision in force for a fraction."""
    if isinstance(value, Fraction):
        return flint.arb(flint.fmpq(value.numerator, value.denominator))
    return flint.arb(value)


def tight(expr: sp.Expr, values: Mapping[sp.Symbol, Bound | float | Fraction]) -> flint.arb:
    """Enclose an expression, doubling the precision until 60 bits are good or no more come.

    Args:
        expr: SymPy expression without Float.
        values: for every free symbol a Bound, or an exact number (kept exact).

    Returns:
        An Arb ball (NaN where the expression is not defined on all of the inputs).
    """
    symbols = sorted_symbols(expr)
    function = compile_arb(symbols, expr)
    bits, before = START_BITS, -1
    while True:
        with flint.ctx.workprec(bits):
            arguments = [_ball(values[symbol]) for symbol in symbols]
            result = function(*arguments)
            good = -1 if result.is_nan() or not result.is_finite() else result.rel_accuracy_bits()
        widths = any(not a.is_exact() for a in arguments)
        if good >= ENOUGH or result.is_zero() or bits >= MAX_BITS or (widths and good >= 0 and good <= before + 4):
            return result
        bits, before = 2 * bits, good


def _ball(value: Bound | float | Fraction) -> flint.arb:
    return value.arb() if isinstance(value, Bound) else exact_arb(value)


def lower_of(ball: flint.arb) -> float:
    """Largest float below a ball (−inf for NaN)."""
    return Bound.from_arb(ball).lower


def upper_of(ball: flint.arb) -> float:
    """Smallest float above a ball (inf for NaN)."""
    return Bound.from_arb(ball).upper
