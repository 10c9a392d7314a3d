"""The row space of an operator, ker(A)^⊥, through a nearly orthonormal basis that lies in it exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lapack, qr

from dipproofs.enclosures.accurate import accurate_product
from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.decide import Decision
from dipproofs.enclosures.eigenvalues import lambda_max, lambda_min
from dipproofs.enclosures.evidence import Verdict
from dipproofs.enclosures.matrix import IntervalMatrix
from dipproofs.enclosures.norms import operator_upper
from dipproofs.enclosures.rank import Rank, matrix_rank
from dipproofs.enclosures.rounding import TINY, Array, inflation
from dipproofs.enclosures.singular import sigma_min

_ONE = Bound.exact(1)
GOOD = 1e-4
"""Distance of BBᵀ from I at which the basis from a plain product is good enough."""


@dataclass(frozen=True, eq=False)
class RowSpace:
    """Im(Aᵀ) of an (m, n) operator, or the reason why its dimension is not proved.

    Args:
        shape: (m, n).
        rank: The exact rank r, or None when undecided.
        decision: Proved, or undecided with the reason and the advice.
        gram_min: Enclosure of λ_min(BBᵀ), positive.
        gram_max: Enclosure of λ_max(BBᵀ).
        coordinates: Indices of the basis vectors e_j when the row space is a coordinate space (all of them
            for an injective operator); then B holds rows of the identity and costs no product.
        basis: B = T·A otherwise, (r, n) with its radius: fl(TA) is not TA.

    Notes:
        For Im(Aᵀ) ∋ z = Bᵀw: ‖Jᵀz‖² ≥ λ_min(BJJᵀBᵀ)‖w‖² and ‖z‖² ≤ λ_max(BBᵀ)‖w‖², so
        s(θ)² ≥ λ_min(BJJᵀBᵀ)/λ_max(BBᵀ) (`docs/theory.md §8`).
    """

    shape: tuple[int, int]
    rank: int | None
    decision: Decision
    gram_min: Bound = field(default=_ONE)
    gram_max: Bound = field(default=_ONE)
    coordinates: np.ndarray | None = None
    basis: IntervalMatrix | None = None

    @property
    def is_decided(self) -> bool:
        """Whether the rank is proved, so that the basis spans the row space."""
        return self.rank is not None

    @property
    def is_whole_space(self) -> bool:
        """Whether A is injective: then P = I."""
        return self.rank == self.shape[1]

    @property
    def B(self) -> IntervalMatrix:
        """The basis as a matrix, (r, n)."""
        if self.basis is not None:
            return self.basis
        if self.coordinates is None:
            raise ValueError(f"row space: no basis, {self.decision.reason}")
        rows = np.zeros((len(self.coordinates), self.shape[1]))
        rows[np.arange(len(self.coordinates)), self.coordinates] = 1.0
        return IntervalMatrix.from_exact(rows)

    def restrict(self, matrix: IntervalMatrix) -> IntervalMatrix:
        """B·X for an (n, p) matrix X: rows picked out where the basis is made of coordinates."""
        if self.coordinates is None:
            return self.B @ matrix
        return matrix if self.is_whole_space else matrix[self.coordinates]

    def sigma_min(self, matrix: IntervalMatrix) -> Bound:
        """Enclose min{‖Xᵀz‖ : z ∈ Im(Aᵀ), ‖z‖ = 1} for an (n, p) matrix X.

        Returns:
            σ_min(BX) divided by the extreme singular values of B; (0, ·) if p < r.
        """
        restricted = self.restrict(matrix)
        if restricted.shape[1] < restricted.shape[0]:
            return Bound.exact(0)
        smallest = sigma_min(restricted)
        return Bound((smallest / self.gram_max.sqrt()).lower, (smallest / self.gram_min.sqrt()).upper)


def row_space_basis(
    operator: IntervalMatrix | ArrayLike, smallest: Bound | None = None, rank: Rank | None = None
) -> RowSpace:
    """Describe the row space of an operator through its exact rank and a basis.

    Args:
        operator: (m, n) exact floats, or an IntervalMatrix of full rank.
        smallest: `sigma_min(operator)`, if it is known already. rank: `matrix_rank(operator)`, likewise.

    Returns:
        A RowSpace; check `is_decided` before using the basis.

    Raises:
        InputError: Non-finite, complex or non-numeric entries.

    Example:
        >>> import numpy as np
        >>> space = row_space_basis(np.array([[1.0, 2.0, 2.0], [0.0, 1.0, -1.0]]))
        >>> space.rank, space.gram_min.relative_width < 1e-14
        (2, True)
        >>> row_space_basis(np.array([[1.0, 0.0], [2.0, 0.0]])).coordinates
        array([0])
    """
    a = operator if isinstance(operator, IntervalMatrix) else IntervalMatrix.from_exact(operator)
    m, n = a.shape
    if a.is_exact:
        nonzero = a.mid != 0
        if bool((nonzero.sum(axis=1) <= 1).all()):
            used = np.flatnonzero(nonzero.any(axis=0))
            decision = Decision(Verdict.PROVED, None, "every row has at most one nonzero entry")
            return RowSpace((m, n), len(used), decision, coordinates=used)
    rank = matrix_rank(a, smallest=smallest) if rank is None else rank
    if rank.value is None:
        return RowSpace((m, n), None, Decision(Verdict.UNDECIDED, None, rank.reason))
    decision = Decision(Verdict.PROVED, None, rank.reason)
    if rank.value == n:
        return RowSpace((m, n), n, decision, coordinates=np.arange(n))
    rows = a if rank.value == m else a[_independent_rows(a.mid, rank.value)]
    return _orthonormalised(rows, (m, n), rank.value, decision)


def _independent_rows(a: Array, rank: int) -> np.ndarray:
    """Indices of rows that pivoted QR considers independent (a proposal)."""
    return np.sort(qr(a.T, mode="r", pivoting=True, check_finite=False)[1][:rank])


def _orthonormalised(rows: IntervalMatrix, shape: tuple[int, int], rank: int, decision: Decision) -> RowSpace:
    """B = T·rows, with T from a cheap and then from a careful orthonormalisation, and bounds of BBᵀ."""
    rows = equilibrated(rows)
    gram: IntervalMatrix | None = None
    for propose, accurate, good in ((_by_cholesky, False, GOOD), (_by_qr, False, GOOD), (_by_qr, True, 0.5)):
        transform = propose(rows.mid)
        if transform is None or (accurate and not rows.is_exact):
            continue
        basis = accurate_product(transform, rows.mid) if accurate else IntervalMatrix(transform) @ rows
        gram = basis.gram()
        defect = gram.mid.copy()
        defect[np.diag_indices(rank)] -= 1.0
        distance = (operator_upper(np.abs(defect)) + operator_upper(gram.rad)) * inflation(8)
        if distance < good:
            around = 1 + Bound(-distance, distance)
            return RowSpace(shape, rank, decision, around, around, None, basis)
    if gram is None:
        return _undecided(shape, "its rows are dependent in floating point")
    low, high = lambda_min(gram), lambda_max(gram)
    if low.lower > 0:
        return RowSpace(shape, rank, decision, low, high, None, basis)
    return _undecided(shape, "no well-conditioned basis found")


def _by_cholesky(rows: Array) -> Array | None:
    """T = L⁻¹ with rows·rowsᵀ ≈ LLᵀ: half the work of QR, for well-conditioned rows."""
    factor, info = lapack.dpotrf((rows @ rows.T).T, lower=1, overwrite_a=1)
    return None if info != 0 else _inverted(factor, 1)


def _by_qr(rows: Array) -> Array | None:
    """T = R⁻ᵀ with rowsᵀ ≈ QR."""
    (triangle,) = qr(rows.T, mode="r", check_finite=False)
    inverse = _inverted(np.asfortranarray(triangle[: rows.shape[0]]), 0)
    return None if inverse is None else np.ascontiguousarray(inverse.T)


def _inverted(triangle: Array, lower: int) -> Array | None:
    inverse: Array
    inverse, info = lapack.dtrtri(triangle, lower=lower)
    if info != 0 or not np.isfinite(inverse).all():
        return None
    return np.tril(inverse) if lower else np.triu(inverse)


def equilibrated(rows: IntervalMatrix) -> IntervalMatrix:
    """Rows times powers of two, which spans the same space; rows that would lose digits stay as they are."""
    exponents = np.frexp(np.abs(rows.mid).max(axis=1))[1]
    if np.abs(exponents).max() <= 40:
        return rows
    with np.errstate(over="ignore", under="ignore"):
        mid = np.ldexp(rows.mid, -exponents[:, None])
        exact = (np.ldexp(mid, exponents[:, None]) == rows.mid).all(axis=1)
        exponents = np.where(exact, exponents, 0)
        mid = np.ldexp(rows.mid, -exponents[:, None])
        rad = None if rows.rad is None else np.ldexp(rows.rad, -exponents[:, None]) + TINY
    return IntervalMatrix(mid, rad)


def _undecided(shape: tuple[int, int], obstacle: str) -> RowSpace:
    reason = (
        f"row space of the {shape[0]}×{shape[1]} operator not enclosed: {obstacle}; "
        "scale its rows or remove nearly dependent ones"
    )
    return RowSpace(shape, None, Decision(Verdict.UNDECIDED, None, reason))
