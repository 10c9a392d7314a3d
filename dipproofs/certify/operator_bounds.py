"""What a certificate needs to know of the operator alone; computed once per run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..rigor import Bound, IntervalMatrix, Verdict, norm, row_space_basis, sigma_min
from .record import Hypothesis

RANK_STATEMENT = "A has full rank, so that Im(A) and Im(Aᵀ) are known exactly"


@dataclass(frozen=True, eq=False)
class Basis:
    """Rows that span a subspace, nearly orthonormal.

    Args:
        rows: (r, n) B.
        shrink, stretch: enclosures of σ_min(B) and ‖B‖.
        identity: B is the identity (the subspace is everything).
    """

    rows: IntervalMatrix | None
    shrink: Bound
    stretch: Bound

    @property
    def stretch_range(self) -> Bound:
        """Interval of ‖Bᵀc‖/‖c‖: dividing by it turns coordinates into vectors."""
        return Bound(self.shrink.lower, self.stretch.upper)

    @property
    def identity(self) -> bool:
        """Whether the subspace is the whole space."""
        return self.rows is None

    def coordinates(self, matrix: IntervalMatrix) -> IntervalMatrix:
        """Return B·matrix."""
        return matrix if self.rows is None else self.rows @ matrix


WHOLE_SPACE = Basis(None, Bound.exact(1), Bound.exact(1))


@dataclass(frozen=True, eq=False)
class OperatorBounds:
    """Enclosures of A (or of AB for a synthesis generator).

    Args:
        matrix: (m, n) enclosure of the operator that follows the trained network.
        exact: the forward operator itself, (m, n_signal).
        rank: min(m, n) when full rank is proved, else None.
        decision: the hypothesis "rank".
        sigma, norm: enclosures of σ_A and ‖A‖.
        rows: basis of Im(Aᵀ); columns: basis of Im(A).
        gram: (r, r) enclosure of (C A)(C A)ᵀ, C the basis of Im(A).
    """

    matrix: IntervalMatrix
    rank: int | None
    decision: Hypothesis
    sigma: Bound
    norm: Bound
    rows: Basis = WHOLE_SPACE
    columns: Basis = WHOLE_SPACE
    gram: IntervalMatrix | None = None
    exact: IntervalMatrix | None = None


def bound_operator(A: np.ndarray, B: np.ndarray | None = None) -> OperatorBounds:
    """Enclose σ_A, ‖A‖ and bases of the row and column space; evidence proved (docs/theory.md §8).

    Args:
        A: (m, n) exact floats. B: (n, r) exact floats, or None; then AB takes the place of A.
    """
    matrix = exact = IntervalMatrix.from_exact(A)
    name = "A"
    if B is not None:
        matrix, name = matrix @ IntervalMatrix.from_exact(B), "AB"
    m, n = matrix.shape
    largest = norm(matrix)
    smallest = sigma_min(matrix)
    if not smallest.lower > 0:
        return OperatorBounds(
            matrix, None, _undecided(name, smallest, largest), smallest, largest, exact=exact
        )
    decision = Hypothesis(
        "rank", f"rank {name} = min(m, n) = {min(m, n)}", Verdict.PROVED, smallest / largest, ""
    )
    rows = WHOLE_SPACE if n <= m else _basis(matrix)
    columns = WHOLE_SPACE if m <= n else _basis(matrix.T)
    if rows is None or columns is None:
        return OperatorBounds(
            matrix, None, _undecided(name, smallest, largest), smallest, largest, exact=exact
        )
    gram = columns.coordinates(matrix).gram()
    return OperatorBounds(matrix, min(m, n), decision, smallest, largest, rows, columns, gram, exact)


def _basis(matrix: IntervalMatrix) -> Basis | None:
    if _has_orthonormal_rows(matrix):
        return Basis(matrix, Bound.exact(1), Bound.exact(1))
    space = row_space_basis(matrix)
    if not space.is_decided:
        return None
    return Basis(space.B, space.gram_min.sqrt(), space.gram_max.sqrt())


def _has_orthonormal_rows(matrix: IntervalMatrix) -> bool:
    """Whether the rows are distinct signed unit vectors: then BBᵀ = I without rounding (masks)."""
    if not matrix.is_exact:
        return False
    nonzero = matrix.mid != 0
    return bool(
        (nonzero.sum(axis=1) == 1).all()
        and (nonzero.sum(axis=0) <= 1).all()
        and (np.abs(matrix.mid[nonzero]) == 1).all()
    )


def _undecided(name: str, smallest: Bound, largest: Bound) -> Hypothesis:
    reason = (
        f"the enclosure of σ_min({name}), [{smallest.lower:.2g}, {smallest.upper:.2g}], reaches 0 (‖{name}‖ ≤ "
        f"{largest.upper:.2g}): {name} may be rank-deficient; remove dependent rows, or project the data and use "
        "an operator of full rank"
    )
    return Hypothesis("rank", RANK_STATEMENT, Verdict.UNDECIDED, None, reason)
