"""Kronecker products: one small matrix for each axis of an image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from dipproofs.enclosures import Bound, IntervalMatrix
from dipproofs.enclosures.norms import frobenius_upper
from dipproofs.operators.structure.base import Spectrum, Stored, matrix_spectrum, widened

_UNIT, _TINY = 2.0**-53, 2.0**-1074
_MOST_PAIRS = 20_000


@dataclass(frozen=True, eq=False)
class Separable(Stored):
    """The entries of V ⊗ H, each rounded once to the nearest float.

    Args:
        vertical: (p, height) floats V.
        horizontal: (q, width) floats H.

    Notes:
        Singular values of V ⊗ H are the products of those of V and H. Rounding moves them by at most
        u‖V‖_F‖H‖_F (Weyl), and not at all where every product of entries is a float. Evidence: proved.

    Example:
        >>> half = np.array([[0.5, 0.5], [0.5, 0.5]])
        >>> found = Separable(half, 2.0 * np.eye(2)).spectrum()
        >>> found.norm.contains(2), found.rank, found.smallest_nonzero.contains(2)
        (True, 2, True)
    """

    vertical: np.ndarray
    horizontal: np.ndarray
    kind = "separable"

    def __post_init__(self) -> None:
        for name in ("vertical", "horizontal"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))
        super().__post_init__()

    @property
    def shape(self) -> tuple[int, int]:
        """(p·q, height·width)."""
        (p, height), (q, width) = self.vertical.shape, self.horizontal.shape
        return p * q, height * width

    def dense(self) -> np.ndarray:
        """The matrix."""
        return np.kron(self.vertical, self.horizontal)

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x in floats."""
        return self._applied(self.vertical, self.horizontal, x)

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w in floats."""
        return self._applied(self.vertical.T, self.horizontal.T, w)

    @staticmethod
    def _applied(vertical: np.ndarray, horizontal: np.ndarray, x: np.ndarray) -> np.ndarray:
        images = x.reshape(vertical.shape[1], horizontal.shape[1], -1)
        result = np.einsum("pi,qj,ijb->pqb", vertical, horizontal, images, optimize=True)
        return np.ascontiguousarray(result.reshape(-1, *x.shape[1:]))

    @cached_property
    def rounding(self) -> float:
        """A bound of how far the rounded entries are from V ⊗ H, in the operator norm; 0 if they are exact."""
        if _products_are_floats(self.vertical, self.horizontal):
            return 0.0
        size = frobenius_upper(self.vertical) * frobenius_upper(self.horizontal)
        m, n = self.shape
        return (size * _UNIT + _TINY * m * n) * (1 + 2.0**-40)

    def spectrum(self) -> Spectrum:
        """Products of the factors' singular values."""
        first, second = (matrix_spectrum(IntervalMatrix.from_exact(f)) for f in (self.vertical, self.horizontal))
        slack, full = self.rounding, min(self.shape)
        largest = widened(first.norm * second.norm, slack)
        least = widened(first.smallest_nonzero * second.smallest_nonzero, slack)
        most = min(self.vertical.shape) * min(self.horizontal.shape)
        smallest = widened(first.smallest * second.smallest if most == full else Bound.exact(0), slack)
        rank = None if first.rank is None or second.rank is None else first.rank * second.rank
        if slack:  # rounding may raise the rank of a deficient product
            rank, least = (full, smallest) if smallest.lower > 0 else (None, least)
        return Spectrum(largest, smallest, rank, Bound(0.0, largest.upper) if rank is None else least)


def _products_are_floats(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether all products of an entry of each are computed without rounding; asked of few different entries only."""
    left, right = (np.unique(np.abs(f.astype(np.float64))) for f in (first, second))
    if left.size * right.size > _MOST_PAIRS:
        return False
    pairs = ((a, b) for a in left.tolist() for b in right.tolist())
    return all(math.isfinite(a * b) and Fraction(a) * Fraction(b) == Fraction(a * b) for a, b in pairs)
