"""Diagonal operators: weights, denoising of unequal noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.enclosures import Bound
from dipproofs.operators.structure.base import Spectrum, Stored


@dataclass(frozen=True, eq=False)
class Diagonal(Stored):
    """(A x)_i = d_i x_i.

    Args:
        entries: (n,) floats.

    Example:
        >>> found = Diagonal(np.array([2.0, 0.0, -3.0])).spectrum()
        >>> found.norm.mid, found.smallest.mid, found.rank, found.smallest_nonzero.mid
        (3.0, 0.0, 2, 2.0)
    """

    entries: np.ndarray
    kind = "diagonal"

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.entries.size, self.entries.size

    def dense(self) -> np.ndarray:
        """The matrix."""
        return np.diag(self.entries)

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x in floats."""
        return np.asarray(self.entries * x if x.ndim == 1 else self.entries[:, None] * x)

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w in floats."""
        return self.matvec(w)

    def spectrum(self) -> Spectrum:
        """The absolute values, exactly."""
        sizes = np.abs(self.entries.astype(np.float64))
        nonzero = sizes[sizes > 0]
        largest, smallest = Bound.exact(float(sizes.max())), Bound.exact(float(sizes.min()))
        least = Bound.exact(float(nonzero.min())) if nonzero.size else Bound.exact(0)
        return Spectrum(largest, smallest, int(nonzero.size), least)
