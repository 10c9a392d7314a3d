"""Width bounds: how many hidden units suffice, with every constant explicit (docs/theory.md §6)."""

from __future__ import annotations

from dipproofs.theory.width import symbols
from dipproofs.theory.width.bounds import (
    LAWS,
    PROFILE_IDS,
    WIDTH_BOUNDS,
    WIDTH_FORMS,
    NotApplicable,
    WidthBound,
    WidthCondition,
)
from dipproofs.theory.width.levels import desingularized_requirement, impossible_reason, largest_loss
from dipproofs.theory.width.paper import (
    DISCRETISATION,
    DISCRETISATION_SPLIT,
    PAPER_BOTH,
    PAPER_INNER,
    PAPER_ORDER,
    PAPER_SQUARED,
    paper_bound,
)
from dipproofs.theory.width.sparse import oscillation_of
from dipproofs.theory.width.spectrum import FROBENIUS2, SCHATTEN4
from dipproofs.theory.width.split import SPLIT_OMEGA

__all__ = [
    "DISCRETISATION",
    "DISCRETISATION_SPLIT",
    "FROBENIUS2",
    "LAWS",
    "PAPER_BOTH",
    "PAPER_INNER",
    "PAPER_ORDER",
    "PAPER_SQUARED",
    "PROFILE_IDS",
    "SCHATTEN4",
    "SPLIT_OMEGA",
    "WIDTH_BOUNDS",
    "WIDTH_FORMS",
    "NotApplicable",
    "WidthBound",
    "WidthCondition",
    "desingularized_requirement",
    "impossible_reason",
    "largest_loss",
    "oscillation_of",
    "paper_bound",
    "symbols",
]
