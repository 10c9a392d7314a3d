"""The base quantities of a certificate at one iterate: enclosed, or estimated for the search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dipproofs.certify.operator_bounds import OperatorBounds
from dipproofs.enclosures import Bound, IntervalMatrix, IntervalVector, enclose, norm
from dipproofs.networks import TwoLayer
from dipproofs.networks.two_layer.blocks import Blocks
from dipproofs.networks.two_layer.enclosure import HiddenLayer, enclose_hidden, enclose_signal, vector_norm
from dipproofs.theory import ACTIVATIONS
from dipproofs.theory import symbols as s
from dipproofs.theory.core import quantities
from dipproofs.theory.losses import resolve_scale

#: Published enclosures are widened by this much, so that another arithmetic has room to confirm them.
ROOM = 1e-9

NAMES = {q.symbol: name for name, q in quantities().items()}


@dataclass(frozen=True, eq=False)
class Base:
    """Everything about (A, y, θ, loss) that the theorem's constants are made of.

    Args:
        values: Bound by symbol of `dipproofs.theory.symbols`.
        train, m, n, rank: what is trained, sizes, rank of A.
        residual_scale: 2c for the loss c‖r‖², else None.
        loss_parameters: Bound by symbol, of the loss's own constants.
        prediction: v = A g, enclosed, or floats where the quantities are estimated.
    """

    values: Mapping[Any, Bound]
    train: str
    m: int
    n: int
    rank: int | None
    residual_scale: Bound | None
    loss_parameters: Mapping[Any, Bound] = field(default_factory=dict)
    prediction: Any = None


def widened(bound: Bound, relative: float = ROOM) -> Bound:
    """Return the bound pushed outward by a relative amount (never below 0 for a non-negative bound)."""
    if not bound.is_finite:
        return bound
    lower = bound.lower - relative * abs(bound.lower)
    upper = bound.upper + relative * abs(bound.upper)
    if lower == upper == 0:
        return bound
    low = math.nextafter(lower, -math.inf)
    return Bound(max(low, 0.0) if bound.lower >= 0 else low, math.nextafter(upper, math.inf), bound.evidence)


def enclose_base(operator: OperatorBounds, y: np.ndarray, network: TwoLayer, loss: Any, *, unprojected: bool) -> Base:
    """Enclose all base quantities at an iterate; evidence proved.

    Args:
        operator: `bound_operator` of A (or AB), with rank decided.
        y: (m,) exact floats.
        network: parameters θ_t.
        loss: runtime loss.
        unprojected: also enclose σ_min(J) and max‖v_j‖, which only the paper's own form uses.
    """
    hidden = enclose_hidden(network)
    AV = operator.apply_exact(network.V)
    rows, columns = operator.rows, operator.columns
    values: dict[Any, Bound] = {s.norm_u: hidden.norm_u, s.norm_phi: hidden.norm_phi}
    values |= {s.norm_A: operator.norm, s.sigma_A: operator.sigma}
    observed = Blocks(network.train, hidden, columns.coordinates(AV), operator.coordinates, operator.orthonormal)
    shared = columns.identity and AV.shape[1] < AV.shape[0]
    values[s.norm_V] = observed.norm_XV if shared else norm(AV)
    values[s.sigma_AJ] = observed.smallest() / columns.stretch_range
    values[s.norm_AJ] = observed.largest() / columns.stretch_range
    values[s.sigma_A_in] = observed.inner_smallest / columns.stretch_range
    values[s.c_A0] = _largest_column(AV)
    if operator.orthonormal:
        signal, c_0 = observed, values[s.c_A0]
    else:
        BV = rows.coordinates(IntervalMatrix.from_exact(network.V))
        signal = Blocks(network.train, hidden, BV, rows.rows, rows.identity)
        c_0 = _largest_column(BV) / rows.stretch_range
    values[s.sigma_J] = signal.smallest() / rows.stretch_range
    values[s.sigma_in] = signal.inner_smallest / rows.stretch_range
    values[s.c_0] = c_0
    if unprojected:
        V = IntervalMatrix.from_exact(network.V)
        values[s.c_full] = _largest_column(V)
        whole = signal if rows.identity else Blocks(network.train, hidden, V, None, True)
        values[s.sigma_min_J] = whole.smallest()
    v = _prediction(operator, network, hidden)
    values[s.loss_0] = _loss_value(operator, loss, v, y)
    values = {symbol: widened(bound) for symbol, bound in values.items()}
    values[s.width] = Bound.exact(network.width)
    constants = loss.constants(y, values[s.loss_0])
    for symbol in (s.loss_gradient, s.loss_curvature):
        values[symbol] = constants[symbol]
    values[s.psi_0] = _psi(loss, values[s.loss_0], constants)
    return _assemble(values, network, operator.matrix.shape, operator.rank, loss, y, constants, v)


def enclose_loss(
    operator: OperatorBounds, y: np.ndarray, network: TwoLayer, loss: Any
) -> tuple[IntervalVector, Bound, Bound | None]:
    """Enclose A g, the loss and ψ there (None if the loss is not finite); nothing of the rank is needed."""
    v = _prediction(operator, network, enclose_hidden(network))
    loss_0 = widened(loss.enclose(v, y))
    return v, loss_0, _psi(loss, loss_0, loss.constants(y, loss_0)) if loss_0.is_finite else None


def _assemble(
    values: dict[Any, Bound],
    network: TwoLayer,
    shape: tuple[int, ...],
    rank: int | None,
    loss: Any,
    y: np.ndarray,
    constants: Mapping[Any, Bound],
    prediction: IntervalVector,
) -> Base:
    activation = ACTIVATIONS[network.activation]
    values[s.B_1], values[s.B_2] = enclose(activation.B_1, {}), enclose(activation.B_2, {})
    scale = 2 * loss_scale(loss, y.size) if loss.projects_data else None
    return Base(values, network.train, shape[0], shape[1], rank, scale, constants, prediction)


def _psi(loss: Any, loss_0: Bound, constants: Mapping[Any, Bound]) -> Bound:
    return loss.psi_bound(loss_0, constants)


def _largest_column(matrix: IntervalMatrix) -> Bound:
    lower, upper = matrix.column_norms()
    return Bound(float(np.max(lower)), float(np.max(upper)))


def _prediction(operator: OperatorBounds, network: TwoLayer, hidden: HiddenLayer) -> IntervalVector:
    v = operator.apply(enclose_signal(network, hidden))
    if not network.output_offset:
        return v
    ones = IntervalMatrix.from_exact(np.full(network.n, network.output_offset))
    exact = operator.matrix if operator.exact is None else operator.exact
    return v + exact @ ones


def _loss_value(operator: OperatorBounds, loss: Any, v: IntervalVector, y: np.ndarray) -> Bound:
    """Enclose L_y(v); for a loss that projects, that of C(v − y) with C the basis of Im(A)."""
    identity = operator.columns.identity
    if not loss.projects_data or (identity and np.array_equal(v.mid, y)):
        return loss.enclose(v, y)
    difference = operator.columns.coordinates(v - IntervalMatrix.from_exact(y))
    value = loss_scale(loss, y.size) * vector_norm(difference) ** 2
    return value if identity else value / (operator.columns.stretch_range * operator.columns.stretch_range)


def loss_scale(loss: Any, m: int) -> Bound:
    """Return the factor c of a loss on m observations."""
    return Bound.exact(resolve_scale(loss.scale, m))
