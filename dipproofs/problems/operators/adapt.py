"""`as_operator`: adapt what people already have to a forward operator."""

from __future__ import annotations

from typing import Any

from dipproofs.problems.operators.operator import Operator


def as_operator(A: Any) -> Operator:
    """Adapt `A` to an `Operator`."""
    if isinstance(A, Operator):
        return A
    return Operator(A)
