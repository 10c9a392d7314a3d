"""Step sizes, schedules and forms."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from dipproofs.descent import Backtracking, Constant, Polynomial, Schedule
from dipproofs.losses import Loss
from dipproofs.theory import FORM_IDS, FORMS


def forms(loss: Loss) -> SearchStrategy[str]:
    """Descent forms that apply to a loss; shrinks to the strongest, ``"residual"`` or ``"concave"``."""
    return st.sampled_from([name for name in reversed(FORM_IDS) if FORMS[name].admits(loss)])


def normalised_steps(form: str) -> SearchStrategy[float]:
    """Values of q = γL (of γM_ρ² for form residual) in the form's range; shrinks to 1."""
    extra = (1.5, 1.9) if not (FORMS[form].closed or FORMS[form].scaled_step) else ()
    return st.sampled_from((1.0, 0.5, 0.25, 0.05, *extra))


def schedules() -> SearchStrategy[Schedule]:
    """Schedules whose steps sum to infinity; shrinks to a constant step."""
    return st.sampled_from((Constant(), Polynomial(0.5), Polynomial(1.0), Polynomial(0.0), Backtracking()))
