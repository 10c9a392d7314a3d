"""Matrix products in about twice the working precision, where plain bounds would drown in cancellation."""

from __future__ import annotations

import math

import numpy as np

from dipproofs.enclosures.matrix import IntervalMatrix
from dipproofs.enclosures.rounding import TINY, UNIT, Array, gamma, inflation

_BLOCK = 512
"""Rows of X that are in work at a time, to save memory."""


def accurate_product(left: Array, right: Array) -> IntervalMatrix:
    """Enclose X·Y for exact X, Y with a radius near u|XY| + u²‖x_i‖‖y_j‖.

    Args:
        left: (m, p) finite floats.
        right: (p, n) finite floats.

    Returns:
        IntervalMatrix (m, n); about six products of floats.

    Notes:
        Rows of X and columns of Y are scaled by powers of two and split into parts of β bits with
        p·2^(2β) ≤ 2⁵³, so that products of leading parts are exact in any summation order (Ozaki, Ogita,
        Oishi, Rump, *Numer. Algorithms* 59, 2012); only trailing parts need an error bound. Proved.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 2.0**60, -(2.0**60)]])
        >>> exact = accurate_product(x, np.ones((3, 1)))
        >>> bool(exact.mid[0, 0] == 1.0), bool(exact.rad[0, 0] < 1e-9)
        (True, True)
    """
    bits = (53 - math.ceil(math.log2(max(left.shape[1], 2)))) // 2
    if left.size == 0 or right.size == 0 or bits < 8:
        return IntervalMatrix(left) @ IntervalMatrix(right)
    mid, rad = np.empty((left.shape[0], right.shape[1])), np.empty((left.shape[0], right.shape[1]))
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        y, column = _normalised(right, 0)
        parts_of_y = (y, *split(y, bits))
        for start in range(0, left.shape[0], _BLOCK):
            part = slice(start, start + _BLOCK)
            mid[part], rad[part] = _block(left[part], parts_of_y, column, bits)
    return IntervalMatrix._make(mid, rad)


def _block(left: Array, parts_of_y: tuple[Array, ...], column: np.ndarray, bits: int) -> tuple[Array, Array]:
    """Midpoint and radius for some rows of X; `parts_of_y` are Y, normalised, and its three parts."""
    terms = left.shape[1]
    y, y1, y2, y3 = parts_of_y
    x, row = _normalised(left, 1)
    x1, x2, x3 = split(x, bits)
    # Exact: integer multiples of 2^(−2β), 2^(−3β), all partial sums below 2⁵³ of them.
    total, error = two_sum(x1 @ y1, x1 @ y2)
    total, second = two_sum(total, x2 @ y1)
    magnitude = np.abs(error) + np.abs(second)
    error += second
    for product in (x1 @ y3, x2 @ (y - y1), x3 @ y):
        error += product
        magnitude += np.abs(product)
    mid = total + error
    # Rounding of the last three products: |x_i|, |y_j| ≤ 1, trailing parts ≤ 2^(−2β−1), 2^(−β−1).
    trailing = 3 * terms * 2.0 ** (-2 * bits - 1) * gamma(terms + 2)
    rad = (magnitude * (12 * UNIT) + np.abs(mid) * UNIT) * inflation(8)
    rad += trailing * inflation(4) + 16 * (terms + 2) * TINY
    shift = row[:, None] + column[None, :]
    return np.ldexp(mid, shift), np.ldexp(rad, shift) + 2 * TINY


def _normalised(x: Array, axis: int) -> tuple[Array, np.ndarray]:
    """The matrix with rows (axis 1) or columns (axis 0) scaled by powers of two to at most 1."""
    largest = np.maximum(x.max(axis=axis), -x.min(axis=axis))
    exponent = np.frexp(largest)[1]
    return np.ldexp(x, -np.expand_dims(exponent, axis)), exponent


def split(x: Array, bits: int) -> tuple[Array, Array, Array]:
    """x = x1 + x2 + x3 exactly: multiples of 2^(−β), of 2^(−2β), and a rest of at most 2^(−2β−1)."""
    first = np.rint(x * 2.0**bits) * 2.0**-bits
    rest = x - first
    second = np.rint(rest * 2.0 ** (2 * bits)) * 2.0 ** (-2 * bits)
    return first, second, rest - second


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Knuth: a + b = s + e exactly."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)
