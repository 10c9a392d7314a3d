"""Formulas of numbers ≥ 0 in floats, pushed up once by more than all of their roundings."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any

import numpy as np
import sympy as sp

#: A formula of at most 256 operations errs by a relative 2⁻⁴⁵; exponents end far below this.
PUSH, LEAST = 1 + 2.0**-44, 2.0**-1000
_OPERATIONS = 256


def push(value: Any) -> np.ndarray:
    """Round up what a short formula gave; exact zeros stay, NaN becomes infinity."""
    array = np.asarray(value, dtype=float)
    with np.errstate(over="ignore"):
        pushed = np.where(array == 0.0, 0.0, array * PUSH + LEAST)
    return np.where(np.isnan(pushed), np.inf, pushed)


def upper(expr: sp.Expr, env: Mapping[Any, Any]) -> np.ndarray:
    """Upper bound of an expression for upper bounds of its symbols (lower bounds of those in denominators).

    Args:
        expr: sums, products, quotients, roots, minima of symbols and positive rationals: no difference.
        env: floats or arrays that broadcast.

    Example:
        >>> x = sp.Symbol("x", nonnegative=True)
        >>> 0.5 <= float(upper(sp.sqrt(x) / 4, {x: 4.0})) < 0.5001
        True
    """
    with np.errstate(all="ignore"):
        return push(_compiled(expr)({key: np.asarray(value, dtype=float) for key, value in env.items()}))


def _times(a: Any, b: Any) -> Any:
    """A product in which an exact zero wins over an unknown bound, as its number is finite; underflow is paid for."""
    return np.where((a == 0.0) | (b == 0.0), 0.0, a * b + LEAST)


def times(a: Any, b: Any) -> np.ndarray:
    """Upper bound of a product of numbers ≥ 0."""
    with np.errstate(all="ignore"):
        return push(_times(np.asarray(a, dtype=float), np.asarray(b, dtype=float)))


def joined(a: Any, b: Any) -> np.ndarray:
    """Upper bound of √(a² + b²) for a, b ≥ 0, at any scale."""
    big, small = np.maximum(a, b), np.minimum(a, b)
    with np.errstate(all="ignore"):
        ratio = np.where(small == 0.0, 0.0, small / np.where(big == 0.0, 1.0, big))
        return push(np.where(small == 0.0, big, big * np.sqrt(1 + ratio * ratio)))


@cache
def _compiled(expr: sp.Expr) -> Callable[[Mapping[Any, Any]], Any]:
    if sp.count_ops(expr) > _OPERATIONS:
        raise NotImplementedError(f"a formula of more than {_OPERATIONS} operations: {expr}")
    if expr.is_Symbol:
        return lambda env: env[expr]
    if expr.is_Rational and expr >= 0:
        return lambda env: np.asarray(float(expr))
    parts = [_compiled(part) for part in expr.args if not (expr.is_Pow and part is expr.exp)]
    folds: dict[Any, Any] = {sp.Add: operator.add, sp.Mul: _times, sp.Max: np.maximum, sp.Min: np.minimum}
    if expr.func in folds:
        return lambda env: reduce(folds[expr.func], [part(env) for part in parts])
    if expr.is_Pow and expr.exp in (2, -1, -2, sp.Rational(1, 2), sp.Rational(-1, 2)):
        exponent = float(expr.exp)
        if exponent == 2:
            return lambda env: _times(parts[0](env), parts[0](env))
        return lambda env: parts[0](env) ** exponent
    raise NotImplementedError(f"the verifier cannot bound {expr}")
