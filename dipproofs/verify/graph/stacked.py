"""Norms of a matrix of which some rows are seen at a time (docs/theory-graphs.md §4)."""

from __future__ import annotations

import math

import numpy as np

from dipproofs.verify.arithmetic.floats import SMALLEST, frobenius, gamma, largest_eigenvalue, norm, scaled
from dipproofs.verify.graph.upper import joined, push


class Stacked:
    """The operator norm of an (m, n) matrix of exact floats: of its rows where m ≤ n, else from the sum of xᵀx.

    Args:
        rows, columns: m and n.

    Example:
        >>> whole = Stacked(4, 2)
        >>> for _ in range(2):
        ...     whole.add(np.array([[3.0, 0.0], [0.0, 4.0]]))
        >>> 5.656854 <= whole.norm() < 5.65686
        True
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns, self.parts, self.size = rows, columns, 0, 0.0
        self.kept: list[np.ndarray] = []
        self.gram = np.zeros((columns, columns)) if rows > columns else None

    def add(self, part: np.ndarray) -> None:
        """Take rows, (r, columns)."""
        self.size, self.parts = float(joined(self.size, frobenius(part))), self.parts + 1
        if self.gram is None or len(part) == self.rows:
            self.kept.append(part)
        else:
            with np.errstate(all="ignore"):
                self.gram += part.T @ part

    def norm(self) -> float:
        """Upper bound of the norm."""
        if self.kept:
            return min(self.size, norm(np.concatenate(self.kept)))
        if self.gram is None or self.size == 0.0 or not math.isfinite(self.size) or not np.isfinite(self.gram).all():
            return self.size
        unit, gram = scaled(np.tril(self.gram) + np.tril(self.gram, -1).T)
        lost = gamma(self.rows + self.parts + 8) * self.size * self.size + self.columns * (self.rows + unit) * SMALLEST
        return min(self.size, float(push(math.sqrt(unit * largest_eigenvalue(gram) + lost))))
