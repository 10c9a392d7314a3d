"""The base quantities of a certificate at one iterate: enclosed, or estimated for the search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from dipproofs.enclosures import Bound, Evidence, IntervalMatrix, IntervalVector
from dipproofs.enclosures.norms import vector_norm
from dipproofs.enclosures.widen import widened
from dipproofs.losses.base import Loss
from dipproofs.networks.base import Network, Workspace
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures import Architecture
from dipproofs.theory.core import quantities
from dipproofs.theory.losses import resolve_scale

NAMES = {q.symbol: name for name, q in quantities().items()}
_HINTS = {q.symbol: q.hint for q in quantities().values()}


@dataclass(frozen=True, eq=False)
class Base:
    """Everything about (A, y, θ, loss) that the theorem's constants are made of.

    Args:
        values: Bound by symbol of `dipproofs.theory.symbols`.
        architecture: of the network.
        residual_scale: 2c for the loss c‖r‖², else None.
        loss_parameters: Bound by symbol, of the loss's own constants.
        prediction: v = A g: enclosed, or floats where the quantities are estimated.
        network, operator, y, loss: what the quantities are about.
        at_bound: f_0 and ψ(f_0) are bounds of what may be 0, see `certify.vanishing`.
    """

    values: Mapping[Any, Bound]
    architecture: Architecture
    residual_scale: Bound | None
    loss_parameters: Mapping[Any, Bound] = field(default_factory=dict)
    prediction: Any = None
    network: Any = None
    operator: Any = None
    y: Any = None
    loss: Any = None
    at_bound: bool = False

    @cached_property
    def weaker_ends(self) -> Mapping[Any, np.float64]:
        """The end of every quantity that makes the theorem's claim weaker, as floats."""

        def end(symbol: Any, bound: Bound) -> np.float64:
            # powers of Python's floats raise when they overflow, NumPy's are then infinite
            return np.float64(max(bound.lower, 0.0) if _HINTS.get(symbol, "upper") == "lower" else bound.upper)

        return {symbol: end(symbol, bound) for symbol, bound in self.values.items()}


def searched(base: Base, schedule: Any) -> Base:
    """Return the base with what a schedule states of steps that are searched for; the base itself for others."""
    if not schedule.searches:
        return base
    values = {s.decrease: Bound.exact(schedule.decrease), s.shrink: Bound.exact(schedule.shrink)}
    return replace(base, values={**base.values, **values})


def enclose_base(
    operator: OperatorBounds,
    y: np.ndarray,
    network: Network,
    loss: Any,
    *,
    unprojected: bool,
    radius: float | None = None,
) -> Base:
    """Enclose all base quantities at an iterate; evidence proved.

    Args:
        operator: `bound_operator` of A (or AB), with rank decided.
        y: (m,) exact floats.
        network: parameters θ_t.
        loss: runtime loss.
        unprojected: also what only forms about J itself use.
        radius: of the ball on which the network's constants have to hold, where they depend on it.
    """
    found = network.enclose(operator, y, loss, radius=radius, unprojected=unprojected)
    values = {symbol: widened(bound) for symbol, bound in found.values.items()}
    values[s.loss_0] = widened(_loss_value(operator, loss, found.prediction, y))
    constants = loss.constants(y, values[s.loss_0])
    values |= {symbol: constants[symbol] for symbol in (s.loss_gradient, s.loss_curvature)}
    values[s.psi_0] = loss.psi_bound(values[s.loss_0], constants)
    values |= found.constants
    scale = _residual_scale(loss, y.size)
    return Base(values, network.architecture, scale, constants, found.prediction, network, operator, y, loss)


def estimate_base(
    problem: Any,
    network: Network,
    loss: Any,
    operator: OperatorBounds,
    *,
    unprojected: bool = False,
    radius: float | None = None,
    workspace: Workspace | None = None,
) -> Base:
    """Estimate what `enclose_base` encloses, with the same keys.

    Args:
        problem, network, loss, operator, unprojected, radius: as there.
        workspace: keeps arrays that the next call for the same run can write to.
    """
    y = problem.y.astype(np.float64)
    found = network.estimate(operator, y, loss, radius=radius, unprojected=unprojected, workspace=workspace)
    v = found.prediction.mid
    with np.errstate(all="ignore"):
        values = {**found.values, s.loss_0: Bound.estimated(max(_loss_estimate(operator, loss, v, y), 0.0))}
    constants = loss.constants(y, values[s.loss_0]) if values[s.loss_0].is_finite else {}
    nothing = Bound(0.0, math.inf, Evidence.ESTIMATED)
    for symbol in (s.loss_gradient, s.loss_curvature):
        values[symbol] = constants.get(symbol, nothing).with_evidence(Evidence.ESTIMATED)
    psi = loss.psi_bound(values[s.loss_0], constants) if constants else Bound.unknown()
    values[s.psi_0] = Bound.estimated(max(psi.mid, 0.0)) if psi.is_finite else nothing
    values |= found.constants
    scale = _residual_scale(loss, y.size)
    return Base(values, network.architecture, scale, constants, v, network, operator, y, loss)


def enclose_loss(
    operator: OperatorBounds, y: np.ndarray, network: Network, loss: Any
) -> tuple[IntervalVector, Bound, Bound | None]:
    """Enclose A g, the loss and ψ there (None if the loss is not finite); nothing of the rank is needed."""
    v = network.prediction(operator)
    loss_0 = widened(loss.enclose(v, y))
    return v, loss_0, loss.psi_bound(loss_0, loss.constants(y, loss_0)) if loss_0.is_finite else None


def _residual_scale(loss: Any, m: int) -> Bound | None:
    return 2 * loss_scale(loss, m) if loss.projects_data else None


def _loss_estimate(operator: OperatorBounds, loss: Any, v: np.ndarray, y: np.ndarray) -> float:
    rows = operator.columns.rows
    if rows is None or not loss.projects_data:
        return float(loss.value(np, v, y))
    return loss_scale(loss, y.size).mid * float(np.sum((rows.mid @ (v - y)) ** 2))


def _loss_value(operator: OperatorBounds, loss: Loss, v: IntervalVector, y: np.ndarray) -> Bound:
    """Enclose L_y(v); for a loss that projects, that of C(v − y) with C the basis of Im(A)."""
    identity = operator.columns.identity
    if not loss.projects_data or (identity and np.array_equal(v.mid, y)):
        return loss.enclose(v, y)
    difference = operator.columns.coordinates(v - IntervalMatrix.from_exact(y))
    value = loss_scale(loss, y.size) * vector_norm(difference) ** 2
    return (
        value if identity else value / (operator.columns.singular_value_range * operator.columns.singular_value_range)
    )


def loss_scale(loss: Any, m: int) -> Bound:
    """Return the factor c of a loss on m observations."""
    return Bound.exact(resolve_scale(loss.scale, m))
