"""Numbers in the theory that are no formula: margins in units of what they are compared with, ranges of options."""

from __future__ import annotations

import pytest
import sympy as sp

from dipproofs.theory.forms import FORMS
from dipproofs.theory.forms.backtracking import BACKTRACKING
from dipproofs.theory.forms.residual import RESIDUAL
from dipproofs.theory.schedules import SCHEDULES, count, horizon, power, start

STEPS = [form for form in (*FORMS.values(), BACKTRACKING, RESIDUAL) if form.id != "flow"]  # a flow has no step


@pytest.mark.parametrize("form", STEPS, ids=lambda form: form.id)
def test_the_margin_of_a_step_is_a_share_of_its_limit(form) -> None:  # type: ignore[no-untyped-def]
    """1 where the step is 0, and 0 at the limit."""
    relation = form.step.relation
    assert relation.gts.is_number and sp.simplify(form.step.margin - (1 - relation.lts / relation.gts)) == 0


@pytest.mark.parametrize("kind", [kind for kind, schedule in SCHEDULES.items() if schedule.options])
def test_the_smallest_options_are_the_smallest_that_make_sense(kind: str) -> None:
    """There factors do not increase, and add up to a number; below, they increase or are no numbers."""
    (symbol, least), *more = SCHEDULES[kind].options.values()
    assert not more and symbol in (horizon, power)

    def sensible(value: int) -> bool:
        factors = [SCHEDULES[kind].largest.subs({symbol: value, start: t}) for t in range(3)]
        total = SCHEDULES[kind].total.subs({symbol: value, start: 0, count: 2})
        numbers = all(x.is_finite for x in (*factors, total))
        return bool(numbers and 1 == factors[0] >= factors[1] >= factors[2] >= 0)

    assert sensible(least) and sensible(least + 1) and not sensible(least - 1)
