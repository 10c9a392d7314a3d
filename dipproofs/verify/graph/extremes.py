"""Both extreme singular values of a wide matrix of floats, each from both sides, from one Gram matrix."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from dipproofs.verify.arithmetic.floats import (
    SMALLEST,
    UNIT,
    frobenius,
    gamma,
    gram_of,
    largest_eigenvalue,
    largest_pair,
    norm,
    scaled,
    smallest_eigenvalue,
)

Ends = tuple[float, float]
#: A Gram matrix in floats that may be off by more than this share of its smallest eigenvalue is not enough.
_SHARP = 1e-5


def extreme_singular_values(x: np.ndarray) -> tuple[Ends, Ends]:
    """Bounds of the m-th and of the largest singular value of an (m, p) matrix of exact floats.

    Example:
        >>> (low, high), (below, above) = extreme_singular_values(np.array([[1.0, 0.0, 0.0], [0.0, 3.0, 0.0]]))
        >>> 0.99 < low <= 1.0 <= high < 1.01, 2.99 < below <= 3.0 <= above < 3.01
        (True, True)
    """
    whole = frobenius(x)
    if whole == 0.0 or not math.isfinite(whole):
        return (0.0, whole), (0.0, whole)
    unit, x = scaled(x)
    gram, error = gram_of(x)
    value, vector = largest_pair(lambda v: gram @ v, len(x))
    top = min(whole / unit, math.sqrt(largest_eigenvalue(gram, value) + error) * (1 + 2.0**-44))
    largest = _image(x, vector)[0], top
    smallest = _smallest(x, gram, error) if len(x) <= x.shape[1] else (0.0, 0.0)
    return _times(smallest, unit), _times(largest, unit)


def _times(ends: Ends, unit: float) -> Ends:
    """Both ends times a power of two, which loses digits where the product is tiny."""
    return max(ends[0] * unit - SMALLEST, 0.0), ends[1] * unit + SMALLEST


def _smallest(x: np.ndarray, gram: np.ndarray, error: float) -> Ends:
    """From the Gram matrix, or, where that is too coarse, from S x, S the inverse of a triangular factor."""
    try:
        factor = cho_factor(gram, lower=True)
    except np.linalg.LinAlgError:
        return _by_inverse(x)
    value, vector = largest_pair(lambda v: cho_solve(factor, v), len(x))
    if not error * value < _SHARP:
        return _by_inverse(x)
    square = smallest_eigenvalue(gram, 1 / value, error)
    return math.sqrt(square) * (1 - 2.0**-44), _image(x, vector)[1]


def _by_inverse(x: np.ndarray) -> Ends:
    """σ_min(x) ≥ σ_min(S x)/‖S‖ for any S: with xᵀ = QR and S ≈ R⁻ᵀ, S x has nearly orthonormal rows."""
    triangle = np.linalg.qr(x.T, mode="r")
    if not (np.abs(np.diag(triangle)) > 0).all():
        return 0.0, frobenius(x)
    inverse = solve_triangular(triangle, np.eye(len(x)), trans="T")
    if not np.isfinite(inverse).all():
        return 0.0, frobenius(x)
    near, off = inverse @ x, gamma(len(x) + 8) * frobenius(inverse) * frobenius(x) * (1 + 2.0**-40)
    gram, error = gram_of(near)
    away = frobenius(gram - np.eye(len(x))) + error + 4 * UNIT * (frobenius(gram) + len(x))
    least = math.sqrt(max(1 - away, 0.0)) * (1 - 2.0**-44) - off * (1 + 2.0**-40)
    _, moderate = scaled(inverse)  # its square may be no float
    _, vector = largest_pair(lambda v: moderate.T @ (moderate @ v), len(x))
    return max(least / norm(inverse) * (1 - 2.0**-44), 0.0), _image(x, vector)[1]


def _image(x: np.ndarray, vector: np.ndarray) -> Ends:
    """Bounds of ‖xᵀv‖/‖v‖."""
    image, rounding = vector @ x, gamma(len(x) + 8) * frobenius(x) * (1 + 2.0**-40)
    size, length = frobenius(image), float(np.linalg.norm(vector))
    below = 1 - 2 * gamma(x.shape[1] + 16) - 2.0**-43  # what `frobenius` adds, and its rounding
    low = (size * below - rounding * length) / (length * (1 + 2.0**-30))
    return max(low, 0.0), (size + rounding * length * (1 + 2.0**-30)) / (length * (1 - 2.0**-30)) * (1 + 2.0**-50)
