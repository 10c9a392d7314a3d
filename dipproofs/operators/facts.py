"""Proved facts about an operator: norm, smallest singular value, rank, condition number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dipproofs.enclosures import Bound
from dipproofs.operators.adapt import as_operator


@dataclass(frozen=True)
class OperatorFacts:
    """What is proved about an operator; of a complex one about its real stack, which has each singular value twice.

    Args:
        name, shape, structure: what it is.
        norm: the largest singular value ‖A‖.
        smallest: the min(m, n)-th singular value; exactly 0 if the rank is smaller.
        smallest_nonzero: the smallest singular value that is not 0.
        rank: the exact rank, or None where it is not decided.
        condition: ‖A‖/smallest_nonzero: the condition number on the row space; with full rank the usual one.
    """

    name: str
    shape: tuple[int, int]
    structure: str
    norm: Bound
    smallest: Bound
    smallest_nonzero: Bound
    rank: int | None
    condition: Bound

    def to_json(self) -> dict[str, Any]:
        """Give the facts with their evidence as JSON."""
        bounds = ("norm", "smallest", "smallest_nonzero", "condition")
        return {
            "name": self.name,
            "shape": list(self.shape),
            "structure": self.structure,
            **{name: getattr(self, name).to_json() for name in bounds},
            "rank": self.rank,
        }


def operator_facts(A: Any, **how: Any) -> OperatorFacts:
    """Enclose norm, extreme singular values, rank and condition number.

    Args:
        A: anything that `as_operator` accepts.
        how: its keyword arguments, such as in_shape.

    Returns:
        The facts; every bound has evidence proved. Masks, diagonals, circular convolutions, separable and sparse
        operators need no matrix.

    Example:
        >>> facts = operator_facts([[3.0, 0.0], [4.0, 0.0]])
        >>> facts.rank, facts.norm.contains(5), facts.condition.contains(1)
        (1, True, True)
    """
    operator = as_operator(A, **how)
    found = operator.structure.spectrum()
    condition = found.norm / found.smallest_nonzero if found.smallest_nonzero.lower > 0 else Bound(1.0, math.inf)
    condition = Bound(max(condition.lower, 1.0), condition.upper, condition.evidence)
    kind = operator.structure.kind
    return OperatorFacts(
        operator.kind, operator.shape, kind, found.norm, found.smallest, found.smallest_nonzero, found.rank, condition
    )


def operator_norm(A: Any, **how: Any) -> Bound:
    """Enclose ‖A‖, the largest singular value.

    Args:
        A: anything that `as_operator` accepts. how: its keyword arguments, such as in_shape.

    Returns:
        A bound with both ends proved. Power iteration, as other libraries use it, gives a lower bound only.

    Raises:
        InputError: as `as_operator`.

    Notes:
        Evidence: proved, for the numbers of the matrix; docs/theory.md §8.

    Example:
        >>> bound = operator_norm([[3.0, 0.0], [4.0, 0.0]])
        >>> bound.contains(5), str(bound.evidence)
        (True, 'proved')
    """
    return operator_facts(A, **how).norm


def smallest_singular_value(A: Any, *, nonzero: bool = False, **how: Any) -> Bound:
    """Enclose the min(m, n)-th singular value, or the smallest that is not 0.

    Args:
        A: anything that `as_operator` accepts. how: its keyword arguments, such as in_shape.
        nonzero: σ_rank instead, which is the same for full rank.

    Returns:
        A proved bound; a lower end above 0 proves full rank.

    Example:
        >>> smallest_singular_value([[3.0, 0.0], [0.0, 2.0]]).contains(2)
        True
    """
    facts = operator_facts(A, **how)
    return facts.smallest_nonzero if nonzero else facts.smallest


def condition_number(A: Any, **how: Any) -> Bound:
    """Enclose ‖A‖/σ_min, σ_min the min(m, n)-th singular value.

    Args:
        A: anything that `as_operator` accepts. how: its keyword arguments, such as in_shape.

    Returns:
        A proved bound, whose upper end is infinite where σ_min may be 0 (`operator_facts(A).condition` is that on the
        row space).

    Example:
        >>> condition_number([[3.0, 0.0], [0.0, 2.0]]).contains(1.5)
        True
        >>> condition_number([[1.0, 0.0], [1.0, 0.0]]).lower
        inf
    """
    facts = operator_facts(A, **how)
    if facts.rank is not None and facts.rank < min(facts.shape):
        return Bound(math.inf, math.inf)
    if facts.rank == min(facts.shape) and facts.smallest.lower > 0:
        return facts.condition
    below = facts.norm / facts.smallest if facts.smallest.upper > 0 else Bound(math.inf, math.inf)
    return Bound(max(below.lower, 1.0), math.inf)
