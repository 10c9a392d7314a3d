"""X Xᵀ of an exact X without a matrix of radii: what norms and extreme singular values are read from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from dipproofs.enclosures.blocks import symmetric_product
from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.eigenvalues import least_eigenvalue, symmetrised
from dipproofs.enclosures.norms import max_abs
from dipproofs.enclosures.radii import all_finite, exact_array, gram_radius
from dipproofs.enclosures.rounding import TINY, UNIT, Array, inflation
from dipproofs.enclosures.spread import RankOne
from dipproofs.enclosures.threads import SMALL, both


@dataclass(frozen=True, eq=False)
class Gram:
    """Every symmetric matrix within factor·b_i·b_j + absolute of a midpoint.

    Args:
        mid: (n, n) exactly symmetric. radius: b_i are norms of rows of X.

    Notes:
        Proved: an entry of fl(XXᵀ) is off by at most γ_p‖x_i‖‖x_j‖ (`docs/theory.md §8`), which is a matrix of
        rank one, so that no operation on radii costs more than n additions.

    Example:
        >>> import numpy as np
        >>> gram = Gram.of_rows(np.array([[3.0, 0.0], [0.0, 4.0]]))
        >>> gram.largest().contains(16), gram.smallest().contains(9)
        (True, True)
        >>> gram.scaled(np.array([2.0, 0.5])).largest().contains(36)
        True
    """

    mid: Array
    radius: RankOne

    @classmethod
    def of_rows(cls, rows: Array) -> Gram:
        """Enclose X Xᵀ for exact finite X, (n, p)."""
        rows = exact_array(rows, "matrix")
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return cls._around(_product(rows), rows)

    @classmethod
    def of_triangle(cls, triangle: Array) -> Gram:
        """Enclose U Uᵀ for an exact finite upper triangle U, (n, n), by a third of the products."""
        triangle = exact_array(triangle, "matrix")
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            product, _ = lapack.dlauum(triangle, lower=0)
            return cls._around(np.triu(product) + np.triu(product, 1).T, triangle)

    @classmethod
    def _around(cls, mid: Array, rows: Array) -> Gram:
        """Put the radius of any order of summation around fl(XXᵀ)."""
        return cls._checked(mid, gram_radius(rows))

    @classmethod
    def _checked(cls, mid: Array, radius: RankOne) -> Gram:
        """Overflow makes everything unknown."""
        if not all_finite(mid):
            return cls(np.zeros_like(mid), RankOne(0.0, np.zeros(mid.shape[0]), np.inf))
        return cls(mid, radius)

    def scaled(self, factors: Array) -> Gram:
        """Enclose diag(d)·M·diag(d) for exact d, (n,).

        Notes:
            |m_ij| ≤ (1 + factor)·b_i·b_j + absolute, because the member XXᵀ satisfies Cauchy–Schwarz; so the two
            roundings of (d_i·d_j)·m_ij cost at most 2.1u of that, and the radius keeps its rank: b becomes |d|b.
        """
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            sizes = np.abs(factors)
            mid = np.multiply.outer(factors, factors)
            mid *= self.mid
            factor = (self.radius.factor * (1 + 4 * UNIT) + 4 * UNIT) * inflation(6)
            weights = sizes * self.radius.weights * inflation(2) + TINY
            largest = max_abs(factors)
            absolute = self.radius.absolute * (1 + 8 * UNIT) * largest * largest + TINY * (4 + max_abs(self.mid))
            return self._checked(mid, RankOne(factor, weights, absolute * inflation(6)))

    def largest(self) -> Bound:
        """Enclose λ_max."""
        return -least_eigenvalue(self.mid, self.radius, -1)

    def smallest(self, thorough: bool = True, factor: Array | None = None) -> Bound:
        """Enclose λ_min; thorough=False gives up early where it is hard; factor: `krylov.factor_of(mid)`, if known."""
        return least_eigenvalue(self.mid, self.radius, 1, thorough, factor)


def _product(rows: Array) -> Array:
    """fl(XXᵀ), exactly symmetric; for larger X in two halves of equal work, or in blocks."""
    n, terms = rows.shape
    half = n // 2
    if half == 0:
        return np.asarray(rows @ rows.T)
    if float(terms) * n * n > SMALL:
        return symmetric_product(rows)
    mid = np.empty((n, n))
    upper, lower = rows[:half], rows[half:]

    def diagonal() -> None:
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            mid[:half, :half] = upper @ upper.T
            mid[half:, half:] = lower @ lower.T

    def off_diagonal_block() -> None:
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            np.matmul(lower, upper.T, out=mid[half:, :half])

    both(diagonal, off_diagonal_block, terms * half * (n - half))
    mid[:half, half:] = mid[half:, :half].T
    return symmetrised(mid)
