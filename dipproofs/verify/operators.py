"""Masks in the verifier's arithmetic: rows of the identity are picked, not multiplied with."""

from __future__ import annotations

from functools import cached_property
from typing import cast

import numpy as np
from flint import arb

from dipproofs.certificate.structure import SelectedRows
from dipproofs.verify.arithmetic.expressions import upper
from dipproofs.verify.arithmetic.rounded import Rounded
from dipproofs.verify.arithmetic.splitting import FINE, Matrix


class Selection(Matrix):
    """Distinct rows of the identity as an exact matrix; a product picks rows.

    Args:
        indices: (m,) the columns of the ones. columns: n. precision: bits that products keep.

    Example:
        >>> A = operator_matrix(np.eye(3)[[2, 0]])
        >>> (A @ Matrix.of(np.array([[0.1], [0.2], [0.3]]))).floats().tolist()
        [[0.3], [0.1]]
    """

    def __init__(self, indices: np.ndarray, columns: int, precision: int = FINE) -> None:
        self.indices, self.shape, self.precision, self.error = indices, (len(indices), columns), precision, arb(0)

    @cached_property
    def levels(self) -> dict[int, np.ndarray]:  # type: ignore[override]
        """The parts, written out where something else than a product with rows is asked for."""
        dense = np.zeros(self.shape)
        dense[np.arange(self.shape[0]), self.indices] = 1.0
        return {0: dense}

    @cached_property
    def norms(self) -> dict[int, arb]:  # type: ignore[override]
        """Frobenius norms by level."""
        return {0: upper(arb(self.shape[0]).sqrt())}

    def __matmul__(self, other: Matrix) -> Matrix:
        if not self.error.is_zero() or other.shape[0] != self.shape[1]:
            return super().__matmul__(other)
        if isinstance(other, Rounded):
            return cast("Matrix", other if self._everything else Rounded(other.values[self.indices], other.error))
        levels = {level: x[self.indices] for level, x in other.levels.items()}
        return Matrix((self.shape[0], other.shape[1]), levels, other.error, min(self.precision, other.precision))

    @cached_property
    def _everything(self) -> bool:
        """Whether this is the identity."""
        return self.shape[0] == self.shape[1] and bool((self.indices == np.arange(self.shape[0])).all())

    def to(self, precision: int) -> Matrix:
        """The same, for products that keep so many bits."""
        return Selection(self.indices, self.shape[1], precision) if self.error.is_zero() else super().to(precision)

    @property
    def T(self) -> Matrix:
        """Transpose: a selection for a permutation, else an embedding."""
        m, n = self.shape
        if m == n and self.error.is_zero():
            return Selection(np.argsort(self.indices), n, self.precision)
        return Embedding(self)

    def square(self) -> Matrix:
        """A Aᵀ = I."""
        return Matrix.of(np.eye(self.shape[0])).to(self.precision)

    def diagonal_of_gram(self) -> list[arb]:
        """The diagonal of A Aᵀ = I."""
        return [arb(1)] * self.shape[0]


class Embedding(Matrix):
    """The transpose of a selection; a product puts rows in their places.

    Args:
        of: the selection, exact.

    Example:
        >>> A = operator_matrix(np.eye(3)[[2, 0]])
        >>> (A.T @ Matrix.of(np.array([[0.1], [0.2]]))).floats().ravel().tolist()
        [0.2, 0.0, 0.1]
    """

    def __init__(self, of: Selection) -> None:
        self._selection, self.shape, self.precision, self.error = of, of.shape[::-1], of.precision, arb(0)

    @cached_property
    def levels(self) -> dict[int, np.ndarray]:  # type: ignore[override]
        """The parts, written out where something else than a product with rows is asked for."""
        return {level: np.ascontiguousarray(x.T) for level, x in self._selection.levels.items()}

    @property
    def norms(self) -> dict[int, arb]:  # type: ignore[override]
        """Frobenius norms by level."""
        return self._selection.norms

    def _placed(self, x: np.ndarray) -> np.ndarray:
        found = np.zeros((self.shape[0], x.shape[1]))
        found[self._selection.indices] = x
        return found

    def __matmul__(self, other: Matrix) -> Matrix:
        if not self.error.is_zero() or other.shape[0] != self.shape[1]:
            return super().__matmul__(other)
        if isinstance(other, Rounded):
            return cast("Matrix", Rounded(self._placed(other.values), other.error))
        levels = {level: self._placed(x) for level, x in other.levels.items()}
        return Matrix((self.shape[0], other.shape[1]), levels, other.error, min(self.precision, other.precision))

    def to(self, precision: int) -> Matrix:
        """The same, for products that keep so many bits."""
        if not self.error.is_zero():
            return super().to(precision)
        return Embedding(Selection(self._selection.indices, self.shape[0], precision))

    @property
    def T(self) -> Matrix:
        """The selection."""
        matrix = self._selection
        return matrix if self.error.is_zero() else Matrix(matrix.shape, matrix.levels, self.error, self.precision)


def operator_matrix(A: np.ndarray | SelectedRows, precision: int = FINE) -> Matrix:
    """Take an operator's matrix as the numbers that it has; a mask as a `Selection`."""
    if isinstance(A, SelectedRows) and np.unique(A.indices).size == A.indices.size:
        return Selection(A.indices, A.columns, precision)
    A = np.asarray(A)
    indices = selected(A)
    return Matrix.of(A, precision) if indices is None else Selection(indices, A.shape[1], precision)


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


def identity(size: int, precision: int) -> Matrix:
    """The identity, whose products cost nothing."""
    return Selection(np.arange(size), size, precision)
