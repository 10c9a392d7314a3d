"""After a run: an exact fit near its end, by Gauss–Newton; a record of its own that never makes the run's verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.search import Step
from dipproofs.enclosures.upward import norm_up
from dipproofs.errors import InputError
from dipproofs.networks import GraphNetwork, Network
from dipproofs.networks.graph_network.polish import polish
from dipproofs.operators.bounds import OperatorBounds

POLISHES = ("none", "gauss-newton")
#: Before the names of the parameters at the run's end, in the arrays of the polished record.
RUN = "theta_run/"


def checked_polish(name: Any, network: Network, loss: Any) -> str:
    """Refuse what cannot be polished, before the run.

    Raises:
        InputError: another word, a network that is no graph, a loss that is not least at y.
    """
    if name not in POLISHES:
        raise InputError(f"polish: found {name!r}, expected {' or '.join(map(repr, POLISHES))}")
    if name != "none" and not isinstance(network, GraphNetwork):
        raise InputError(f"polish: found a {network.kind} network, expected one given by a graph; leave polish out")
    if name != "none" and not loss.argmin_is_y:
        raise InputError("polish: found a loss that is not least at the data, expected one that is; leave polish out")
    return str(name)


def polished_record(
    problem: Any, fitted: Any, end: GraphNetwork, loss: Any, operator: OperatorBounds, **options: Any
) -> tuple[Certificate, dict[str, Any]]:
    """Polish the run's end and certify what comes out, for gradient descent with any step.

    Args:
        problem: as certified. fitted: with data that A can produce. end: the network at the run's end. loss, operator:
            of the problem. options: further arguments of `certify_at`.

    Returns:
        The certificate, whose arrays hold the run's end as ``theta_run/NAME``, and the JSON value ``polish``.
    """
    rows = operator.columns.rows
    A, y = operator.matrix.mid, np.asarray(fitted.y, dtype=np.float64)
    if rows is not None:
        A, y = rows.mid @ A, rows.mid @ y
    found = polish(end, A, y)
    certificate = certify_at(problem, found.network, loss, operator, Step(None, 1.0, free=True), **options)
    run = {RUN + name: value for name, value in end.parameters().items()}
    record = {
        "method": "gauss-newton",
        "iterations": found.iterations,
        "moved": distance(found.network, end),
        "released": found.released,
    }
    return replace(certificate, arrays={**certificate.arrays, **run}), record


def distance(a: Network, b: Network) -> float:
    """Upper bound of ‖θ_a − θ_b‖."""
    here, there = a.parameters(), b.parameters()
    parts = [here[name].astype(np.float64).ravel() - there[name].astype(np.float64).ravel() for name in here]
    gaps = np.abs(np.concatenate(parts))
    return float(norm_up(np.where(gaps == 0.0, 0.0, np.nextafter(gaps, np.inf))))
