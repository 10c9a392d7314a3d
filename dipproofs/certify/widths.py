"""At which width would each form hold at initialisation? Found by drawing wider networks of the same seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..networks import TwoLayer
from ..rigor import Verdict
from ..theory import FORM_IDS
from .operator_bounds import OperatorBounds
from .search import Step, best

#: The search ends where V would have more entries than this.
LARGEST_OUTER_LAYER = 40_000_000
_RATIO = 2 ** (1 / 4)


def find_widths(
    problem: Any,
    network: TwoLayer,
    loss: Any,
    operator: OperatorBounds,
    step: Step,
    arithmetic: str,
    seed: int = 0,
) -> Mapping[str, dict[str, Any]]:
    """Find for each form a width at which its hypotheses hold at initialisation, within a factor 2^{1/4}.

    Args:
        problem, loss, operator, step, arithmetic: as in `check`.
        network: gives sizes, activation, train mode and basis; its u is kept, W and V are drawn anew.
        seed: of the draws.

    Returns:
        By form: {"width": int or None, "verdict": "proved" (decided at that width) or "estimated", "reason"}.
    """
    return {
        form: _find(problem, network, loss, operator, step, arithmetic, form, seed)
        for form in FORM_IDS
        if not (form == "residual" and not loss.projects_data)
    }


def _find(
    problem: Any, network: TwoLayer, loss: Any, operator: OperatorBounds, step: Step, arithmetic: str, form: str,
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    from .at_iterate import certify_at
    from .estimates import estimate_base

    if operator.rank is None:
        return {"width": None, "verdict": "undecided", "reason": operator.decision.reason}
    rows = network.V.shape[0]
    limit = LARGEST_OUTER_LAYER // max(rows, network.input_dimension)

    def holds(width: int) -> bool:
        base = estimate_base(problem, drawn(network, width, seed), loss, operator, unprojected=form == "paper")
        return best(base, form, step, loss.concave_psi)[0].feasible

    low, high = 0, 1
    while not holds(high):
        low, high = high, 2 * high
        if high > limit:
            return {
                "width": None,
                "verdict": "undecided",
                "reason": f"fails up to width {low}; wider networks were not drawn (V above {LARGEST_OUTER_LAYER} "
                "entries); `dipproofs table width` gives a bound",
            }
    while low and high / low > _RATIO:
        middle = math.ceil(math.sqrt(low * high))
        low, high = (low, middle) if holds(middle) else (middle, high)
        if middle in (low, high) and high - low <= 1:
            break
    if arithmetic != "proved":
        return {"width": high, "verdict": "estimated", "reason": "estimated arithmetic"}
    certificate = certify_at(problem, drawn(network, high, seed), loss, operator, step, form=form)
    proved = certificate.verdict is Verdict.PROVED
    reason = "" if proved else "; ".join(h.reason for h in certificate.hypotheses if h.reason)
    return {
        "width": high,
        "verdict": str(certificate.verdict),
        "reason": reason,
        "profile": certificate.profile,
    }


def drawn(network: TwoLayer, width: int, seed: int) -> TwoLayer:
    """Return a fresh network of another width with the same input, activation, train mode and basis."""
    fresh = TwoLayer.init(
        n=network.V.shape[0],
        width=width,
        input_dimension=network.input_dimension,
        activation=network.activation,
        train=network.train,
        seed=seed,
        basis=network.basis,
        dtype=str(np.result_type(network.V, network.W)),
        output_offset=network.output_offset,
    )
    return fresh
