"""`certify_point`: what is proved about given parameters, whoever trained them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dipproofs.certificate.record import Certificate
from dipproofs.certify.api import bound_operator_of, checked_options
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.methods.point import checked_method
from dipproofs.certify.methods.run import ADAM, HORIZON, with_horizon
from dipproofs.certify.provenance import provenance
from dipproofs.certify.rows import without_zero_rows
from dipproofs.certify.search import Step
from dipproofs.certify.unreachable import unreachable, with_reason
from dipproofs.descent.arguments import checked_setting, checked_step
from dipproofs.errors import named_arguments
from dipproofs.losses import as_loss
from dipproofs.networks import GraphNetwork, Network
from dipproofs.recovery.signal_error import Recovery
from dipproofs.theory.hypothesis import GO_ON

if TYPE_CHECKING:
    from dipproofs.losses import Loss
    from dipproofs.problems import InverseProblem

#: As methods say it, where only the residual must become smaller.
_GO_ON = GO_ON.partition(" (")[0]


@named_arguments
def certify_point(
    problem: InverseProblem,
    network: Network,
    loss: Loss | str | None = None,
    method: str | None = None,
    state: Mapping[str, Any] | None = None,
    step: float | None = None,
    momentum: float | None = None,
    beta2: float | None = None,
    epsilon: float | None = None,
    claim_horizon: int = HORIZON,
    *,
    form: str = "best",
    distance: float | None = None,
) -> Certificate:
    """Certify the parameters of a network as they are, without a run.

    Args:
        problem: `InverseProblem` with A (m, n), y (m,).
        network: with n outputs; its parameters are the point.
        loss: by default ½‖·‖²; also the name of a loss without parameters.
        method: what would go on from here, with its ``step``: "gradient-descent", "heavy-ball", "nesterov" or "adam";
            None: only the existence of an exact fit nearby is claimed.
        state: arrays by name, ``velocity/NAME`` (heavy-ball, nesterov: −lr·momentum_buffer of torch), or ``m/NAME``,
            ``v/NAME`` and ``t`` (adam: exp_avg, exp_avg_sq, step).
        step: γ > 0; without a method, any step that serves the proof.
        momentum: β (adam: β₁, 0.9). beta2, epsilon: of adam, 0.999 and 1e-8.
        claim_horizon: N of the statement about Adam's next iterations.
        form, distance: as in `certify`.

    Returns:
        The certificate at these parameters; ``claims.existence`` and ``claims.convergence`` say what is proved.

    Raises:
        InputError: input that cannot be used.

    Notes:
        A proved verdict rests on enclosures only. Source: docs/theory.md §3.

    Example:
        >>> import numpy as np, dipproofs as dp
        >>> network = dp.TwoLayer.init(n=4, width=200, input_dimension=2, seed=0)
        >>> A = np.eye(2, 4)
        >>> problem = dp.InverseProblem(A, A @ network.output() + 1e-3)
        >>> claims = dp.certify_point(problem, network).claims
        >>> claims.existence.verdict, claims.existence.of, claims.convergence.verdict
        ('proved', 'given', 'undecided')
    """
    checked_setting(problem, network)
    loss = as_loss(loss)
    checked_options(form, "proved", distance)
    chosen = checked_method(network, loss, method, state, step, momentum, beta2, epsilon, claim_horizon)
    problem, _ = without_zero_rows(problem, loss)
    loss.validate_data(problem.y)
    operator = bound_operator_of(problem, network)
    free = step is None or (chosen is not None and chosen.point_only)
    origin = provenance("none", str(network.dtype), None, problem)
    recovery, why = Recovery(problem, network, operator, loss, distance), unreachable(problem, network, operator)
    taken = Step(None, 1.0, free=True) if free else Step(float(checked_step(step)))

    def on(radius: float | None) -> Certificate:
        found = certify_at(
            problem, network, loss, operator, taken, origin=origin, recovery=recovery, form=form, method=chosen,
            radius=radius,
        )  # fmt: skip
        return _without_a_run(with_reason(found, why), network, loss)

    found = on(None)
    if chosen is None:
        return replace(found, method={"kind": method})
    asked = chosen.kind == ADAM and loss.projects_data
    return with_horizon(found, problem, network, operator, loss, chosen, on) if asked else found


def _without_a_run(found: Certificate, network: Network, loss: Loss) -> Certificate:
    """Put what can be done with parameters alone in place of what can be done with a run."""
    polished = isinstance(network, GraphNetwork) and loss.argmin_is_y
    cure = 'train on, or go on with certify(…, polish="gauss-newton")' if polished else "train on"
    told = (replace(h, reason=h.reason.replace(GO_ON, cure).replace(_GO_ON, "train on")) for h in found.hypotheses)
    return replace(found, hypotheses=tuple(told))
