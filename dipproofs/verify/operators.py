"""Masks in the verifier's arithmetic: rows of the identity are picked, not multiplied with."""

from __future__ import annotations

import numpy as np

from dipproofs.verify.arithmetic.slices import FINE, Matrix


class Selection(Matrix):
    """Distinct rows of the identity as an exact matrix; a product picks rows.

    Args:
        indices: (m,) the columns of the ones.

    Example:
        >>> A = operator_matrix(np.eye(3)[[2, 0]])
        >>> (A @ Matrix.of(np.array([[0.1], [0.2], [0.3]]))).floats().tolist()
        [[0.3], [0.1]]
    """

    indices: np.ndarray

    def __matmul__(self, other: Matrix) -> Matrix:
        if not self.error.is_zero() or other.shape[0] != self.shape[1]:
            return super().__matmul__(other)
        levels = {level: x[self.indices] for level, x in other.levels.items()}
        return Matrix((self.shape[0], other.shape[1]), levels, other.error, min(self.kept, other.kept))

    @property
    def T(self) -> Matrix:
        """Transpose, as any matrix."""
        turned = {level: np.ascontiguousarray(x.T) for level, x in self.levels.items()}
        return Matrix(self.shape[::-1], turned, self.error, self.kept)


def operator_matrix(A: np.ndarray, kept: int = FINE) -> Matrix:
    """Take an operator's matrix as the numbers that it has; a mask as a `Selection`."""
    matrix, indices = Matrix.of(A, kept), selected(A)
    if indices is None:
        return matrix
    picked = Selection(matrix.shape, matrix.levels, matrix.error, kept)
    picked.indices = indices
    return picked


def selected(A: np.ndarray) -> np.ndarray | None:
    """The columns of the ones if the rows are distinct unit vectors, else None.

    Example:
        >>> selected(np.eye(3)[[2, 0]]).tolist(), selected(2 * np.eye(2)), selected(np.ones((2, 2)))
        ([2, 0], None, None)
    """
    m, n = A.shape
    if m > n or np.count_nonzero(A) != m:
        return None
    indices = A.argmax(axis=1)
    good = (A[np.arange(m), indices] == 1).all() and np.unique(indices).size == m
    return indices if good else None


def identity(size: int, kept: int) -> Matrix:
    """The identity, whose products cost nothing."""
    return operator_matrix(np.eye(size), kept)
