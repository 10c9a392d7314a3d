"""What a structured operator offers, and the structure of one that has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from dipproofs.enclosures import Bound, IntervalMatrix, extreme_singular_values, matrix_rank, norm, sigma_min

RANK_WORK = 2e9
"""Modular operations spent on the exact rank of a deficient matrix (seconds)."""
MATRIX_WORK = 2e9
"""m·n·min(m, n) up to which a structure with coarse bounds is examined as a matrix (seconds)."""


def owned(array: np.ndarray) -> np.ndarray:
    """Give an array that nobody else can write to: itself if it is read-only and whole, else a copy."""
    if not array.flags.writeable and array.base is None:
        return array
    result = np.array(array, order="C")
    result.setflags(write=False)
    return result


def own(structure: Any, *names: str) -> None:
    """Replace arrays of a frozen structure by copies that are read-only."""
    for name in names:
        object.__setattr__(structure, name, owned(np.asarray(getattr(structure, name))))


@dataclass(frozen=True)
class Spectrum:
    """Enclosed singular values σ_1 ≥ σ_2 ≥ … of an (m, n) operator; evidence proved.

    Args:
        norm: σ_1.
        smallest: σ_min(m,n); exactly 0 where the rank is known to be smaller.
        rank: the exact rank, or None where it is not decided.
        smallest_nonzero: σ_rank; its lower end is 0 where the rank is not decided.
    """

    norm: Bound
    smallest: Bound
    rank: int | None
    smallest_nonzero: Bound


class Structure(Protocol):
    """A linear map R^n → R^m with more than the entries of its matrix to go by.

    `dense()` is the operator exactly: every other method speaks of these numbers.
    """

    kind: str

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        ...

    def dense(self) -> np.ndarray:
        """The matrix, (m, n) float64 or float32."""
        ...

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x in floats, x (n,) or (n, j); no guarantee."""
        ...

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w in floats."""
        ...

    def spectrum(self) -> Spectrum:
        """Enclose the extreme singular values; evidence proved."""
        ...

    def describe(self) -> dict[str, Any]:
        """The structure as JSON, without its arrays."""
        ...

    def arrays(self) -> Mapping[str, np.ndarray]:
        """The arrays that it consists of, by name."""
        ...


@dataclass(frozen=True, eq=False)
class Stored:
    """A structure whose fields are all that it consists of: arrays, which it owns."""

    kind = ""

    def __post_init__(self) -> None:
        own(self, *(field.name for field in fields(self)))

    def describe(self) -> dict[str, Any]:
        """The kind alone."""
        return {"kind": self.kind}

    def arrays(self) -> Mapping[str, np.ndarray]:
        """The fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, eq=False)
class Dense(Stored):
    """A stored matrix.

    Args:
        matrix: (m, n) floats.

    Example:
        >>> found = Dense(np.array([[3.0, 0.0], [4.0, 0.0]])).spectrum()
        >>> found.norm.contains(5), found.rank, found.smallest_nonzero.contains(5)
        (True, 1, True)
    """

    matrix: np.ndarray
    kind = "dense"

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return self.matrix.shape[0], self.matrix.shape[1]

    def dense(self) -> np.ndarray:
        """The matrix."""
        return self.matrix

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x in floats."""
        return np.asarray(self.matrix @ x)

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w in floats."""
        return np.asarray(self.matrix.T @ w)

    def spectrum(self) -> Spectrum:
        """Enclose the extreme singular values, by Cholesky and QR with error bounds (docs/theory.md §8)."""
        return matrix_spectrum(IntervalMatrix.from_exact(self.matrix))

    def arrays(self) -> Mapping[str, np.ndarray]:
        """The matrix, as A."""
        return {"A": self.matrix}


def matrix_spectrum(matrix: IntervalMatrix) -> Spectrum:
    """Enclose the extreme singular values of a matrix; of a deficient one also σ_rank.

    Notes:
        σ_r(A) ≥ σ_min(AQ)/‖Q‖ for every (n, r) matrix Q, and σ_r(A) ≤ ‖AW‖/σ_min(W) for every (n, n−r+1) matrix W; they
        are the approximate singular vectors. Evidence: proved.
    """
    if not matrix.mid.any() and matrix.is_exact:
        zero = Bound.exact(0)
        return Spectrum(zero, zero, 0, zero)
    largest, smallest = extreme_singular_values(matrix)
    full = min(matrix.shape)
    if smallest.lower > 0:
        return Spectrum(largest, smallest, full, smallest)
    rank = matrix_rank(matrix, RANK_WORK, smallest).value
    if rank is None:
        return Spectrum(largest, smallest, None, Bound(0.0, largest.upper))
    if rank == full:  # whose σ is too small for floats
        return Spectrum(largest, smallest, rank, smallest)
    return Spectrum(largest, Bound.exact(0), rank, _singular_value(matrix, rank).intersect(Bound(0.0, largest.upper)))


def with_matrix(structure: Structure, bounds: Spectrum) -> Spectrum:
    """Sharpen bounds that follow from a structure by those of its matrix, where that is small."""
    m, n = structure.shape
    if m * n * min(m, n) > MATRIX_WORK:
        return bounds
    found = matrix_spectrum(IntervalMatrix.from_exact(np.asarray(structure.dense())))
    if found.rank is None and bounds.rank is not None:
        return bounds
    return Spectrum(found.norm.intersect(bounds.norm), found.smallest, found.rank, found.smallest_nonzero)


def widened(bound: Bound, slack: float) -> Bound:
    """A bound of singular values that may have moved by `slack`."""
    return (bound + Bound(-slack, slack) if slack else bound).nonnegative()


def _singular_value(matrix: IntervalMatrix, rank: int) -> Bound:
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    vectors = np.linalg.svd(wide.mid)[0]  # of the shorter side: σ_r(A) = σ_r(Aᵀ)
    inside, beyond = (IntervalMatrix.from_exact(np.ascontiguousarray(part)) for part in
                      (vectors[:, :rank], vectors[:, rank - 1 :]))  # fmt: skip
    below = sigma_min(wide.T @ inside) / norm(inside)
    above = norm(wide.T @ beyond) / sigma_min(beyond)
    return Bound(max(below.lower, 0.0), above.upper)
