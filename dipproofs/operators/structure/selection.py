"""Rows of the identity: masks, restrictions, permutations; rows may repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dipproofs.enclosures import Bound
from dipproofs.operators.structure.base import Spectrum, own


@dataclass(frozen=True, eq=False)
class Selection:
    """(A x)_i = x_{indices_i}.

    Args:
        indices: (m,) integers in [0, columns).
        columns: n.

    Notes:
        AᵀA = diag(c), c_j how often column j is taken: the singular values are √c_j.

    Example:
        >>> found = Selection(np.array([0, 2, 2]), 3).spectrum()
        >>> found.norm.contains(2**0.5), found.smallest.upper == 0, found.rank, found.smallest_nonzero.mid
        (True, True, 2, 1.0)
    """

    indices: np.ndarray
    columns: int
    kind = "mask"

    def __post_init__(self) -> None:
        own(self, "indices")

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return len(self.indices), self.columns

    @cached_property
    def distinct(self) -> bool:
        """Whether no row repeats, so that A Aᵀ = I."""
        return bool(np.unique(self.indices).size == self.indices.size)

    def dense(self) -> np.ndarray:
        """The matrix."""
        matrix = np.zeros(self.shape)
        matrix[np.arange(len(self.indices)), self.indices] = 1.0
        return matrix

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x, exactly."""
        return np.asarray(x[self.indices])

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w, exactly where no row repeats."""
        image = np.zeros((self.columns, *w.shape[1:]), w.dtype)
        np.add.at(image, self.indices, w)
        return image

    def spectrum(self) -> Spectrum:
        """√ of how often columns are taken; exact up to the roots' rounding."""
        counts = np.bincount(self.indices, minlength=self.columns)
        taken = counts[counts > 0]
        rank = int(taken.size)
        largest, least = (Bound.exact(int(value)).sqrt() for value in (taken.max(), taken.min()))
        return Spectrum(largest, least if rank == min(self.shape) else Bound.exact(0), rank, least)

    def describe(self) -> dict[str, Any]:
        """Kind and n."""
        return {"kind": self.kind, "columns": self.columns}

    def arrays(self) -> Mapping[str, np.ndarray]:
        """The indices, as int64."""
        return {"indices": np.asarray(self.indices, np.int64)}
