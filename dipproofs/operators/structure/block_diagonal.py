"""The same map for several channels, or a direct sum of maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import scipy.linalg

from dipproofs.enclosures import Bound
from dipproofs.operators.structure.base import Spectrum, Structure


@dataclass(frozen=True, eq=False)
class Blocks:
    """A structure that consists of others."""

    blocks: tuple[Structure, ...]
    kind = ""

    def describe(self) -> dict[str, Any]:
        """The blocks' kinds."""
        return {"kind": self.kind, "blocks": [block.describe() for block in self.blocks]}

    def arrays(self) -> Mapping[str, np.ndarray]:
        """The blocks' arrays, numbered."""
        return {f"{i}/{name}": a for i, block in enumerate(self.blocks) for name, a in block.arrays().items()}


@dataclass(frozen=True, eq=False)
class BlockDiagonal(Blocks):
    """diag(A_1, …, A_b): its singular values are those of all blocks.

    Args:
        blocks: structures; the same object may stand several times and is examined once.

    Example:
        >>> from dipproofs.operators.structure.diagonal import Diagonal
        >>> block = Diagonal(np.array([1.0, 2.0]))
        >>> found = BlockDiagonal((block, block)).spectrum()
        >>> found.norm.mid, found.smallest.mid, found.rank
        (2.0, 1.0, 4)
    """

    kind = "block-diagonal"

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return sum(b.shape[0] for b in self.blocks), sum(b.shape[1] for b in self.blocks)

    def dense(self) -> np.ndarray:
        """The matrix."""
        return np.asarray(scipy.linalg.block_diag(*(block.dense() for block in self.blocks)))

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x in floats."""
        parts = np.split(x, np.cumsum([b.shape[1] for b in self.blocks])[:-1])
        return np.concatenate([b.matvec(part) for b, part in zip(self.blocks, parts)])

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w in floats."""
        parts = np.split(w, np.cumsum([b.shape[0] for b in self.blocks])[:-1])
        return np.concatenate([b.rmatvec(part) for b, part in zip(self.blocks, parts)])

    def spectrum(self) -> Spectrum:
        """Extremes over the blocks."""
        known = {id(block): block.spectrum() for block in self.blocks}
        return direct_sum([(block.shape, known[id(block)]) for block in self.blocks])


def direct_sum(parts: list[tuple[tuple[int, int], Spectrum]]) -> Spectrum:
    """Combine the spectra of the blocks of a direct sum.

    Args:
        parts: shape and spectrum of each block.
    """
    full = min(sum(shape[axis] for shape, _ in parts) for axis in (0, 1))
    blocks = [(min(shape), found) for shape, found in parts if min(shape)]
    largest = _extreme([found.norm for _, found in blocks], Bound.max)
    smallest = Bound.exact(0)
    if sum(size for size, _ in blocks) == full:
        smallest = _extreme([found.smallest for _, found in blocks], Bound.min)
    ranks = [found.rank for _, found in blocks if found.rank is not None]
    if len(ranks) < len(blocks):
        return Spectrum(largest, smallest, None, Bound(0.0, largest.upper))
    return Spectrum(
        largest, smallest, sum(ranks), _extreme([f.smallest_nonzero for _, f in blocks if f.rank], Bound.min)
    )


def _extreme(bounds: list[Bound], pick: Callable[[Bound, Bound], Bound]) -> Bound:
    return reduce(pick, bounds) if bounds else Bound.exact(0)
