"""Proofs of positive definiteness by floating-point Cholesky factorisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from dipproofs.enclosures.matrix import IntervalMatrix
from dipproofs.enclosures.norms import operator_upper
from dipproofs.enclosures.rounding import TINY, UNIT, Array, gamma, inflation
from dipproofs.enclosures.spread import Radius

_SLACK_TERMS = 8
"""Roundings granted per entry beyond Rump's n + 1, for BLAS kernels that multiply by reciprocals."""


@dataclass(frozen=True)
class CholeskyTest:
    """The test "λ_min(σM − τI) ≥ 0 for every symmetric M within the radius", as a reusable object.

    Args:
        mid: (n, n) exactly symmetric finite midpoint, entries of moderate size.
        spread: (n,) with −diag(spread) ⪯ M − mid ⪯ diag(spread) for every M in question.
        sign: σ, +1 for lower bounds of λ_min, −1 for upper bounds of λ_max (then of −M).

    Notes:
        Rump, *Verification of positive definiteness*, BIT 46 (2006). Demmel's bound
        |ΔM_ij| ≤ γ/(1−γ)·d_i d_j, d_i = √m_ii, holds for every summation order.
        `balanced` subtracts n·γ/(1−γ)·diag(M) in place of a multiple of the trace,
        which suits badly scaled diagonals (`docs/theory.md §8`).
    """

    mid: Array
    spread: Array
    sign: int = 1

    @property
    def size(self) -> int:
        """Order n of the matrix."""
        return int(self.mid.shape[0])

    def constant(self, trace: float) -> float:
        """The multiple c of the identity that pays for rounding, for a matrix of the given trace bound."""
        growth = gamma(self.size + 1 + _SLACK_TERMS)
        return growth / (1 - growth) * inflation(4) * trace + TINY

    def proves(self, tau: float, balanced: bool = False) -> bool:
        """Whether the factorisation proves σM − τI ⪰ 0; False proves nothing."""
        n = self.size
        if 3 * (n + 1 + _SLACK_TERMS) * UNIT >= 1 or not np.isfinite(tau):
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            start = _below(_below(self.sign * np.diagonal(self.mid) - tau) - self.spread)
            if not np.isfinite(start).all() or not (start > 0).all():
                return False
            trace = float(start.sum()) * inflation(n)
            underflow = 4 * TINY * n * (2 * (n + 1) + float(start.max())) * inflation(8)
            if balanced:
                price = self.constant(1.0) * n * inflation(4) * start * inflation(4) + underflow
            else:
                price = np.asarray(self.constant(trace) + underflow)
            diagonal = _below(start - price * inflation(4))
        if not (diagonal > 0).all():
            return False
        work = np.empty_like(self.mid.T, order="F")  # symmetric, so the transpose is read as it lies
        np.multiply(self.mid.T, self.sign, out=work)
        np.fill_diagonal(work, diagonal)
        return factorise(work)


def factorise(work: Array) -> bool:
    """Factorise in place (lower triangle of a Fortran-ordered array); True if it ran to its end, finite."""
    factor, info = lapack.dpotrf(work, lower=1, overwrite_a=1, clean=0)
    diagonal = np.diagonal(factor)
    with np.errstate(over="ignore", invalid="ignore"):
        finite = bool(np.isfinite(diagonal).all() and np.isfinite(factor.sum()))
    return bool(info == 0 and finite and (diagonal > 0).all())


def spread_of(radius: Radius | None, weights: Array) -> Array:
    """A vector s with −diag(s) ⪯ E ⪯ diag(s) for every symmetric |E| ≤ R.

    Args:
        radius: R, or None for 0.
        weights: (n,) positive d; s = (R d)/d, by diagonal dominance of diag(s) ∓ E after scaling by d.
    """
    return np.zeros(weights.size) if radius is None else radius.spread(weights)


def residual_lower_bound(matrix: IntervalMatrix, tau: float, factor: Array) -> float:
    """Lower bound of λ_min(M) from any lower-triangular factor: τ − ‖M − τI − L Lᵀ‖.

    Args:
        matrix: (n, n) symmetric.
        tau: Shift.
        factor: (n, n) any finite matrix L; its lower triangle is used, whoever computed it.

    Returns:
        A float ≤ λ_min(M) for every symmetric M of the enclosure; −inf when nothing can be said.

    Notes:
        Proved; needs no theorem about LAPACK, so it serves for factors from a GPU (`docs/theory.md §8`).
    """
    lower = IntervalMatrix(np.tril(factor))
    shift = IntervalMatrix(np.diag(np.full(matrix.shape[0], float(tau))))
    residual = matrix - shift - lower.gram()
    size = operator_upper(np.abs(residual.mid)) + operator_upper(residual.rad)
    return float(np.nextafter(tau - size * inflation(4), -np.inf))


def _below(x: Array) -> Array:
    return np.nextafter(x, -np.inf)
