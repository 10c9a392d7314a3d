"""A theorem about a first-order method as data: what to evaluate, what must hold, what follows.

Producer and verifier read the same lists and evaluate them with arithmetics of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from dipproofs.theory.core import Section


@dataclass(frozen=True)
class Condition:
    """A hypothesis that a relation of scalars states.

    Args:
        id: short name, unique in its theorem.
        relation: what must hold, in the symbols of the theorem.
        statement: the same in words and symbols.
        cure: what to do where it fails.
    """

    id: str
    relation: sp.Rel
    statement: str
    cure: str

    @property
    def margin(self) -> sp.Expr:
        """Larger side minus smaller side; the condition holds where it is positive (for ≥: not negative)."""
        return self.relation.gts - self.relation.lts


@dataclass(frozen=True)
class MatrixCondition:
    """A symmetric 2×2 matrix of polynomials is positive semidefinite on an interval.

    Args:
        id, statement, cure: as in `Condition`.
        entries: (P11, P12, P22) as expressions in ``variable`` and the symbols of the theorem.
        variable: X.
        ends: the interval, as expressions.
    """

    id: str
    entries: tuple[sp.Expr, sp.Expr, sp.Expr]
    variable: sp.Symbol
    ends: tuple[sp.Expr, sp.Expr]
    statement: str
    cure: str

    @property
    def determinant(self) -> sp.Expr:
        """P11·P22 − P12²: where it, P11 and P22 are not negative, the matrix is positive semidefinite."""
        return self.entries[0] * self.entries[2] - self.entries[1] ** 2


@dataclass(frozen=True)
class MethodTheorem:
    """A theorem about one method.

    Args:
        kind: name of the method.
        constants: (symbol, expression) in the order of evaluation.
        conditions: hypotheses that are relations of constants.
        source: section of docs/theory-methods.md.
        matrices: hypotheses that are matrix inequalities.
        recorded: parameters of the proof, exact numbers that a search proposes, by their names in certificates.
    """

    kind: str
    constants: tuple[tuple[sp.Symbol, sp.Expr], ...]
    conditions: tuple[Condition, ...]
    source: str
    matrices: tuple[MatrixCondition, ...] = ()
    recorded: Mapping[str, sp.Symbol] = field(default_factory=dict)

    @property
    def hypotheses(self) -> tuple[Condition | MatrixCondition, ...]:
        """Everything that must hold: relations and matrix inequalities."""
        return (*self.conditions, *self.matrices)


@dataclass(frozen=True)
class TheoremSection(Section):
    """The section of one theorem; ``cure``: what to do where a condition fails."""

    cure: str

    def condition(self, id: str, relation: sp.Rel, statement: str, meaning: str, cure: str = "") -> Condition:
        """Register what must hold and return it as a condition."""
        self.define(f"needs_{id}", relation, meaning)
        return Condition(id, relation, statement, cure or self.cure)
