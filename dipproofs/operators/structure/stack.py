"""Operators above one another: several views of the same signal, differences along both axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from dipproofs.enclosures import Bound
from dipproofs.operators.structure.base import Spectrum, Structure, with_matrix
from dipproofs.operators.structure.block_diagonal import Blocks
from dipproofs.operators.structure.circulant import Circulant, stacked_spectrum
from dipproofs.operators.structure.diagonal import Diagonal
from dipproofs.operators.structure.selection import Selection


@dataclass(frozen=True, eq=False)
class Stack(Blocks):
    """(A_1; …; A_b), so that AᵀA = Σ A_iᵀA_i.

    Args:
        blocks: structures of the same number of columns.

    Notes:
        Circular convolutions of one shape are diagonal in one basis, with singular values √Σ|DFT c_i|²; of diagonals
        and selections AᵀA is diagonal. Otherwise max ‖A_i‖² ≤ ‖A‖² ≤ Σ‖A_i‖² and σ_n² ≥ Σ σ_n(A_i)²; small matrices are
        examined as such besides. Evidence: proved.

    Example:
        >>> found = Stack((Diagonal(np.array([3.0, 1.0])), Diagonal(np.array([4.0, 0.0])))).spectrum()
        >>> found.norm.contains(5), found.smallest.contains(1), found.rank
        (True, True, 2)
    """

    kind = "stack"

    def __post_init__(self) -> None:
        if len({block.shape[1] for block in self.blocks}) != 1:
            raise ValueError(
                f"stack: found columns {[block.shape[1] for block in self.blocks]}, expected equal numbers"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return sum(block.shape[0] for block in self.blocks), self.blocks[0].shape[1]

    def dense(self) -> np.ndarray:
        """The matrix."""
        return np.concatenate([block.dense() for block in self.blocks])

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x in floats."""
        return np.concatenate([block.matvec(x) for block in self.blocks])

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w in floats."""
        parts = np.split(w, np.cumsum([block.shape[0] for block in self.blocks])[:-1])
        return np.asarray(sum(block.rmatvec(part) for block, part in zip(self.blocks, parts)))

    def spectrum(self) -> Spectrum:
        """Exactly in a common basis, else bounds by the blocks', and by the matrix where it is small."""
        convolutions = [block for block in self.blocks if isinstance(block, Circulant)]
        if len(convolutions) == len(self.blocks) and len({c.kernel.shape for c in convolutions}) == 1:
            return stacked_spectrum([c.kernel for c in convolutions])
        if all(isinstance(block, Diagonal | Selection) for block in self.blocks):
            return _of_squares(_column_squares(self.blocks, self.shape[1]), min(self.shape))
        return with_matrix(self, self._bounds())

    def _bounds(self) -> Spectrum:
        n, parts = self.shape[1], [block.spectrum() for block in self.blocks]
        above, least = Bound.exact(0), Bound.exact(0)
        for block, part in zip(self.blocks, parts):
            above = above + part.norm * part.norm
            if block.shape[0] >= n:
                least = least + part.smallest * part.smallest
        largest = Bound(max(part.norm.lower for part in parts), above.sqrt().upper)
        smallest = Bound(least.nonnegative().sqrt().lower, largest.upper)
        known = [part.rank for block, part in zip(self.blocks, parts) if part.rank == n <= block.shape[0]]
        rank = n if known or smallest.lower > 0 else None
        return Spectrum(largest, smallest, rank, smallest if rank else Bound(0.0, largest.upper))


def _column_squares(blocks: Sequence[Structure], n: int) -> list[Fraction]:
    """The diagonal of AᵀA, exactly."""
    counts = np.zeros(n, np.int64)
    squares = [Fraction(0)] * n
    for block in blocks:
        if isinstance(block, Selection):
            counts += np.bincount(block.indices, minlength=n)
        elif isinstance(block, Diagonal):
            squares = [s + Fraction(d) ** 2 for s, d in zip(squares, block.entries.astype(np.float64).tolist())]
    return [square + count for square, count in zip(squares, counts.tolist())]


def _of_squares(squares: list[Fraction], full: int) -> Spectrum:
    """Singular values whose squares are known, one for each column."""
    positive = [square for square in squares if square > 0]
    if not positive:
        return Spectrum(Bound.exact(0), Bound.exact(0), 0, Bound.exact(0))
    largest, least = (Bound.exact(pick(positive)).sqrt() for pick in (max, min))
    return Spectrum(largest, least if len(positive) >= full else Bound.exact(0), len(positive), least)
