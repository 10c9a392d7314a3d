"""Products of which one factor only picks or weighs: a mask after a blur, a blur of weighted pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dipproofs.enclosures import Bound
from dipproofs.operators.structure.base import Spectrum, Structure, widened, with_matrix
from dipproofs.operators.structure.diagonal import Diagonal
from dipproofs.operators.structure.selection import Selection

_UNIT, _TINY = 2.0**-53, 2.0**-1074


@dataclass(frozen=True, eq=False)
class Product:
    """The entries of L·R, each rounded once to the nearest float: every entry is a single product.

    Args:
        left: (m, k) structure L. right: (k, n) structure R. L is a selection or a diagonal, or R is a diagonal or a
            selection without repeated rows.

    Notes:
        σ_min(LR) ≥ σ_min(L)σ_min(R) where m ≤ k ≤ n or m ≥ k ≥ n, and ‖LR‖ ≤ ‖L‖‖R‖. Rounding moves singular values by
        at most u‖LR‖_F + 2⁻¹⁰⁷⁴√(mn) (Weyl), and not at all where a factor picks. Small matrices are examined as such
        besides. Evidence: proved.

    Raises:
        ValueError: factors that do not fit, or of which none picks or weighs.

    Example:
        >>> seen = Product(Selection(np.array([0, 2]), 3), Diagonal(np.array([2.0, 5.0, -3.0])))
        >>> found = seen.spectrum()
        >>> found.norm.contains(3), found.smallest.contains(2), found.rank
        (True, True, 2)
    """

    left: Structure
    right: Structure
    kind = "product"

    def __post_init__(self) -> None:
        if self.left.shape[1] != self.right.shape[0] or not (picks_rows(self.left) or picks_columns(self.right)):
            raise ValueError(f"product of {self.left.kind} {self.left.shape} and {self.right.kind} {self.right.shape}")

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return self.left.shape[0], self.right.shape[1]

    def dense(self) -> np.ndarray:
        """The matrix."""
        left, right = self.left, self.right
        if isinstance(left, Selection):
            return np.ascontiguousarray(right.dense()[left.indices])
        if isinstance(left, Diagonal):
            return left.entries.astype(np.float64)[:, None] * right.dense().astype(np.float64)
        if isinstance(right, Diagonal):
            return left.dense().astype(np.float64) * right.entries.astype(np.float64)
        assert isinstance(right, Selection)
        matrix = np.zeros(self.shape)
        matrix[:, right.indices] = left.dense()
        return matrix

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x in floats."""
        return self.left.matvec(self.right.matvec(x))

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w in floats."""
        return self.right.rmatvec(self.left.rmatvec(w))

    @cached_property
    def rounded(self) -> bool:
        """Whether entries of L·R may be rounded: selections pick without arithmetic."""
        picks = isinstance(self.left, Selection) or (isinstance(self.right, Selection) and self.right.distinct)
        return not picks

    def spectrum(self) -> Spectrum:
        """Bounds by the factors', and by the matrix where it is small."""
        return with_matrix(self, self._bounds())

    def _bounds(self) -> Spectrum:
        first, second = self.left.spectrum(), self.right.spectrum()
        (m, k), n = self.left.shape, self.right.shape[1]
        slack = 0.0
        if self.rounded:
            size = first.norm * second.norm * Bound.exact(min(k, *self.shape)).sqrt()
            slack = (size.upper * _UNIT + _TINY * m * n) * (1 + 2.0**-40)
        largest = widened(Bound(0.0, (first.norm * second.norm).upper), slack)
        least = Bound.exact(0)
        if m <= k <= n or m >= k >= n:
            least = first.smallest * second.smallest
        smallest = widened(Bound(least.lower, largest.upper), slack)
        full = min(self.shape)
        if smallest.lower > 0:
            return Spectrum(Bound(smallest.lower, largest.upper), smallest, full, smallest)
        return Spectrum(largest, Bound(0.0, largest.upper), None, Bound(0.0, largest.upper))

    def describe(self) -> dict[str, Any]:
        """The factors' kinds."""
        return {"kind": self.kind, "left": self.left.describe(), "right": self.right.describe()}

    def arrays(self) -> Mapping[str, np.ndarray]:
        """The factors' arrays."""
        parts = {"left": self.left, "right": self.right}
        return {f"{side}/{name}": array for side, part in parts.items() for name, array in part.arrays().items()}


def picks_rows(structure: Structure) -> bool:
    """Whether every row has at most one entry."""
    return isinstance(structure, Selection | Diagonal)


def picks_columns(structure: Structure) -> bool:
    """Whether every column has at most one entry."""
    return isinstance(structure, Diagonal) or (isinstance(structure, Selection) and structure.distinct)
