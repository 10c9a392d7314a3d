"""Euclidean norms of rows, columns and whole arrays, enclosed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.rounding import TINY, Array, inflation

if TYPE_CHECKING:
    from dipproofs.enclosures.matrix import IntervalVector

_SAFE = 2.0**400


def max_abs(x: Array) -> float:
    """Largest absolute entry (exact), 0 for an empty array; no temporary array."""
    return max(float(x.max()), -float(x.min()), 0.0) if x.size else 0.0


def power_of_two_scale(largest: float) -> int:
    """Exponent e with largest·2^(−e) in [1/2, 1]; 0 where the squares of such numbers are harmless anyway."""
    if largest == 0.0 or not math.isfinite(largest) or 1 / _SAFE <= largest <= _SAFE:
        return 0
    return math.frexp(largest)[1]


def euclidean(x: Array, axis: int | None = None) -> tuple[Array, Array]:
    """Lower and upper bounds of the Euclidean norms along an axis (of the whole array for None).

    Args:
        x: (m, n) or (n,) finite floats.
        axis: The axis that is summed over: 1 gives row norms, 0 column norms, None one number.

    Notes:
        Proved for any summation order. Scaled by a power of two when squares could over- or underflow.
    """
    shift = power_of_two_scale(max_abs(x))
    scaled = np.ldexp(x, -shift) if shift else x
    terms = x.size if axis is None else x.shape[axis]
    if axis is None:
        flat = scaled.ravel(order="K")
        squares = np.asarray(np.dot(flat, flat))
    elif x.ndim == 1:
        squares = np.asarray(np.dot(scaled, scaled))
    else:
        squares = np.einsum("ij,ij->i" if axis == 1 else "ij,ij->j", scaled, scaled)
    # Underflow: at most TINY per product; scaling down loses at most TINY per entry as well.
    loss = 4 * (terms + 1) * TINY
    upper = np.sqrt((squares + loss) * inflation(terms + 4)) * inflation(2)
    lower = np.sqrt(np.maximum(squares / inflation(terms + 4) - loss, 0.0)) / inflation(2)
    if shift:
        lower, upper = np.ldexp(lower, shift), np.ldexp(upper, shift)
    lower = np.where(lower >= 2 * TINY, lower, 0.0)
    return np.asarray(lower), np.asarray(upper + TINY)


def frobenius_upper(x: Array) -> float:
    """Upper bound of the Frobenius norm."""
    return float(euclidean(x)[1])


def operator_upper(radius: Array | None) -> float:
    """Upper bound of the operator norm of every matrix with |entries| ≤ radius (0 for None).

    Notes:
        √(‖R‖₁‖R‖_∞), or the Frobenius norm if that is smaller.
    """
    if radius is None or radius.size == 0:
        return 0.0
    if radius.ndim == 1:
        return math.inf if not np.isfinite(radius).all() else float(euclidean(radius)[1])
    rows = float(radius.sum(axis=1).max()) * inflation(radius.shape[1])
    columns = float(radius.sum(axis=0).max()) * inflation(radius.shape[0])
    if not (math.isfinite(rows) and math.isfinite(columns)):
        return math.inf
    mixed = math.sqrt(rows) * math.sqrt(columns) * inflation(6) + TINY
    return min(mixed, frobenius_upper(radius))


def vector_norm(vector: IntervalVector) -> Bound:
    """Enclose the Euclidean norm of an enclosed vector.

    Notes:
        Entries between |mid| − rad and |mid| + rad give norms between those of these two vectors, which is sharper
        than ‖mid‖ ∓ ‖rad‖ where large radii do not sit at large entries.
    """
    lower, upper = (float(end) for end in vector.column_norms())
    if vector.rad is None or not math.isfinite(upper):
        return Bound(lower, upper)
    sizes = np.abs(vector.mid)
    near = np.maximum(np.nextafter(sizes - vector.rad, -np.inf), 0.0)
    far = np.nextafter(sizes + vector.rad, np.inf)
    return Bound(max(lower, float(euclidean(near)[0])), min(upper, float(euclidean(far)[1])))
