"""Restricted injectivity ker(A) ∩ T = {0}, as an object that says how it is known (docs/theory.md §7)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.enclosures import Bound, Evidence, IntervalMatrix, Verdict, enclose, row_space_basis, sigma_min
from dipproofs.errors import InputError
from dipproofs.theory import recovery as formulas

STATEMENT = "ker(A) and the cone T of the generator meet only in 0"
#: What to do where A cannot be injective on everything the generator can produce.
ADVICE = (
    'use a synthesis generator with r ≤ m fixed atoms (network.kind = "two-layer-synthesis"), which limits what '
    "the generator can produce"
)


@dataclass(frozen=True)
class RestrictedInjectivity:
    """Whether A is injective on a cone T, and how strongly: λ_min(A;T) = inf ‖Az‖/‖z‖ over T.

    Args:
        verdict: proved, refuted or undecided.
        constant: enclosure of λ_min(A;T), or None where nothing is known.
        statement: what was decided.
        reason: how it is known; what to do where it is not.
        probability: the statement holds with at least this probability over the draw of A (1: surely).

    Example:
        >>> str(injective(np.diag([2.0, 3.0])).verdict)
        'proved'
    """

    verdict: Verdict
    constant: Bound | None
    statement: str
    reason: str
    probability: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Return verdict, statement and reason."""
        return {"verdict": str(self.verdict), "statement": self.statement, "reason": self.reason}


def injective(A: np.ndarray) -> RestrictedInjectivity:
    """Decide ker(A) = {0}: then λ_min(A;T) ≥ σ_min(A) for every T.

    Args:
        A: (m, n) exact floats.

    Raises:
        InputError: complex or non-finite entries.
    """
    matrix = IntervalMatrix.from_exact(A)
    m, n = matrix.shape
    statement = "A is injective, so λ_min(A;T) ≥ σ_min(A) for every cone T"
    if m < n:
        reason = f"A has {m} rows and {n} columns, so it has a kernel; {ADVICE}"
        return RestrictedInjectivity(Verdict.REFUTED, Bound.exact(0), statement, reason)
    return _decided(sigma_min(matrix), statement, "A may have a kernel")


def on_subspace(A: np.ndarray, B: np.ndarray) -> RestrictedInjectivity:
    """Decide ker(A) ∩ Im B = {0} and enclose σ_min(AQ), Q an orthonormal basis of Im B.

    Args:
        A: (m, n) exact floats. B: (n, r) exact floats of full column rank; orthonormality is not needed.

    Notes:
        A basis Q̃ = BT of Im B is enclosed with ‖Q̃ᵀQ̃ − I‖ ≪ 1; σ_min(AQ̃)/‖Q̃‖ ≤ σ_min(AQ) ≤ σ_min(AQ̃)/σ_min(Q̃).

    Example:
        >>> found = on_subspace(np.array([[1.0, 0.0]]), np.array([[3.0], [4.0]]))
        >>> str(found.verdict), round(found.constant.mid, 12)
        ('proved', 0.6)
    """
    frame = orthonormal_frame(B)
    statement = "A is injective on Im B: σ_min(AQ) > 0"
    if frame is None:
        reason = "the columns of B are not proved independent; remove dependent atoms"
        return RestrictedInjectivity(Verdict.UNDECIDED, None, statement, reason)
    (m, _), r = A.shape, frame.columns.shape[1]
    if r > m:
        reason = f"B has {r} independent atoms but A only {m} rows, so A has a kernel on Im B; use at most {m} atoms"
        return RestrictedInjectivity(Verdict.REFUTED, Bound.exact(0), statement, reason)
    image = IntervalMatrix.from_exact(A) @ frame.columns
    return _decided(
        sigma_min(image) / frame.largest_singular_value, statement, "A may have a kernel on Im B; use fewer atoms"
    )


