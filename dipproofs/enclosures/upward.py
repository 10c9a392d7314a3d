"""Formulas of non-negative numbers, rounded upward: what recursions over a network's layers are evaluated by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from dipproofs.enclosures.rounding import Array
from dipproofs.errors import InputError


def add_up(a: Array, b: Array) -> Array:
    """Upper bound of a + b for a, b ≥ 0; exact zeros stay."""
    total = a + b
    return np.where(total == 0.0, 0.0, np.nextafter(total, np.inf))


def multiply_up(a: Array, b: Array) -> Array:
    """Upper bound of a·b for a, b ≥ 0; an exact 0 wins over infinity, because bounded numbers are meant."""
    zero = (a == 0.0) | (b == 0.0)
    with np.errstate(invalid="ignore", under="ignore", over="ignore"):
        return np.where(zero, 0.0, np.nextafter(np.multiply(a, b), np.inf))


def divide_up(a: Array, b: Array) -> Array:
    """Upper bound of a/b for a ≥ 0 and b > 0; infinite for b = 0 < a."""
    with np.errstate(divide="ignore", invalid="ignore", under="ignore", over="ignore"):
        return np.where(np.equal(a, 0.0), 0.0, np.nextafter(np.divide(a, b), np.inf))


def root_up(a: Array) -> Array:
    """Upper bound of √a for a ≥ 0."""
    root = np.sqrt(a)
    return np.where(root == 0.0, 0.0, np.nextafter(root, np.inf))


def sum_up(terms: Array, axis: int | None = None) -> Array:
    """Upper bound of a sum of numbers ≥ 0 along an axis (of all for None).

    Notes:
        Pairwise or sequential, n terms are off by at most (n−1)u/(1−(n−1)u) relatively; sums do not underflow.

    Example:
        >>> bool(sum_up(np.full(10, 0.1)) > 1.0), float(sum_up(np.zeros(3)))
        (True, 0.0)
    """
    count = np.size(terms) if axis is None else np.shape(terms)[axis]
    total = np.asarray(np.sum(terms, axis=axis))
    return np.where(total == 0.0, 0.0, np.nextafter(total * (1.0 + (count + 4) * 2.0**-52), np.inf))


def norm_up(x: Array, axis: int | None = None) -> Array:
    """Upper bound of the Euclidean norm of numbers along an axis (of all for None)."""
    sizes = np.abs(x)
    return root_up(sum_up(multiply_up(sizes, sizes), axis))


def subtract_down(a: Array, b: Array) -> Array:
    """Lower bound of a − b, at least 0."""
    return np.maximum(np.nextafter(np.subtract(a, b), -np.inf), 0.0)


@lru_cache(maxsize=512)
def compile_upward(symbols: tuple[sp.Symbol, ...], expression: sp.Expr) -> Callable[..., Array]:
    """Compile a formula of numbers ≥ 0 to a function that gives upper bounds for upper bounds.

    Args:
        symbols: the arguments, in order; those that stand in a denominator take lower bounds.
        expression: sums, products, quotients, square roots, `Max` and `Min` of them and of rational numbers ≥ 0.

    Returns:
        A function of arrays or floats (broadcast) whose result is at least the value of the expression.

    Raises:
        InputError: a difference or a function, whose rounding this does not know.

    Notes:
        Proved: every operation is monotone in each argument and its result is moved up by one float.

    Example:
        >>> a, b = sp.symbols("a b", nonnegative=True)
        >>> f = compile_upward((a, b), (a + b) / 3 + sp.Min(a, b))
        >>> bool(0.4333333333333333 <= f(0.1, 0.9) < 0.4333333333333334 + 1e-15)
        True
    """
    places = {symbol: place for place, symbol in enumerate(symbols)}

    def visit(node: Any) -> Callable[[Sequence[Array]], Array]:
        if node in places:
            place = places[node]
            return lambda values: values[place]
        if node.is_Rational or node.is_NumberSymbol:
            return _constant(node)
        if isinstance(node, sp.Pow):
            return _power(node, visit)
        if type(node) in _FOLDS:
            fold, parts = _FOLDS[type(node)], [visit(part) for part in node.args]
            return lambda values: _folded(fold, [part(values) for part in parts])
        raise InputError(f"upward rounding: found {node}, expected sums and products of the given non-negative numbers")

    evaluate = visit(sp.sympify(expression))

    def function(*values: Any) -> Array:
        return evaluate([np.asarray(value, dtype=float) for value in values])

    return function


def upward(expression: sp.Expr, values: Mapping[sp.Symbol, Any]) -> Array:
    """Upper bound of an expression for upper bounds of its symbols, see `compile_upward`.

    Args:
        expression: the formula. values: an array or float for each of its symbols; others are ignored.
    """
    symbols = tuple(sorted(expression.free_symbols, key=lambda symbol: symbol.name))
    return compile_upward(symbols, expression)(*[values[symbol] for symbol in symbols])


_FOLDS: dict[Any, Callable[[Array, Array], Array]] = {
    sp.Add: add_up,
    sp.Mul: multiply_up,
    sp.Max: np.maximum,
    sp.Min: np.minimum,
}


def _folded(fold: Callable[[Array, Array], Array], parts: list[Array]) -> Array:
    result = parts[0]
    for part in parts[1:]:
        result = fold(result, part)
    return result


def _constant(node: sp.Expr) -> Callable[[Sequence[Array]], Array]:
    if not node >= 0:
        raise InputError(f"upward rounding: found the constant {node}, expected a number ≥ 0")
    nearest = float(node)
    value = np.asarray(nearest if sp.Rational(nearest) == node else np.nextafter(nearest, np.inf))
    return lambda values: value


def _power(node: sp.Pow, visit: Callable[[Any], Any]) -> Callable[[Sequence[Array]], Array]:
    """Square roots and whole powers; a negative power divides, so that its base takes lower bounds."""
    exponent = node.exp
    if not (exponent.is_Rational and exponent.q in (1, 2)):
        raise InputError(f"upward rounding: found {node}, expected whole powers and square roots")
    if exponent < 0:
        below = _power_down(visit_base(node.base), -exponent)
        return lambda values: divide_up(np.asarray(1.0), below(values, visit))
    base = visit(node.base)

    def raised(values: Sequence[Array]) -> Array:
        value = base(values)
        root = root_up(value) if exponent.q == 2 else value
        result = root
        for _ in range(int(exponent.p) - 1):
            result = multiply_up(result, root)
        return result

    return raised


def visit_base(node: Any) -> Any:
    """Require that a denominator is one number: sums there would need rounding downward."""
    if not (node.is_Symbol or node.is_Rational):
        raise InputError(f"upward rounding: found the denominator {node}, expected a symbol or a number")
    return node


def _power_down(base: Any, exponent: sp.Rational) -> Callable[[Sequence[Array], Any], Array]:
    def lowered(values: Sequence[Array], visit: Callable[[Any], Any]) -> Array:
        if base.is_Rational:
            nearest = float(base)
            value = np.asarray(nearest if sp.Rational(nearest) == base else np.nextafter(nearest, 0.0))
        else:
            value = visit(base)(values)
        root = np.maximum(np.nextafter(np.sqrt(value), 0.0), 0.0) if exponent.q == 2 else value
        result = root
        for _ in range(int(exponent.p) - 1):
            result = np.maximum(np.nextafter(result * root, 0.0), 0.0)
        return result

    return lowered
