"""Sparse matrices, taken apart into blocks that share no row and no column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from dipproofs.enclosures import Bound
from dipproofs.operators.structure.base import Dense, Spectrum, owned
from dipproofs.operators.structure.block_diagonal import direct_sum


@dataclass(frozen=True, eq=False)
class Sparse:
    """A matrix in compressed rows.

    Args:
        matrix: (m, n) `scipy.sparse.csr_array` of floats without duplicates.

    Notes:
        Rows and columns that are connected by entries form blocks, of which A is a direct sum up to permutations; equal
        blocks are examined once. Evidence: proved.

    Example:
        >>> found = Sparse(sp.csr_array(np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]]))).spectrum()
        >>> found.norm.contains(5), found.smallest.contains(2), found.rank
        (True, True, 2)
    """

    matrix: sp.csr_array
    kind = "sparse"

    def __post_init__(self) -> None:
        m, n = self.matrix.shape
        parts = (owned(self.matrix.data), owned(self.matrix.indices), owned(self.matrix.indptr))
        object.__setattr__(self, "matrix", sp.csr_array(parts, shape=(m, n)))

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        m, n = self.matrix.shape
        return int(m), int(n)

    def dense(self) -> np.ndarray:
        """The matrix."""
        return np.asarray(self.matrix.toarray())

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x in floats."""
        return np.asarray(self.matrix @ x)

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w in floats."""
        return np.asarray(self.matrix.T @ w)

    def spectrum(self) -> Spectrum:
        """Extremes over the blocks."""
        known: dict[tuple[tuple[int, int], bytes], Spectrum] = {}
        parts: list[tuple[tuple[int, int], Spectrum]] = []
        for block in self.blocks():
            key = (block.shape, block.tobytes())
            if key not in known:
                known[key] = Dense(block).spectrum()
            parts.append((block.shape, known[key]))
        m, n = self.shape
        empty = (m - sum(shape[0] for shape, _ in parts), n - sum(shape[1] for shape, _ in parts))
        if any(empty):
            zero = Bound.exact(0)
            parts.append((empty, Spectrum(zero, zero, 0, zero)))
        return direct_sum(parts)

    def blocks(self) -> list[np.ndarray]:
        """The connected blocks as dense matrices; rows and columns without entries belong to none."""
        m, n = self.shape
        entries = self.matrix.tocoo()
        graph = sp.coo_array((np.ones(entries.nnz), (entries.row, m + entries.col)), shape=(m + n, m + n))
        count, labels = connected_components(graph.tocsr(), directed=False)
        row_label, column_label = labels[:m], labels[m:]
        row_place, row_count = _places(row_label, count)
        column_place, column_count = _places(column_label, count)
        order = np.argsort(row_label[entries.row], kind="stable")
        ends = np.searchsorted(row_label[entries.row][order], np.arange(count + 1))
        found = []
        for label in range(count):
            part = order[ends[label] : ends[label + 1]]
            if part.size:
                block = np.zeros((row_count[label], column_count[label]), self.matrix.dtype)
                block[row_place[entries.row[part]], column_place[entries.col[part]]] = entries.data[part]
                found.append(block)
        return found

    def describe(self) -> dict[str, Any]:
        """Kind and n."""
        return {"kind": self.kind, "columns": self.shape[1]}

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Values, columns and row ends, as SciPy stores them; the indices as int64."""
        return {
            "data": self.matrix.data,
            "indices": self.matrix.indices.astype(np.int64),
            "indptr": self.matrix.indptr.astype(np.int64),
        }


def _places(labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The place of each item among those with its label, and how many there are of each."""
    sizes = np.bincount(labels, minlength=count)
    order = np.argsort(labels, kind="stable")
    places = np.empty(labels.size, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    places[order] = np.arange(labels.size) - np.repeat(starts, sizes)
    return places, sizes
