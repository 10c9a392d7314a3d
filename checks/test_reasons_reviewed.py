"""Changes that had been taken for harmless and are not: the smallest case in which each of them makes a claim wrong.

Every check here comes from reading the reasons in `docs/theory.md` against docs/theory.md §8.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
import sympy as sp

from checks.test_criteria_tight import evaluator_of
from dipproofs.certify.constants import Plan
from dipproofs.certify.decide import Evaluator
from dipproofs.certify.guarantees import scheduled_count
from dipproofs.descent import Backtracking
from dipproofs.enclosures import IntervalMatrix
from dipproofs.enclosures.cholesky import residual_lower_bound
from dipproofs.enclosures.norms import vector_norm
from dipproofs.recovery.early_stopping import whole_above
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import ARCHITECTURES
from dipproofs.theory.losses import huber

PAPER = Plan("paper", "paper", ARCHITECTURES["both"])


# --- enclosures ------------------------------------------------------------------------------------------------
def test_the_residual_bound_is_not_above_an_exact_eigenvalue() -> None:
    """M = τI and L = 0 leave no residual, so that only the last rounding stands between τ and the claim."""
    for tau in (3.0, 1.0, 0.1, -2.0):
        assert residual_lower_bound(IntervalMatrix(np.eye(2) * tau), tau, np.zeros((2, 2))) <= tau
    for m in (2.0**-60, 2.0**-40, 0.0):  # the residual is almost τ, so that its last digits are what is left
        assert residual_lower_bound(IntervalMatrix(np.full((1, 1), m)), 1.0, np.zeros((1, 1))) <= m


# --- verdicts and counts ----------------------------------------------------------------------------------


def test_backtracking_is_counted_with_the_largest_gradient_constant() -> None:
    evaluator = evaluator_of(PAPER, 0.01, 0.01)
    with flint.ctx.workprec(128):
        other = Evaluator(evaluator.base, replace(evaluator.candidate, gamma=4.0))
        other.env = {s.lipschitz_grad: flint.arb(1).union(flint.arb(2))}
        count = scheduled_count(other, Backtracking(), 0, 100)
    assert count is not None and 1600 <= count <= 1601  # steps of ¼ at least, where L may be 2


def test_counts_are_not_below_what_a_float_forgets() -> None:
    with flint.ctx.workprec(128):
        for whole in (1, 3, 100, 999):
            count = whole_above(float((flint.arb(whole) + flint.arb(2) ** -60).upper()))
            assert count is not None and count >= whole + 1


# --- theory -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [Fraction(1, 2), 2, 6])
def test_the_time_of_a_residual_is_that_of_its_value(value: Any) -> None:
    """T(s) at the residual s whose loss is e is T as a function of e: on both sides of the corner, and in it."""
    given, level = {huber.delta: 2}, sp.Rational(value)
    residual = huber.POTENTIAL.inverse.subs(given).subs(huber.e, level)
    by_residual = huber.POTENTIAL.time.subs(given).subs(huber.s, residual)
    assert sp.simplify(by_residual - huber.POTENTIAL.time_of_value.subs(given).subs(huber.e, level)) == 0


def test_the_norm_of_an_interval_vector_has_the_ends_of_its_entries() -> None:
    """Entries 3 ± 1 and −4 ± 1: norms from √13 to √41, and neither end is given away."""
    for mid, rad, low, high in (
        ([3.0, -4.0], [1.0, 1.0], math.sqrt(13), math.sqrt(41)),
        ([0.5, 2.0], [1.0, 0.25], 1.75, math.sqrt(1.5**2 + 2.25**2)),  # one may be 0
        ([1.0] * 64, [0.5] * 64, 4.0, 12.0),  # enough entries for the allowance to be more than one unit
    ):
        slack = 1 + (28 + 2 * len(mid)) * 2.0**-53  # what the norm grants for its roundings, and one more for each end
        found = vector_norm(IntervalMatrix(np.array(mid), np.array(rad)))
        assert low / slack <= found.lower <= low and high <= found.upper <= high * slack
