"""`certify_point`: what is proved about given parameters, whoever trained them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dipproofs.certificate.claims import GRADIENT_DESCENT
from dipproofs.certificate.record import Certificate
from dipproofs.certify.api import bound_operator_of
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.provenance import provenance
from dipproofs.certify.rows import without_zero_rows
from dipproofs.certify.search import Step
from dipproofs.descent.arguments import checked_setting, checked_step
from dipproofs.errors import InputError, named_arguments
from dipproofs.losses import as_loss
from dipproofs.networks import Network
from dipproofs.recovery.signal_error import Recovery

METHODS = (GRADIENT_DESCENT,)


@named_arguments
def certify_point(
    problem: Any,
    network: Network,
    loss: Any = None,
    method: str | None = None,
    state: Mapping[str, Any] | None = None,
    step: float | None = None,
    momentum: float | None = None,
) -> Certificate:
    """Certify the parameters of a network as they are, without a run.

    Args:
        problem: `InverseProblem` with A (m, n), y (m,).
        network: with n outputs; its parameters are the point.
        loss: by default ½‖·‖²; also the name of a loss without parameters.
        method: what would go on from here: "gradient-descent", with its ``step``; None: only the existence of an exact
            fit nearby is claimed.
        state, momentum: of methods that have them.
        step: γ > 0; without a method, any step that serves the proof.

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
    _checked_method(method, state, step, momentum)
    problem, _ = without_zero_rows(problem, loss)
    loss.validate_data(problem.y)
    operator = bound_operator_of(problem, network)
    chosen = Step(None, 1.0, free=True) if step is None else Step(float(checked_step(step)))
    found = certify_at(
        problem,
        network,
        loss,
        operator,
        chosen,
        origin=provenance("none", str(network.dtype), None, problem),
        recovery=Recovery(problem, network, operator, loss, None),
    )
    return replace(found, method={"kind": method})


def _checked_method(method: Any, state: Any, step: Any, momentum: Any) -> None:
    if method is not None and method not in METHODS:
        raise InputError(f"method: found {method!r}, expected None or {' or '.join(map(repr, METHODS))}")
    if method is not None and step is None:
        raise InputError(f"step: found None with method {method!r}, expected the step with which it would go on")
    for name, value in (("state", state), ("momentum", momentum)):
        if value is not None:
            raise InputError(f"{name}: found a value, expected None: {method or 'a point'} has no {name}")
