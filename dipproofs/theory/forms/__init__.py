"""The forms of the descent theorem, one file each (docs/theory.md §2, §3)."""

from __future__ import annotations

from dipproofs.theory.forms.backtracking import BACKTRACKING
from dipproofs.theory.forms.base import Form, Requirement
from dipproofs.theory.forms.concave import CONCAVE
from dipproofs.theory.forms.flow import FLOW
from dipproofs.theory.forms.integral import INTEGRAL
from dipproofs.theory.forms.paper import PAPER, paper_nu_1, paper_nu_2
from dipproofs.theory.forms.residual import RESIDUAL, RESIDUAL_OMEGA, RESIDUAL_SHORT, residual_step

#: All forms by name.
FORMS: dict[str, Form] = {form.id: form for form in (PAPER, INTEGRAL, CONCAVE, FLOW, RESIDUAL)}
#: The forms that a certificate can have.
FORM_IDS = tuple(form.id for form in FORMS.values() if form.certifies)
#: Those of schedules whose steps are searched for; "best" tries them there.
SEARCHED: dict[str, Form] = {BACKTRACKING.id: BACKTRACKING}
#: Every form that a certificate can state.
STATED_FORMS: dict[str, Form] = {id: FORMS[id] for id in FORM_IDS} | SEARCHED
#: The forms that ``form = "best"`` tries, in this order.
BEST = tuple(form.id for form in (RESIDUAL, CONCAVE, INTEGRAL))
#: Forms by the version of the certificate, where an older one states less.
OLDER: dict[int, dict[str, Form]] = {1: {RESIDUAL.id: RESIDUAL_SHORT}}

__all__ = [
    "BEST",
    "FORMS",
    "FORM_IDS",
    "OLDER",
    "RESIDUAL_OMEGA",
    "SEARCHED",
    "STATED_FORMS",
    "Form",
    "Requirement",
    "paper_nu_1",
    "paper_nu_2",
    "residual_step",
]


def form_of(id: str, version: int) -> Form:
    """Return a form as certificates of a version have it.

    Raises:
        KeyError: no such form.
    """
    return OLDER.get(version, {}).get(id, (FORMS | SEARCHED)[id])
