"""When a run may stop: where its data error is proved to be below twice the noise (§7), or once it is certified."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.descent.history import Run
from dipproofs.enclosures import Evidence
from dipproofs.errors import InputError
from dipproofs.networks import Network
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.recovery.early_stopping import stopping_tolerance
from dipproofs.recovery.signal_error import Recovery

STOPS = ("tolerance", "guaranteed", "certified")


def fitted_problem(problem: Any, network: Network, operator: OperatorBounds, loss: Any) -> Any:
    """Return the problem whose data the run fits: Πy in place of y where rank A < m and the loss is squared.

    Notes:
        The gradients are the same; without the constant ‖(I−Π)y‖² the loss can reach the tolerance. Evidence:
        estimated, as the whole run; certificates enclose the projection of y itself.
    """
    rows = operator.columns.rows
    if rows is None or not loss.projects_data:
        return problem
    A = problem.operator
    shift = np.asarray(A.matvec(np.full(A.shape[1], network.output_offset)), np.float64)
    difference = np.asarray(problem.y, np.float64) - shift
    coordinates = np.linalg.lstsq(rows.mid.T, difference, rcond=None)[0]
    fitted = copy.copy(problem)
    fitted.y = shift + rows.mid.T @ coordinates
    return fitted


def stopping_loss(stop: str, problem: Any, network: Network, loss: Any, recovery: Recovery) -> float:
    """Return the loss at which a run with that ``stop`` may end, 0.0 if only the tolerance ends it.

    Raises:
        InputError: an unknown word, or "guaranteed" without any knowledge of the noise.
    """
    if stop not in STOPS:
        raise InputError(f"descent.stop: found {stop!r}, expected {', '.join(STOPS)}")
    if stop == "tolerance" or (stop == "certified" and not (recovery.applies and recovery.noise is not None)):
        return 0.0
    if not recovery.applies:
        raise InputError(f'descent.stop: "guaranteed" needs a loss that is minimal at y, found {loss.kind}')
    if recovery.noise is None:
        raise InputError(
            'descent.stop: "guaranteed" needs the noise, found neither x_true nor noise.norm; state ‖ε‖ as noise.norm'
        )
    start = np.asarray(problem.operator.matvec(network.output()), np.float64)
    value = float(loss.value(np, start, np.asarray(problem.y, np.float64)))
    return stopping_tolerance(loss, problem.y, value, recovery.noise.level, network.dtype)


def stopped_certified(run: Run, first: Certificate | None, tolerance: float) -> Run:
    """Rename the end of a run that went on until an iterate was certified."""
    if run.stopped != "guaranteed" or first is None:
        return run
    if run.history.loss[-1] <= tolerance:
        return replace(run, stopped="tolerance", reason=f"loss ≤ {tolerance:g} at iteration {run.iterations}")
    reason = f"certified at iteration {first.iteration}, and below the noise level at iteration {run.iterations}"
    return replace(run, stopped="certified", reason=reason)


def stopped_early(run: Run, final: Certificate, recovery: Recovery) -> Run:
    """Rename the end of a run that reached the noise level, if ψ(f_T) ≤ δ is proved there."""
    noise, psi = recovery.noise, final.quantities.get("psi_0")
    if noise is None or psi is None or run.stopped != "tolerance" or not psi.upper <= noise.level.lower:
        return run
    known = "" if noise.level.evidence is Evidence.PROVED else f" (with the noise level {noise.level.evidence})"
    known = known if psi.evidence is Evidence.PROVED else " (estimated)"
    reason = (
        f"‖y_τ − Πȳ‖ ≤ 2δ at iteration {run.iterations}{known}: ψ(f) ≤ {psi.upper:.3g} ≤ δ = {noise.level.lower:.3g}"
    )
    if not final.proved:
        reason += '; not certified from here on: use a wider network, or stop = "tolerance"'
    return replace(run, stopped="guaranteed", reason=reason)
