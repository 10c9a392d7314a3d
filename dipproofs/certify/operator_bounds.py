"""What a certificate needs to know of the operator alone; computed once per run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dipproofs.certificate.record import Hypothesis
from dipproofs.enclosures import Bound, IntervalMatrix, Verdict, matrix_rank, norm, row_space_basis, sigma_min
from dipproofs.enclosures.threads import one_thread

#: Modular operations spent on the exact rank of a deficient operator (seconds).
_RANK_WORK = 2e9
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
        coordinates: (r, n) enclosure of C A, C the basis of Im(A).
        selection: (indices, signs) when A consists of distinct signed unit vectors (a mask), else None.
    """

    matrix: IntervalMatrix
    rank: int | None
    decision: Hypothesis
    sigma: Bound
    norm: Bound
    rows: Basis = WHOLE_SPACE
    columns: Basis = WHOLE_SPACE
    coordinates: IntervalMatrix | None = None
    exact: IntervalMatrix | None = None
    selection: tuple[np.ndarray, np.ndarray] | None = None

    @cached_property
    def gram(self) -> np.ndarray:
        """(CA)(CA)ᵀ in floats (evidence: estimated), for the search."""
        assert self.coordinates is not None
        return self.coordinates.mid @ self.coordinates.mid.T

    @property
    def orthonormal(self) -> bool:
        """Whether A Aᵀ = I exactly: a mask."""
        return self.selection is not None

    def apply_exact(self, array: np.ndarray) -> IntervalMatrix:
        """Return A·array for exact finite floats; a mask picks its rows without looking at the others."""
        if self.selection is None or not (self.selection[1] > 0).all():
            return self.apply(IntervalMatrix.from_exact(array))
        return IntervalMatrix.from_exact(array[self.selection[0]])

    def apply(self, matrix: IntervalMatrix) -> IntervalMatrix:
        """Return A·matrix; for a mask without rounding."""
        if self.selection is None:
            return self.matrix @ matrix
        indices, signs = self.selection
        picked = matrix[indices]
        if (signs > 0).all():
            return picked
        return picked.scale_rows(IntervalMatrix.from_exact(signs)) if matrix.ndim == 2 else self.matrix @ matrix


def bound_operator(A: np.ndarray, B: np.ndarray | None = None) -> OperatorBounds:
    """Enclose σ_A, ‖A‖ and bases of the row and column space; evidence proved (docs/theory.md §8).

    Args:
        A: (m, n) exact floats. B: (n, r) exact floats, or None; then AB takes the place of A.
    """
    matrix = exact = IntervalMatrix.from_exact(_owned(A))
    name = "A"
    if B is not None:
        matrix, name = matrix @ IntervalMatrix.from_exact(B), "AB"
    selection = _selection(matrix)
    if selection is not None:
        return _mask(matrix, selection)
    m, n = matrix.shape
    with one_thread(float(m) * n * min(m, n)):
        return _general(name, matrix, exact)


def _owned(array: np.ndarray) -> np.ndarray:
    """Copy what its owner may still write to."""
    array = np.asarray(array)
    return np.array(array) if array.flags.writeable or array.base is not None else array


def _general(name: str, matrix: IntervalMatrix, exact: IntervalMatrix) -> OperatorBounds:
    m, n = matrix.shape
    largest = norm(matrix)
    smallest = sigma_min(matrix)
    if not smallest.lower > 0:
        found = _deficient(name, matrix) or _undecided(name, smallest, largest)
        return OperatorBounds(matrix, None, found, smallest, largest, exact=exact)
    decision = Hypothesis("rank", f"rank {name} = min(m, n) = {min(m, n)}", Verdict.PROVED, smallest / largest, "")
    rows = WHOLE_SPACE if n <= m else _basis(matrix, smallest)
    columns = WHOLE_SPACE if m <= n else _basis(matrix.T, smallest)
    if rows is None or columns is None:
        return OperatorBounds(matrix, None, _undecided(name, smallest, largest), smallest, largest, exact=exact)
    coordinates = columns.coordinates(matrix)
    return OperatorBounds(matrix, min(m, n), decision, smallest, largest, rows, columns, coordinates, exact)


def _mask(matrix: IntervalMatrix, selection: tuple[np.ndarray, np.ndarray]) -> OperatorBounds:
    one, m = Bound.exact(1), matrix.shape[0]
    decision = Hypothesis("rank", f"rank A = min(m, n) = {m}", Verdict.PROVED, one, "")
    rows = WHOLE_SPACE if matrix.shape[0] == matrix.shape[1] else Basis(matrix, one, one)
    return OperatorBounds(matrix, m, decision, one, one, rows, WHOLE_SPACE, matrix, matrix, selection)


def _basis(matrix: IntervalMatrix, smallest: Bound) -> Basis | None:
    space = row_space_basis(matrix, smallest)
    if not space.is_decided:
        return None
    return Basis(space.B, space.gram_min.sqrt(), space.gram_max.sqrt())


def _selection(matrix: IntervalMatrix) -> tuple[np.ndarray, np.ndarray] | None:
    """Find out whether the rows are distinct signed unit vectors, so that A Aᵀ = I without rounding."""
    m, n = matrix.shape
    if not matrix.is_exact or m > n:
        return None
    filled = matrix.mid != 0
    if np.count_nonzero(filled) != m:
        return None
    # m entries in all: if the first of every row is ±1, there are no others
    indices = filled.argmax(axis=1)
    signs = matrix.mid[np.arange(m), indices]
    if np.unique(indices).size != indices.size or not (np.abs(signs) == 1).all():
        return None
    return indices, signs


def _deficient(name: str, matrix: IntervalMatrix) -> Hypothesis | None:
    """Prove that the rank is smaller than min(m, n), where that takes seconds."""
    if not matrix.is_exact:
        return None
    found, full = matrix_rank(matrix, _RANK_WORK), min(matrix.shape)
    if found.value is None or found.value == full:
        return None
    m, n = matrix.shape
    what = "rows" if m <= n else "columns"
    reason = (
        f"rank {name} = {found.value} < min(m, n) = {full}: {full - found.value} of its {what} depend on the others; "
        + ("remove them, with their data" if m <= n else "remove them: the generator must not produce them")
    )
    return Hypothesis("rank", RANK_STATEMENT, Verdict.REFUTED, None, reason)


def _undecided(name: str, smallest: Bound, largest: Bound) -> Hypothesis:
    reason = (
        f"the enclosure of σ_min({name}), [{smallest.lower:.2g}, {smallest.upper:.2g}], reaches 0 (‖{name}‖ ≤ "
        f"{largest.upper:.2g}): {name} may be rank-deficient; remove dependent rows, or project the data and use "
        "an operator of full rank"
    )
    return Hypothesis("rank", RANK_STATEMENT, Verdict.UNDECIDED, None, reason)
