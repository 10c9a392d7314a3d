"""What a certificate needs to know of the operator alone; computed once per run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dipproofs.certificate.record import Hypothesis
from dipproofs.enclosures import Bound, IntervalMatrix, Verdict, matrix_rank, norm, row_space_basis, sigma_min
from dipproofs.enclosures.rank import Rank
from dipproofs.enclosures.threads import one_thread
from dipproofs.operators.lazy_matrix import LazyMatrix
from dipproofs.operators.operator import Operator
from dipproofs.operators.structure import Selection, Spectrum

#: Modular operations spent on the exact rank of a deficient operator (seconds).
_RANK_WORK = 2e9
RANK_STATEMENT = "rank A is known, so that Im(A) and Im(Aᵀ) are known exactly"


@dataclass(frozen=True, eq=False)
class Basis:
    """Rows that span a subspace, nearly orthonormal.

    Args:
        rows: (r, n) B.
        smallest_singular_value, largest_singular_value: enclosures, of B.
        identity: B is the identity (the subspace is everything).
    """

    rows: IntervalMatrix | None
    smallest_singular_value: Bound
    largest_singular_value: Bound

    @property
    def singular_value_range(self) -> Bound:
        """Interval of ‖Bᵀc‖/‖c‖: dividing by it turns coordinates into vectors."""
        return Bound(self.smallest_singular_value.lower, self.largest_singular_value.upper)

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
        rank: where it is proved, else None.
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


def bound_operator(A: np.ndarray | Operator, B: np.ndarray | None = None) -> OperatorBounds:
    """Enclose σ_A, ‖A‖ and bases of the row and column space; evidence proved (docs/theory.md §8).

    Args:
        A: (m, n) exact floats, or an operator, whose structure is used.
        B: (n, r) exact floats, or None; then AB takes the place of A.
    """
    known = None
    if isinstance(A, Operator):
        structure = A.structure
        if B is None and isinstance(structure, Selection) and structure.distinct:
            return _mask(LazyMatrix(A.to_dense, A.shape), (structure.indices, np.ones(structure.indices.size)))
        known = None if A.is_dense or B is not None else structure.spectrum()
        A = A.to_dense()
    matrix = exact = IntervalMatrix.from_exact(_owned(A))
    name = "A"
    if B is not None:
        matrix, name = matrix @ IntervalMatrix.from_exact(B), "AB"
    selection = _selection(matrix)
    if selection is not None:
        return _mask(matrix, selection)
    m, n = matrix.shape
    with one_thread(float(m) * n * min(m, n)):
        return _general(name, matrix, exact, known)


def _owned(array: np.ndarray) -> np.ndarray:
    """Copy what its owner may still write to."""
    array = np.asarray(array)
    return np.array(array) if array.flags.writeable or array.base is not None else array


def _general(name: str, matrix: IntervalMatrix, exact: IntervalMatrix, known: Spectrum | None = None) -> OperatorBounds:
    m, n = matrix.shape
    largest = norm(matrix) if known is None else known.norm
    smallest = sigma_min(matrix) if known is None else known.smallest
    if not smallest.lower > 0:
        return _deficient(name, matrix, exact, largest) or OperatorBounds(
            matrix, None, _undecided(name, smallest, largest), smallest, largest, exact=exact
        )
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


def _deficient(name: str, matrix: IntervalMatrix, exact: IntervalMatrix, largest: Bound) -> OperatorBounds | None:
    """Enclose an operator whose rank is proved, in seconds, to be smaller than min(m, n): both spaces by bases."""
    if not matrix.is_exact:
        return None
    found = matrix_rank(matrix, _RANK_WORK)
    if not found.value:
        return None
    rows, columns = _space(matrix, found), _space(matrix.T, found)
    if rows is None or columns is None:
        return None
    coordinates = columns.coordinates(matrix)
    smallest = sigma_min(coordinates) / columns.singular_value_range
    if not smallest.lower > 0:
        return None
    statement = f"rank {name} = {found.value}{_which_rows(matrix.mid, found.value)}"
    decision = Hypothesis("rank", statement, Verdict.PROVED, smallest / largest, "")
    return OperatorBounds(matrix, found.value, decision, smallest, largest, rows, columns, coordinates, exact)


def _space(matrix: IntervalMatrix, rank: Rank) -> Basis | None:
    """Im(Xᵀ)."""
    if rank.value == matrix.shape[1]:
        return WHOLE_SPACE
    space = row_space_basis(matrix, rank=rank)
    return Basis(space.B, space.gram_min.sqrt(), space.gram_max.sqrt()) if space.is_decided else None


def _which_rows(A: np.ndarray, rank: int) -> str:
    """Say which rows add nothing: those that are 0, repeat others, or depend on them."""
    zero, repeated = zero_rows(A), repeated_rows(A)
    said = []
    if zero.size:
        said.append(f"{name_rows(zero)} 0")
    if repeated.size:
        said.append(f"{name_rows(repeated)} repeated")
    rest = A.shape[0] - rank - zero.size - repeated.size
    if rest > 0:
        said.append(f"{rest} depend on the others")
    return f" ({'; '.join(said)}: the data are projected on Im A)" if said else ""


def zero_rows(A: np.ndarray) -> np.ndarray:
    """Indices of the rows that are exactly 0."""
    return np.flatnonzero(~A.any(axis=1))


def repeated_rows(A: np.ndarray) -> np.ndarray:
    """Indices of the rows, other than 0, that equal an earlier one."""
    first = np.unique(A + 0.0, axis=0, return_index=True)[1]
    return np.setdiff1d(np.flatnonzero(A.any(axis=1)), first)


def name_rows(rows: np.ndarray, most: int = 6) -> str:
    """Name rows, the first of them where there are many.

    Example:
        >>> name_rows(np.array([3])), name_rows(np.arange(9))
        ('row 3 is', '9 rows (0, 1, 2, 3, 4, 5, …) are')
    """
    if rows.size == 1:
        return f"row {rows[0]} is"
    named = ", ".join(map(str, rows[:most].tolist())) + (", …" if rows.size > most else "")
    return f"{rows.size} rows ({named}) are"


def _undecided(name: str, smallest: Bound, largest: Bound) -> Hypothesis:
    reason = (
        f"the enclosure of σ_min({name}), [{smallest.lower:.2g}, {smallest.upper:.2g}], reaches 0 (‖{name}‖ ≤ "
        f'{largest.upper:.2g}): {name} may be rank-deficient; use atoms (network.kind = "two-layer-synthesis", fewer '
        "than the measurements), or an operator without nearly dependent rows"
    )
    return Hypothesis("rank", RANK_STATEMENT, Verdict.UNDECIDED, None, reason)