def fully_expressive(expressive: Verdict, rank: int, dimension: int, atoms: bool = False) -> RestrictedInjectivity:
    """Judge a generator whose Jacobian is onto R^dimension on the whole ball, for an operator of smaller rank.

    Args:
        expressive: whether the Jacobian is proved to be onto everywhere on the ball.
        rank: rank of A (of AB). dimension: n (the number r of atoms). atoms: whether there is a basis.

    Notes:
        T then contains a closed half-space, which meets every nonzero subspace in more than 0.
    """
    name, what = ("AB", "coefficients") if atoms else ("A", "signals")
    advice = f"use at most {rank} atoms" if atoms else ADVICE
    if expressive is Verdict.PROVED:
        reason = (
            f"rank {name} = {rank} < {dimension} and the generator reaches {what} in all {dimension} directions: T "
            f"contains a half-space, which meets ker({name}), so no bound of ‖x − x̄‖ is possible; {advice}"
        )
        return RestrictedInjectivity(Verdict.REFUTED, Bound.exact(0), STATEMENT, reason)
    reason = (
        f"rank {name} = {rank} < {dimension}, and the cone T of the generator is not known; {advice}, "
        "or enclose λ_min(A;T) for a cone that you know (dipproofs.recovery.restricted)"
    )
    return RestrictedInjectivity(Verdict.UNDECIDED, None, STATEMENT, reason)


def gaussian_operator(rows: int, gaussian_width: float, failure: float = 0.05) -> RestrictedInjectivity:
    """Bound λ_min(A;T) for A with iid N(0,1) entries that is drawn independently of T (Gordon's theorem).

    Args:
        rows: m.
        gaussian_width: an upper bound of E sup ⟨g,z⟩ over z ∈ T, ‖z‖ = 1: √d for a d-dimensional subspace,
            √(n/2) for the non-negative orthant.
        failure: the bound may fail with this probability.

    Returns:
        A lower bound with evidence `assumed`: it holds for the draw, not surely for a given A, so that the verdict
        is undecided for every particular A.

    Raises:
        InputError: a size or probability out of range.

    Example:
        >>> found = gaussian_operator(100, 3.0)
        >>> round(found.constant.lower, 2), found.probability
        (4.5, 0.95)
    """
    if not (isinstance(rows, int) and rows >= 1):
        raise InputError(f"rows: found {rows!r}, expected an integer ≥ 1")
    if not (math.isfinite(gaussian_width) and gaussian_width >= 0):
        raise InputError(f"gaussian_width: found {gaussian_width!r}, expected a finite number ≥ 0")
    if not 0 < failure < 1:
        raise InputError(f"failure: found {failure!r}, expected a probability between 0 and 1")
    slack = (-2 * Bound.from_arb(Bound.exact(failure).arb().log())).sqrt()
    values = {
        formulas.rows: Bound.exact(rows),
        formulas.width_of_cone: Bound.exact(gaussian_width),
        formulas.slack: slack,
    }
    lower = enclose(formulas.gordon, values).lower
    statement = f"λ_min(A;T) > {max(lower, 0.0):.6g} with probability at least {1 - failure:g}"
    if not lower > 0:
        reason = f"{rows} Gaussian rows are too few for a cone of Gaussian width {gaussian_width:g}; use more rows"
        return RestrictedInjectivity(Verdict.UNDECIDED, None, STATEMENT, reason, 1 - failure)
    constant = Bound(lower, math.inf, Evidence.ASSUMED)
    reason = "Gordon's theorem, for a Gaussian A independent of T; it proves nothing about one given matrix"
    return RestrictedInjectivity(Verdict.UNDECIDED, constant, statement, reason, 1 - failure)


@dataclass(frozen=True, eq=False)
class Frame:
    """A nearly orthonormal basis of Im B.

    Args:
        columns: (n, r) Q̃, whose columns lie in Im B exactly.
        largest_singular_value: encloses all singular values of Q̃.
    """

    columns: IntervalMatrix
    largest_singular_value: Bound


def orthonormal_frame(B: np.ndarray) -> Frame | None:
    """Enclose a nearly orthonormal basis of Im B, or None when the columns are not proved independent."""
    space = row_space_basis(IntervalMatrix.from_exact(np.ascontiguousarray(np.asarray(B).T)))
    if space.rank is None or space.rank != np.shape(B)[1]:
        return None
    return Frame(space.B.T, Bound(space.gram_min.sqrt().lower, space.gram_max.sqrt().upper))


def _decided(constant: Bound, statement: str, doubt: str) -> RestrictedInjectivity:
    constant = constant.nonnegative()
    if constant.lower > 0:
        return RestrictedInjectivity(Verdict.PROVED, constant, statement, "")
    reason = f"the enclosure [{constant.lower:.2g}, {constant.upper:.2g}] reaches 0: {doubt}"
    return RestrictedInjectivity(Verdict.UNDECIDED, constant, statement, reason)
