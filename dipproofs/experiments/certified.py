"""Rigorous verdicts for many runs: at the start, at the end, and anytime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dipproofs.certify.api import bound_operator_of, certify
from dipproofs.certify.at_iterate import certify_at, unprojected
from dipproofs.certify.quantities import estimate_base
from dipproofs.certify.search import Step, best
from dipproofs.enclosures import Verdict
from dipproofs.experiments.instances import Size
from dipproofs.networks import TwoLayer


def squared() -> Any:
    """The loss ½‖·‖²."""
    from dipproofs.losses import SquaredError

    return SquaredError()


def certified_at_start(problem: Any, network: TwoLayer, form: str = "best", step: Step | None = None) -> bool:
    """Whether the theorem's conditions are proved at initialisation, with the best step by default.

    Notes:
        Floats decide where a proof is worth trying; only the proof counts.
    """
    step = Step(None, 1.0) if step is None else step
    loss, operator = squared(), bound_operator_of(problem, network)
    if operator.rank is None:
        return False
    base = estimate_base(problem, network, loss, operator, unprojected=unprojected(form))
    proposals = best(base, form, step, loss.concave_psi)
    if not proposals or not proposals[0].feasible:
        return False
    return certify_at(problem, network, loss, operator, step, form=form).verdict is Verdict.PROVED


def promised_width(size: Size, y_norm: float, delta: float, forms: Sequence[str], bound: str = "best") -> int | None:
    """The least width, at q = 1, for which the table `width` promises (H) with probability 1−δ; None without one.

    Args:
        size: of the problem; its k plays no part. y_norm: ‖y‖; rounded up to thousandths.
        delta, forms, bound: as the table takes them; V is uniform.
    """
    from dipproofs.tables import make_table

    table = make_table(
        "width", n=size.n, m=size.m, d=size.d, kappa=size.kappa, y_norm=f"{math.ceil(y_norm * 1000 + 1) / 1000:.3f}",
        delta=delta, train=size.train, law="uniform", form=forms, q=1, bound=bound,
    )  # fmt: skip
    return min((width for width in table.column("k") if isinstance(width, int)), default=None)


def certified_run(
    problem: Any, start: TwoLayer, last: TwoLayer, gamma: float, max_iterations: int, tolerance: float
) -> tuple[bool, str]:
    """Whether a run that reached the tolerance is proved to converge, at its last iterate or before.

    Args:
        start, last: first and last iterate. gamma: the step at the end.

    Returns:
        Verdict, and the reason of a failure ("" when proved).
    """
    loss, operator = squared(), bound_operator_of(problem, start)
    found = certify_at(problem, last, loss, operator, Step(gamma))
    if found.verdict is Verdict.PROVED:
        return True, ""
    found = certify(problem, start, loss, max_iterations=max_iterations, tolerance=tolerance,
                    keep_interrupted=False)  # fmt: skip
    if found.verdict is Verdict.PROVED:
        return True, ""
    reasons = [f"{h.id}: {h.reason or h.verdict}" for h in found.hypotheses if h.verdict is not Verdict.PROVED]
    return False, "; ".join(reasons)
