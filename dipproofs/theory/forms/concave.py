"""Form `concave`: for concave ψ, the descent lemma at every point of a step (docs/theory.md §3)."""

from __future__ import annotations

from dipproofs.theory.forms.base import Requirement, factor_form
from dipproofs.theory.symbols import q

CONCAVE = factor_form(
    "concave",
    1 - q / 2,
    1 - q / 2,
    2,
    False,
    "§3",
    requires=Requirement(
        "ψ concave",
        "ψ is concave",
        "form concave needs a concave ψ, which {kind} has not proved",
        lambda loss: bool(loss.concave_psi),
    ),
)
