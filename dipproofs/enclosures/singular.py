"""Proved bounds of the operator norm and of the smallest singular value."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import lapack, qr

from dipproofs.enclosures.accurate import accurate_product
from dipproofs.enclosures.blocks import invert_upper, orthogonality_defect, triangle_times
from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.deflation import deflated_norm_upper
from dipproofs.enclosures.gram import Gram
from dipproofs.enclosures.krylov import factor_of, top_vectors
from dipproofs.enclosures.matrix import IntervalMatrix
from dipproofs.enclosures.norms import euclidean, frobenius_upper, max_abs, operator_upper
from dipproofs.enclosures.radii import all_finite
from dipproofs.enclosures.rounding import TINY, Array, gamma, inflation
from dipproofs.errors import InputError

TARGET_WIDTH = 5e-7
"""Relative width of σ_min, up to order 1000, at which a cheaper path is good enough and the next one is not tried."""
_SMALL = 200
"""Up to this order it does not matter what a path costs."""


def norm(matrix: IntervalMatrix) -> Bound:
    """Enclose the operator norm (largest singular value) of a matrix, or the length of a vector.

    Args:
        matrix: (m, n).

    Returns:
        A proved Bound: √λ_max of the smaller Gram matrix, both ends tight.

    Notes:
        Power iteration alone would be a lower bound; here Cholesky of τI − XXᵀ proves the upper one
        (`docs/theory.md §8`).

    Example:
        >>> import numpy as np
        >>> norm(IntervalMatrix.from_exact(np.array([[3.0, 0.0], [4.0, 0.0]]))).contains(5)
        True
    """
    if 0 in matrix.shape:
        return Bound.exact(0)
    scaled, exponent = _scaled(matrix if matrix.ndim == 1 else _wide(matrix))
    slack = operator_upper(scaled.rad)
    if not math.isfinite(slack):
        return Bound(0.0, math.inf)
    if not scaled.mid.any():
        return Bound(0.0, slack)
    if matrix.ndim == 1 or _disjoint_rows(scaled.mid):
        low, high = euclidean(scaled.mid, 0 if matrix.ndim == 1 else 1)
        return _widened(Bound(float(low.max()), float(high.max())), slack, exponent)
    return _widened(_root(Gram.of_rows(scaled.mid).largest()), slack, exponent)


def extreme_singular_values(matrix: IntervalMatrix) -> tuple[Bound, Bound]:
    """Enclose ‖X‖ and σ_min(X) with one Gram matrix for both; as `norm` and `sigma_min`.

    Example:
        >>> import numpy as np
        >>> largest, smallest = extreme_singular_values(IntervalMatrix.from_exact(np.array([[3.0, 1.0], [1.0, 3.0]])))
        >>> largest.contains(4), smallest.contains(2)
        (True, True)
    """
    if matrix.ndim == 1 or 0 in matrix.shape:
        return norm(matrix), sigma_min(matrix)
    scaled, exponent = _scaled(_wide(matrix))
    slack = operator_upper(scaled.rad)
    if not math.isfinite(slack) or not scaled.mid.any() or _disjoint_rows(scaled.mid):
        return norm(matrix), sigma_min(matrix)
    gram = Gram.of_rows(scaled.mid)
    smallest = _widened(_sigma_min_exact(scaled.mid, gram), slack, exponent)
    return _widened(_root(gram.largest()), slack, exponent), smallest


def sigma_min(matrix: IntervalMatrix) -> Bound:
    """Enclose the smallest singular value, the min(m, n)-th, of a matrix.

    Args:
        matrix: (m, n).

    Returns:
        A proved Bound with lower end ≥ 0; a lower end above 0 proves full rank. Relative width below 1e-6 up
        to condition numbers of 1e4 and order 1000 at least.

    Notes:
        The Gram matrix K answers where its rounding errors are small against λ_min. Otherwise S ≈ R⁻¹, R from
        K = RᵀR or, where that is too inaccurate, from Xᵀ = QR, and α ≥ ‖I − (XᵀS)ᵀ(XᵀS)‖ < 1 give
        σ_min ≥ √(1 − α)/‖S‖ (Rump; `docs/theory.md §8`). The upper end is ‖Xᵀv‖/‖v‖ for an approximate singular
        vector v.

    Example:
        >>> import numpy as np
        >>> bound = sigma_min(IntervalMatrix.from_exact(np.diag([1.0, 1e-10])))
        >>> bound.contains(1e-10), bound.relative_width < 1e-4
        (True, True)
    """
    if 0 in matrix.shape:
        raise InputError(f"singular value: found shape {matrix.shape}, expected at least one row and one column")
    if matrix.ndim == 1:
        return norm(matrix)
    scaled, exponent = _scaled(_wide(matrix))
    slack = operator_upper(scaled.rad)
    if not math.isfinite(slack):
        return Bound(0.0, math.inf)
    if _disjoint_rows(scaled.mid):
        low, high = euclidean(scaled.mid, 1)
        return _widened(Bound(float(low.min()), float(high.min())), slack, exponent)
    return _widened(_sigma_min_exact(scaled.mid, Gram.of_rows(scaled.mid)), slack, exponent)


def _wide(matrix: IntervalMatrix) -> IntervalMatrix:
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T


def _scaled(matrix: IntervalMatrix) -> tuple[IntervalMatrix, int]:
    """The matrix times a power of two, entries near 1 if they were extreme, and the exponent taken out."""
    largest_entry = max_abs(matrix.mid)
    if largest_entry == 0 or 2.0**-100 <= largest_entry <= 2.0**100:
        return matrix, 0
    exponent = math.frexp(largest_entry)[1]
    with np.errstate(under="ignore", over="ignore"):
        mid = np.ldexp(matrix.mid, -exponent)
        exact = np.array_equal(np.ldexp(mid, exponent), matrix.mid)
        if matrix.rad is None:
            rad = None if exact else np.full_like(mid, TINY)
        else:
            rad = np.ldexp(matrix.rad, -exponent) + TINY
    return IntervalMatrix._make_view(mid, rad), exponent


def _widened(bound: Bound, slack: float, exponent: int) -> Bound:
    """Weyl: radii move a singular value by at most their norm; then undo the scaling."""
    wide = bound + Bound(-slack, slack) if slack else bound
    half = exponent // 2
    scaled = wide * Bound.exact(2.0**half) * Bound.exact(2.0 ** (exponent - half)) if exponent else wide
    return Bound(max(scaled.lower, 0.0), max(scaled.upper, 0.0))


def _disjoint_rows(x: Array) -> bool:
    """Whether no column has two nonzero entries: then the rows are orthogonal."""
    return bool((np.count_nonzero(x, axis=0) <= 1).all())


def _sigma_min_exact(x: Array, gram: Gram) -> Bound:
    """Enclosure for an exact (p, n) matrix with p ≤ n and entries of moderate size; gram encloses x xᵀ."""
    p = x.shape[0]
    factor = factor_of(gram.mid) if p > _SMALL else None
    found = _root(gram.smallest(thorough=False, factor=factor))
    if not _good(found, p) and factor is not None:
        found = found.intersect(_by_factor(x, gram, factor))
    del factor
    return found if _good(found, p) else found.intersect(_by_qr(x))


def _root(square: Bound) -> Bound:
    return Bound(max(square.lower, 0.0), max(square.upper, 0.0)).sqrt()


def _target(order: int) -> float:
    """The width to aim at: looser for large matrices, whose careful path costs minutes."""
    return TARGET_WIDTH * max(1.0, (order / 1000) ** 2)


def _good(found: Bound, order: int) -> bool:
    return found.lower > 0 and found.relative_width <= _target(order)


def _by_factor(x: Array, gram: Gram, factor: Array | None = None) -> Bound:
    """The preconditioned path with R from K = RᵀR, a quarter of what QR costs; for condition numbers to about 1e6.

    Args:
        x: (p, n). gram: x xᵀ. factor: `factor_of(gram.mid)`, if it is known already; overwritten.
    """
    p = x.shape[0]
    factor = factor_of(gram.mid) if factor is None else factor
    inverse = gram.mid if factor is None else factor.T
    if factor is None or not invert_upper(inverse):
        return Bound(0.0, math.inf)
    doubt = gamma(p + 2) * frobenius_upper(x) * frobenius_upper(inverse)
    if not doubt < _target(p):
        return Bound(0.0, math.inf)
    vectors = top_vectors(lambda v: inverse @ (inverse.T @ v), p)
    size = _triangle_norm_upper(inverse, vectors)
    return Bound(_preconditioned_lower(x.T, inverse, size, False), _quotient_upper(x.T, vectors[:, 0], False))


def _triangle_norm_upper(triangle: Array, left: Array) -> float:
    """Upper bound of ‖U‖ from its leading left singular vectors, or from UUᵀ where they are too many."""
    bound = deflated_norm_upper(triangle.T, left)
    with np.errstate(all="ignore"):
        likely = float(np.linalg.norm(triangle.T @ left[:, 0]))
    if bound <= likely * (1 + _target(triangle.shape[0]) / 32):
        return bound
    return min(bound, _root(Gram.of_triangle(triangle).largest()).upper)


def _by_qr(x: Array) -> Bound:
    """The preconditioned path: lower end from Xᵀ·R⁻¹, upper end from a singular vector of R."""
    p = x.shape[0]
    y = x.T
    (triangle,) = qr(y, mode="r", check_finite=False)
    triangle = np.asfortranarray(triangle[:p])
    inverse, info = lapack.dtrtri(triangle, lower=0)
    if info != 0 or not np.isfinite(inverse).all():
        return Bound(0.0, _quotient_upper(y, _null_direction(triangle), True))
    inverse = np.triu(inverse)
    vectors = top_vectors(lambda v: inverse @ (inverse.T @ v), p)
    vector, size = vectors[:, 0], _triangle_norm_upper(inverse, vectors)
    doubt = gamma(p + 2) * frobenius_upper(y) * frobenius_upper(inverse)
    if doubt < _target(p):  # the plain product is likely to be good enough
        result = Bound(_preconditioned_lower(y, inverse, size, False), _quotient_upper(y, vector, False))
        if _good(result, p):
            return result
    return Bound(_preconditioned_lower(y, inverse, size, True), _quotient_upper(y, vector, True))


def _null_direction(triangle: Array) -> Array:
    """A unit vector near the kernel of a numerically singular triangle."""
    return np.asarray(np.linalg.svd(triangle)[2][-1])


def _preconditioned_lower(y: Array, inverse: Array, size: float, accurate: bool) -> float:
    """√(1 − α)/‖S‖ for any upper triangular S of at most that size, α bounding ‖I − (YS)ᵀ(YS)‖; 0 when α ≥ 1."""
    n, p = y.shape
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if accurate:
            product = accurate_product(y, inverse)
            z, error = product.mid.T, operator_upper(product.rad)
        else:
            z = triangle_times(inverse, y.T)
            error = gamma(p + 2) * frobenius_upper(y) * frobenius_upper(inverse) * inflation(6)
            error += 4 * TINY * n * p * (p + 2) * (2 + max_abs(y) + max_abs(inverse))
        if not all_finite(z) or not math.isfinite(error):
            return 0.0
        alpha = orthogonality_defect(z)
        length = math.sqrt(1.0 + alpha) * inflation(4)
        alpha = (alpha + 2 * error * length + error * error) * inflation(8) + TINY
    if not alpha < 1:
        return 0.0
    factor = (1 - Bound.exact(alpha)).sqrt() / size
    return max(factor.lower, 0.0)


def _quotient_upper(y: Array, v: Array, accurate: bool) -> float:
    """Upper bound of ‖Yv‖/‖v‖."""
    if not np.isfinite(v).all() or not v.any():
        return math.inf
    n, p = y.shape
    low, high = (float(value) for value in euclidean(v))
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if accurate:
            length = float(accurate_product(y, v[:, None]).column_norms()[1][0])
            error = 0.0
        else:
            length = float(euclidean(y @ v)[1])
            error = gamma(p + 2) * frobenius_upper(y) * high * inflation(6)
            error += 4 * TINY * n * (p + 2) * (2 + max_abs(y))
    if not math.isfinite(length) or not math.isfinite(error) or low <= 0:
        return math.inf
    return ((Bound.exact(length) + Bound.exact(error)) / low).upper
