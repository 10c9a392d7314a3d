"""The forward operator of a certificate, with bases of its row space and of its image (docs/theory.md §1, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Self

import numpy as np
from flint import arb

from dipproofs.verify.arithmetic.spectra import Gram, exact_rank, orthonormalised
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.operators import Selection, identity, operator_matrix

_EXACT_RANK = 20_000_000


class Operator:
    """The operator Ã = AB (B = I without a basis), m×r, with isometric coordinates of Im(Ã) and Im(Ãᵀ).

    Args:
        arrays: A and, for a synthesis generator, B; basis: the key of B.
        precision: bits that products of matrices keep; those with vectors are cheap and keep all of A and B.
        goals: relative widths of singular values, by the names of quantities, that suffice (`goals.of_claims`).

    Notes:
        With ‖H − I‖ ≤ β, H = WᵀXXᵀW, the rows of Q = H^(−½)WᵀX are an orthonormal basis of the row space of X, and
        ‖Qv − WᵀXv‖ ≤ β‖WᵀXv‖: coordinates are enclosed by adding that to the error.
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        precision: int,
        basis: str = "",
        goals: Mapping[str, float] | None = None,
    ) -> None:
        self.goals = goals or {}
        self.A, self.B = operator_matrix(arrays["A"]), Matrix.of(arrays[basis]) if basis else None
        self.forward, self.basis = self.A.to(precision), None if self.B is None else self.B.to(precision)
        self.matrix = self.forward if self.basis is None else self.forward @ self.basis
        self.m, self.r = self.matrix.shape
        wide = self.matrix if self.m <= self.r else self.matrix.T
        self.gram = Gram(wide, goal=self.goal("sigma_A"))
        #: A Aᵀ = I exactly: then J Jᵀ of the outer layer only shifts the spectrum of the inner one
        self.mask = self.basis is None and isinstance(self.matrix, Selection)
        self.orthonormaliser: tuple[Matrix, arb] | None = None
        if self.mask:
            self.orthonormaliser = (identity(self.m, precision), arb(0)) if self.m != self.r else None
        elif self.m != self.r and self.gram.sigma > 0:
            self.orthonormaliser = orthonormalised(wide)
        self.full_rank = bool(self.gram.sigma > 0) and (self.orthonormaliser is not None or self.m == self.r)
        self.rank = min(self.m, self.r) if self.full_rank else None
        #: X, W and β of the row space and of the image; None where that is everything
        self.rows = (
            (self.matrix, *self.orthonormaliser) if self.orthonormaliser is not None and self.m < self.r else None
        )
        self.image = (
            (self.matrix.T, *self.orthonormaliser) if self.orthonormaliser is not None and self.m > self.r else None
        )
        self.deficient = False
        if not self.full_rank and self.B is None:
            self._find_spaces(arrays["A"], precision)

    def _find_spaces(self, A: np.ndarray, precision: int) -> None:
        """Where the rank is exactly known and smaller: as many rows and columns of A, proved to be independent."""
        rank = _rank(A)
        if not rank or rank == min(A.shape):
            return
        self.deficient = True
        spaces: list[tuple[Matrix, Matrix, arb] | None] = []
        for X in (A, A.T):
            if rank == X.shape[1]:
                spaces.append(None)
                continue
            N = Matrix.of(np.ascontiguousarray(X[_independent(X, rank)])).to(precision)
            W = orthonormalised(N) if Gram(N).sigma > 0 else None
            if W is None:
                return
            spaces.append((N, *W))
        self.rank, (self.rows, self.image) = rank, spaces

    def sigma(self) -> arb:
        """The smallest singular value of Ã on what it sees: where the rank is known and smaller, of ΠÃ."""
        if not self.deficient:
            return self.gram.sigma
        return Gram(self.data(self.matrix), goal=self.goal("sigma_A")).sigma

    def goal(self, *names: str) -> float:
        """The relative radius of a squared singular value that suffices for the first of these that is claimed."""
        return next((self.goals[name] for name in names if name in self.goals), 0.0)

    def without_rank(self) -> Self:
        """The operator as a record has it that does not claim to know its rank: nothing is projected."""
        other = copy(self)
        other.__dict__.pop("geometry", None)
        other.rank, other.rows, other.image, other.full_rank = None, None, None, False
        return other

    def _coordinates(self, space: tuple[Matrix, Matrix, arb], product: Matrix) -> Matrix:
        """Qv from Xv."""
        found = space[1].T @ product
        return found.inflated(found.size * space[2])

    def data(self, v: Matrix) -> Matrix:
        """Coordinates of Πv, Π the projector on Im(Ã)."""
        return v if self.image is None else self._coordinates(self.image, self.image[0] @ v)

    def seen(self, V: Matrix, AV: Matrix) -> Matrix:
        """Coordinates of PV, P the projector on Im(Ãᵀ); AV is known where Ã has full row rank."""
        if self.rows is None:
            return V
        return self._coordinates(self.rows, AV if self.rows[0] is self.matrix else self.rows[0] @ V)


def _rank(A: np.ndarray) -> int | None:
    """The exact rank: of the distinct rows and columns that are not 0, if those are few or independent."""
    X = A
    for _ in range(2):
        X = np.unique(X + 0.0, axis=0)
        X = np.ascontiguousarray(X[X.any(axis=1)].T)
    if not X.size:
        return 0
    m, n = X.shape
    if m * n * min(m, n) <= _EXACT_RANK:
        return exact_rank(X)
    return min(m, n) if X.shape != A.shape and Gram(Matrix.of(X if m <= n else X.T)).sigma > 0 else None


def _independent(X: np.ndarray, rank: int) -> np.ndarray:
    """Rows that pivoted elimination takes for independent (a proposal)."""
    from scipy.linalg import qr

    return np.sort(qr(X.T, mode="r", pivoting=True)[1][:rank])
