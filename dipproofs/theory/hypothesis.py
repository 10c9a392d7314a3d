"""A hypothesis of the theorem: a relation of scalars, with its margin and the words for it."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dipproofs.theory import symbols as s

#: What to do where the iterate is not near enough to an exact fit yet.
GO_ON = "let the run go on (raise max_iterations, lower the tolerance)"


@dataclass(frozen=True)
class Hypothesis:
    """A hypothesis that a relation of scalars states.

    Args:
        relation: what must hold.
        scale: the margin, larger side minus smaller side, is stated relative to this.
        statement: what a certificate says; by default the relation.
        cure: what to do where it fails.
        positive: statement that the scale is positive, where it may be 0 (then nothing can be stated relative to it).
        positive_cure: what to do where the scale is not.
    """

    relation: sp.Rel
    scale: sp.Expr
    statement: str = ""
    cure: str = ""
    positive: str = ""
    positive_cure: str = ""

    @property
    def margin(self) -> sp.Expr:
        """What is left, in units of ``scale``; on balls, the scale is met only once."""
        more, less = self.relation.gts, self.relation.lts
        if self.scale in (more, less):
            return 1 - less / more if self.scale == more else more / less - 1
        return (more - less) / self.scale

    @property
    def closed(self) -> bool:
        """Whether equality is allowed."""
        return isinstance(self.relation, sp.Le | sp.Ge)

    @property
    def text(self) -> str:
        """The statement, in a line."""
        return self.statement or str(self.relation)


#: Injectivity where the theorem is about to begin, for certificates that name no radius.
INJECTIVE_AT_START = Hypothesis(sp.Gt(s.sigma_AJ, 0), sp.Integer(1))
