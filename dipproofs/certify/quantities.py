"""The base quantities of a certificate at one iterate: enclosed, or estimated for the search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..networks import TwoLayer
from ..networks.enclosure import HiddenLayer, enclose_hidden, enclose_signal, vector_norm
from ..rigor import Bound, IntervalMatrix, IntervalVector, enclose, lambda_max, lambda_min, norm, sigma_min
from ..theory import ACTIVATIONS
from ..theory import symbols as s
from ..theory.core import quantities
from ..theory.losses import resolve_scale
from .operator_bounds import OperatorBounds

#: Published enclosures are widened by this much, so that another arithmetic has room to confirm them.
ROOM = 1e-9
#: A Gram matrix whose λ_min is known less well than this is replaced by its factor.
_GRAM_WIDTH = 1e-7

NAMES = {q.symbol: name for name, q in quantities().items()}


@dataclass(frozen=True, eq=False)
class Base:
    """Everything about (A, y, θ, loss) that the theorem's constants are made of.

    Args:
        values: Bound by symbol of `dipproofs.theory.symbols`.
        train, m, n, rank: what is trained, sizes, rank of A.
        residual_scale: 2c for the loss c‖r‖², else None.
        loss_parameters: Bound by symbol, of the loss's own constants.
    """

    values: Mapping[Any, Bound]
    train: str
    m: int
    n: int
    rank: int | None
    residual_scale: Bound | None
    loss_parameters: Mapping[Any, Bound] = field(default_factory=dict)


def widened(bound: Bound, relative: float = ROOM) -> Bound:
    """Return the bound pushed outward by a relative amount (never below 0 for a non-negative bound)."""
    if not bound.is_finite or bound.is_point:
        return bound
    lower = bound.lower - relative * abs(bound.lower)
    upper = bound.upper + relative * abs(bound.upper)
    return Bound(math.nextafter(lower, -math.inf), math.nextafter(upper, math.inf), bound.evidence)


def enclose_base(
    operator: OperatorBounds, y: np.ndarray, network: TwoLayer, loss: Any, *, unprojected: bool
) -> Base:
    """Enclose all base quantities at an iterate; evidence proved.

    Args:
        operator: `bound_operator` of A (or AB), with rank decided.
        y: (m,) exact floats.
        network: parameters θ_t.
        loss: runtime loss.
        unprojected: also enclose σ_min(J) and max‖v_j‖, which only the paper's own form uses.
    """
    hidden = enclose_hidden(network)
    k = Bound.exact(network.width)
    V = IntervalMatrix.from_exact(network.V)
    AV = operator.matrix @ V
    values: dict[Any, Bound] = {s.norm_u: hidden.norm_u, s.norm_phi: hidden.norm_phi}
    values |= {s.norm_A: operator.norm, s.sigma_A: operator.sigma, s.norm_V: norm(AV)}
    gram = _Gram(network.train, hidden, k)
    rows, columns = operator.rows, operator.columns
    CAV = columns.coordinates(AV)
    CA = columns.coordinates(operator.matrix)
    same = rows.rows is operator.matrix and columns.identity
    values[s.sigma_AJ] = _injectivity(gram, CAV, CA, operator.gram, same) / columns.stretch_range
    values[s.norm_AJ] = gram.largest(CAV, operator.gram) / columns.stretch_range
    BV = AV if same else rows.coordinates(V)
    if same:
        values[s.sigma_J] = values[s.sigma_AJ]
    elif rows.rows is None:
        whole = IntervalMatrix.from_exact(np.eye(V.shape[0]))
        values[s.sigma_J] = _injectivity(gram, V, whole, whole, True)
    else:
        values[s.sigma_J] = _injectivity(gram, BV, rows.rows, rows.rows.gram()) / rows.stretch_range
    values[s.sigma_in] = gram.inner_smallest(BV) / rows.stretch_range
    values[s.sigma_A_in] = values[s.sigma_in] if same else gram.inner_smallest(CAV) / columns.stretch_range
    values[s.c_0] = _largest_column(BV) / rows.stretch_range
    values[s.c_A0] = _largest_column(AV)
    if unprojected:
        values[s.c_full] = _largest_column(V)
        values[s.sigma_min_J] = values[s.sigma_J]
        if rows.rows is not None:
            whole = IntervalMatrix.from_exact(np.eye(V.shape[0]))
            values[s.sigma_min_J] = _injectivity(gram, V, whole, whole, True)
    v = _prediction(operator, network, hidden)
    values[s.loss_0] = _loss_value(operator, loss, v, y)
    values = {symbol: widened(bound) for symbol, bound in values.items()}
    values[s.width] = k
    constants = loss.constants(y, values[s.loss_0])
    for symbol in (s.loss_gradient, s.loss_curvature):
        values[symbol] = constants[symbol]
    values[s.psi_0] = _psi(loss, values[s.loss_0], constants)
    return _assemble(values, network, operator.matrix.shape, operator.rank, loss, y, constants)


def _assemble(
    values: dict[Any, Bound],
    network: TwoLayer,
    shape: tuple[int, ...],
    rank: int | None,
    loss: Any,
    y: np.ndarray,
    constants: Mapping[Any, Bound],
) -> Base:
    activation = ACTIVATIONS[network.activation]
    values[s.B_1], values[s.B_2] = enclose(activation.B_1, {}), enclose(activation.B_2, {})
    scale = 2 * loss_scale(loss, y.size) if loss.projects_data else None
    return Base(values, network.train, shape[0], shape[1], rank, scale, constants)


def _psi(loss: Any, loss_0: Bound, constants: Mapping[Any, Bound]) -> Bound:
    return enclose(loss.psi, {**constants, s.e: loss_0})


@dataclass(frozen=True)
class _Gram:
    """X J JᵀXᵀ for given X, from its two blocks."""

    train: str
    hidden: HiddenLayer
    k: Bound

    @property
    def inner_factor(self) -> Bound:
        return self.hidden.norm_u / self.k.sqrt()

    @property
    def outer_factor(self) -> Bound:
        return self.hidden.norm_phi / self.k.sqrt()

    def inner(self, XV: IntervalMatrix) -> IntervalMatrix:
        """Return N_X = (‖u‖/√k) X V diag(φ')."""
        return XV.scale_columns(self.hidden.dphi).scale(self.inner_factor)

    def matrix(self, XV: IntervalMatrix, square: IntervalMatrix) -> IntervalMatrix:
        parts = []
        if self.train != "outer":
            parts.append(self.inner(XV).gram())
        if self.train != "inner":
            parts.append(square.scale(self.outer_factor * self.outer_factor))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def factor(self, XV: IntervalMatrix, X: IntervalMatrix) -> IntervalMatrix:
        parts = []
        if self.train != "outer":
            parts.append(self.inner(XV))
        if self.train != "inner":
            parts.append(X.scale(self.outer_factor))
        return parts[0] if len(parts) == 1 else _beside(*parts)

    def largest(self, XV: IntervalMatrix, square: IntervalMatrix) -> Bound:
        top = lambda_max(self.matrix(XV, square))
        return Bound(max(top.lower, 0.0), max(top.upper, 0.0)).sqrt()

    def inner_smallest(self, XV: IntervalMatrix) -> Bound:
        """σ_min of the inner block on the subspace: exactly 0 when k is below its dimension."""
        if self.train == "outer" or XV.shape[1] < XV.shape[0]:
            return Bound.exact(0)
        return sigma_min(self.inner(XV))


def _injectivity(
    gram: _Gram, XV: IntervalMatrix, X: IntervalMatrix, square: IntervalMatrix, orthonormal: bool = False
) -> Bound:
    """Return σ_min of the factor of X J JᵀXᵀ, through the Gram matrix when that is accurate enough."""
    if XV.shape[1] < XV.shape[0]:
        if gram.train == "inner":
            return Bound.exact(0)
        if orthonormal:
            # the inner block has a kernel, and there X J JᵀXᵀ is (‖φ‖²/k) I
            return gram.outer_factor
    least = lambda_min(gram.matrix(XV, square))
    if least.lower > 0 and least.relative_width < _GRAM_WIDTH:
        return least.sqrt()
    direct = sigma_min(gram.factor(XV, X))
    return direct.intersect(Bound(max(least.lower, 0.0), max(least.upper, 0.0)).sqrt())


def _largest_column(matrix: IntervalMatrix) -> Bound:
    lower, upper = matrix.column_norms()
    return Bound(float(np.max(lower)), float(np.max(upper)))


def _beside(left: IntervalMatrix, right: IntervalMatrix) -> IntervalMatrix:
    return IntervalMatrix(np.hstack([left.mid, right.mid]), np.hstack([left.radius(), right.radius()]))


def _prediction(operator: OperatorBounds, network: TwoLayer, hidden: HiddenLayer) -> IntervalVector:
    v = operator.matrix @ enclose_signal(network, hidden)
    if not network.output_offset:
        return v
    ones = IntervalMatrix.from_exact(np.full(network.n, network.output_offset))
    return v + operator.exact @ ones


def _loss_value(operator: OperatorBounds, loss: Any, v: IntervalVector, y: np.ndarray) -> Bound:
    """Enclose L_y(v); for r < m and a loss that projects, the loss of C(v − y) with C the basis of Im(A)."""
    if operator.columns.identity or not loss.projects_data:
        return loss.enclose(v, y)
    difference = operator.columns.coordinates(v - IntervalMatrix.from_exact(y))
    squared = vector_norm(difference) ** 2
    value = loss_scale(loss, y.size) * squared
    return value / (operator.columns.stretch_range * operator.columns.stretch_range)


def loss_scale(loss: Any, m: int) -> Bound:
    """Return the factor c of a loss on m observations."""
    return Bound.exact(resolve_scale(loss.scale, m))
