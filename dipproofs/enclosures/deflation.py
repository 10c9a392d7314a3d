"""The norm of a matrix with few large singular values, in O(n²): what is left of it is small in the Frobenius norm."""

from __future__ import annotations

import math

import numpy as np

from dipproofs.enclosures.blocks import orthogonality_defect
from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.gram import Gram
from dipproofs.enclosures.norms import euclidean, frobenius_upper
from dipproofs.enclosures.rounding import TINY, UNIT, Array, gamma

_LEAST_GAP = 0.01


def deflated_norm_upper(matrix: Array, vectors: Array) -> float:
    """Upper bound of ‖M‖ for exact M; close to it if the vectors are nearly its leading right singular vectors.

    Args:
        matrix: (m, n) finite. vectors: (n, k) V, any with nearly orthonormal columns.

    Returns:
        A bound, infinite where the rest of M is not smaller than ‖MV‖.

    Notes:
        Proved (docs/theory.md §8): let ‖VᵀV − I‖ ≤ δ < 1, d ≥ ‖M‖_F² − ‖MV‖_F²/(1 + δ) and R = MᵀMV − VT for any T. For
        x = Vc + w, w ⟂ V, ‖Mx‖² ≤ ‖MVc‖² + 2cᵀRᵀw + d‖w‖², and ‖x‖² ≥ (1 − δ)‖c‖² + ‖w‖²; so for every τ > d
        ‖M‖² ≤ max(τ, ‖Y‖²/(1 − δ)), where Y is MV above R/√(τ − d).

    Example:
        >>> bound = deflated_norm_upper(np.diag([3.0, 1.0, 1.0]), np.eye(3)[:, :1])
        >>> 3.0 <= bound < 3.0000001
        True
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        delta = Bound.exact(orthogonality_defect(vectors.T)) if np.isfinite(vectors).all() else Bound.exact(1)
        if not delta.upper < 0.5:
            return math.inf
        images = matrix @ vectors
        pulled = matrix.T @ images
        weights = vectors.T @ pulled
        rest = pulled - vectors @ weights
        if not all(np.isfinite(part).all() for part in (images, pulled, weights, rest)):
            return math.inf
        size, off_images, off_rest = _rounding(matrix, vectors, images, weights, rest)
        captured = Bound.exact(max((Bound.exact(float(euclidean(images)[0])) - off_images).lower, 0.0))
        left = (size * size - captured * captured / (1 + delta)).upper
        level = float(np.linalg.norm(weights, 2))
        if not level - left > _LEAST_GAP * level:
            return math.inf
        root = (Bound.exact(level) - left).sqrt().lower
        scaled = rest / root
        off = off_images + off_rest / root + UNIT * Bound.exact(frobenius_upper(scaled)) * 2 + rest.size * TINY
        top = Gram.of_rows(np.ascontiguousarray(np.concatenate([images, scaled]).T)).largest().sqrt() + off
        square = max(level, (top * top / (1 - delta)).upper)
        return Bound.exact(square).sqrt().upper


def _rounding(matrix: Array, vectors: Array, images: Array, weights: Array, rest: Array) -> tuple[Bound, Bound, Bound]:
    """‖M‖_F, and how far in the Frobenius norm the computed MV and MᵀMV − VT are off; the upper ends count."""
    m, n = matrix.shape
    k = vectors.shape[1]
    size, lengths, reached, weight, remains = (
        Bound.exact(frobenius_upper(part)) for part in (matrix, vectors, images, weights, rest)
    )
    underflow = 4 * TINY * (m + n) * k * (m + n + k + 2) * (2 + size + lengths + reached + weight)
    off_images = gamma(n + 2) * size * lengths + underflow
    off_rest = size * off_images + gamma(m + 2) * size * reached + gamma(k + 2) * lengths * weight + 2 * UNIT * remains
    return size, off_images, off_rest + underflow
