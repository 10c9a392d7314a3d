"""Form `backtracking`: steps that are searched for, with a sufficient decrease (docs/theory-methods.md §9)."""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import define
from dipproofs.theory.extremes import minimum
from dipproofs.theory.forms.base import factored
from dipproofs.theory.forms.concave import CONCAVE
from dipproofs.theory.hypothesis import Hypothesis

_SOURCE = "methods §9"
OMEGA = define("forms.backtracking.omega", s.decrease, "factor of (H), form backtracking: ω = c", _SOURCE, s.omega)
#: In units of the first trial γ, an accepted step is at least min(1, β/q): a trial with q ≤ 1 is accepted.
RATE = define(
    "forms.backtracking.rate",
    s.decrease * minimum(1, s.shrink / s.q),
    "factor of the rate, form backtracking",
    _SOURCE,
    s.rate,
)

#: γ is the first trial of every iteration; what the accepted steps are does not matter.
BACKTRACKING = factored(
    "backtracking",
    OMEGA,
    RATE,
    Hypothesis(sp.Le(2 * s.decrease, 1), sp.Integer(1), "c <= 1/2, f falls by c*gamma*|grad f|^2"),
    _SOURCE,
    requires=CONCAVE.requires,
    searched=True,
)
