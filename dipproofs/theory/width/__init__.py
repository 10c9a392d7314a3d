"""Width bounds: how many hidden units suffice, with every constant explicit (docs/theory.md §6)."""

from __future__ import annotations

from . import symbols
from .bounds import (
    LAWS,
    PROFILE_IDS,
    WIDTH_BOUNDS,
    WIDTH_FORMS,
    NotApplicable,
    WidthBound,
    WidthCondition,
)
from .levels import desingularized_demand, impossible_reason, largest_loss
from .paper import (
    DISCRETISATION,
    DISCRETISATION_SPLIT,
    PAPER_BOTH,
    PAPER_INNER,
    PAPER_ORDER,
    PAPER_SQUARED,
    paper_bound,
)
from .sparse import oscillation_of
from .spectrum import FROBENIUS2, SCHATTEN4
from .split import SPLIT_OMEGA

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
    "desingularized_demand",
    "impossible_reason",
    "largest_loss",
    "oscillation_of",
    "paper_bound",
    "symbols",
]
