"""At which width would each form hold at initialisation? Found by drawing wider networks of the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dipproofs.certify.search import Step, best
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.theory import FORM_IDS, FORMS

#: The search ends where a layer would have more entries than this.
LARGEST_OUTER_LAYER = 50_000_000
_RATIO = 2 ** (1 / 4)
#: From this width on, three doublings without any progress end the search.
_HOPELESS_FROM, _PATIENCE = 2000, 3
#: Operations that one trial may take: some seconds.
_WORK = 3e10
#: Draws at each width; two where V has more than _CHEAP entries.
_DRAWS, _CHEAP = 4, 200_000


def find_widths(
    problem: Any,
    network: Any,
    loss: Any,
    operator: OperatorBounds,
    step: Step,
    arithmetic: str,
    tried: Callable[[str, int], None] | None = None,
    forms: Iterable[str] = FORM_IDS,
) -> Mapping[str, dict[str, Any]]:
    """Find for each form a width at which its hypotheses hold at initialisation, within a factor 2^{1/4}.

    Args:
        problem, loss, operator, step, arithmetic: as in `check`.
        network: gives everything but its size; its parameters are drawn anew.
        tried: called with (form, width) before each trial.
        forms: those to search for.

    Returns:
        By form: {"width": int or None, "seed", "verdict": "proved" (decided at that width) or "estimated", "reason"}.
    """
    return {
        form: _find(problem, network, loss, operator, step, arithmetic, form, tried)
        for form in forms
        if not FORMS[form].scaled_step or FORMS[form].admits(loss)
    }


def _find(
    problem: Any, network: Any, loss: Any, operator: OperatorBounds, step: Step, arithmetic: str, form: str,
    tried: Callable[[str, int], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    from dipproofs.certify.at_iterate import certify_at
    from dipproofs.certify.quantities import estimate_base

    if operator.rank is None:
        return {"width": None, "seed": None, "verdict": "undecided", "reason": operator.decision.reason}
    family = network.family()
    if isinstance(family, str):
        return {"width": None, "seed": None, "verdict": "undecided", "reason": family}
    m, rows = operator.matrix.shape
    limit = min(family.widest(LARGEST_OUTER_LAYER), int(_WORK / (m * rows + m * m)))
    if 10 * m**3 > _WORK:
        reason = f"with m = {m} trying widths takes too long; `dipproofs table width` gives a bound"
        return {"width": None, "seed": None, "verdict": "undecided", "reason": reason}

    ratios: list[float] = []

    def seed_for(width: int) -> int | None:
        """A seed at which the conditions seem to hold at that width."""
        ratios.append(0.0)
        if tried is not None:
            tried(form, width)
        for seed in range(_DRAWS if rows * width < _CHEAP else 2):
            base = estimate_base(problem, family.draw(width, seed), loss, operator, unprojected=FORMS[form].unprojected)
            proposal = best(base, form, step, loss.concave_psi)[0]
            if proposal.feasible:
                return seed
            ratios[-1] = max(ratios[-1], proposal.margin_ratio)
        return None

    low, high = 0, max(1, family.width // 4)
    seed = seed_for(high)
    while seed is None:
        low, high = high, 2 * high
        if high > limit:
            reason = (
                f"fails up to width {low}; networks wider than {limit} were not tried (memory and time); "
                "`dipproofs table width` gives a bound"
            )
            return {"width": None, "seed": None, "verdict": "undecided", "reason": reason}
        if high > _HOPELESS_FROM and len(ratios) > _PATIENCE and ratios[-1] <= ratios[-1 - _PATIENCE]:
            reason = (
                f"the left side of (H) stays at {ratios[-1]:.2g} of what is needed up to width {low}: width does not "
                "help here; rescale A and y, or let the run go on"
            )
            return {"width": None, "seed": None, "verdict": "undecided", "reason": reason}
        seed = seed_for(high)
    found = high
    while low and high / low > _RATIO and high - low > 1:
        middle = math.ceil(math.sqrt(low * high))
        trial = seed_for(middle)
        if trial is None:
            low = middle
        else:
            high = found = middle
            seed = trial
    if arithmetic != "proved":
        return {"width": found, "seed": seed, "verdict": "estimated", "reason": "estimated arithmetic"}
    certificate = certify_at(problem, family.draw(found, seed), loss, operator, step, form=form)
    reason = "; ".join(h.reason for h in certificate.hypotheses if h.reason)
    return {
        "width": found,
        "seed": seed,
        "verdict": str(certificate.verdict),
        "profile": certificate.profile,
        "step": _step_text(certificate),
        "reason": reason,
    }


def _step_text(certificate: Any) -> str:
    """Say at which normalised step the form was decided."""
    q = certificate.quantities.get("q")
    if q is not None:
        return f"q = γL = {q.mid:.3g}"
    gamma, ball = (certificate.quantities.get(name) for name in ("gamma", "norm_AJ_ball"))
    return "" if gamma is None or ball is None else f"γM_ρ² = {gamma.mid * ball.mid**2:.2g}"
