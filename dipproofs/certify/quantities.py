"""The base quantities of a certificate at one iterate: enclosed, or estimated for the search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..networks import TwoLayer
from ..networks.enclosure import HiddenLayer, enclose_hidden, enclose_signal, vector_norm
from ..rigor import Bound, Gram, IntervalMatrix, IntervalVector, enclose, lambda_max, lambda_min, norm, sigma_min
from ..rigor.norms import max_abs, operator_upper
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
    return loss.psi_bound(loss_0, constants)


@dataclass(frozen=True, eq=False)
class Blocks:
    """X J JᵀXᵀ = N N ᵀ + w² X Xᵀ, N = (‖u‖/√k) X V diag(φ'), w = ‖φ(a)‖/√k, for a given X.

    Args:
        train: which of the two blocks there are.
        hidden: the hidden layer.
        XV: (r, k) X V.
        X: (r, n) X; not needed when its rows are orthonormal.
        orthonormal: X Xᵀ = I exactly, so that the outer block only shifts the spectrum of the inner one.
    """

    train: str
    hidden: HiddenLayer
    XV: IntervalMatrix
    X: IntervalMatrix | None
    orthonormal: bool

    @property
    def _root_k(self) -> Bound:
        return Bound.exact(self.XV.shape[1]).sqrt()

    @property
    def outer_factor(self) -> Bound:
        """w, or 0 when V is not trained."""
        return Bound.exact(0) if self.train == "inner" else self.hidden.norm_phi / self._root_k

    @cached_property
    def inner_factor(self) -> IntervalMatrix:
        """N."""
        return self.XV.scale_columns(self.hidden.dphi).scale(self.hidden.norm_u / self._root_k)

    @cached_property
    def inner_gram(self) -> IntervalMatrix:
        """N Nᵀ."""
        return self.inner_factor.gram()

    @cached_property
    def inner_smallest(self) -> Bound:
        """σ_min of N: exactly 0 when k is below the number of rows, or W is not trained."""
        rows, k = self.XV.shape
        if self.train == "outer" or k < rows:
            return Bound.exact(0)
        least = lambda_min(self.inner_gram)
        return least.sqrt() if _accurate(least) else _intersection(sigma_min(self.inner_factor), least)

    @cached_property
    def inner_largest(self) -> Bound:
        """‖N‖, through the smaller Gram matrix."""
        if self.train == "outer":
            return Bound.exact(0)
        rows, k = self.XV.shape
        if k >= rows:
            return _root(lambda_max(self.inner_gram))
        # with D = diag(φ'), its midpoint D₀ and XV within E of its midpoint X₀:
        # |‖XV·D‖ − ‖X₀D₀‖| ≤ ‖E‖·max|d_j| + ‖X₀‖·max|d_j − d_0j|
        d = self.hidden.dphi
        away = Bound.exact(0 if d.rad is None else max_abs(d.rad))
        slack = self._slack * (Bound.exact(max_abs(d.mid)) + away) + _root(self._narrow_largest) * away
        centre = _root(self._narrow.scaled(d.mid).largest())
        return _nonnegative(centre + Bound(-slack.upper, slack.upper)) * (self.hidden.norm_u / self._root_k)

    @cached_property
    def norm_XV(self) -> Bound:
        """‖XV‖, through the k×k Gram matrix: radii move a singular value by at most their norm."""
        slack = self._slack.upper
        return _nonnegative(_root(self._narrow_largest) + Bound(-slack, slack))

    @cached_property
    def _narrow(self) -> Gram:
        """(XV)ᵀ(XV) of the midpoint, k×k."""
        return Gram.of_rows(self.XV.mid.T)

    @cached_property
    def _narrow_largest(self) -> Bound:
        return self._narrow.largest()

    @cached_property
    def _slack(self) -> Bound:
        return Bound.exact(operator_upper(self.XV.rad))

    @cached_property
    def gram(self) -> IntervalMatrix:
        """The sum of both blocks, as a matrix."""
        outer = self.X.gram().scale(self.outer_factor * self.outer_factor) if self.X is not None else None
        if self.train == "outer" and outer is not None:
            return outer
        return self.inner_gram if outer is None or self.train == "inner" else self.inner_gram + outer

    def smallest(self) -> Bound:
        """σ_min of the factor of X J JᵀXᵀ."""
        if self.orthonormal:
            return (self.inner_smallest * self.inner_smallest + self.outer_factor * self.outer_factor).sqrt()
        if self.train == "inner":
            return self.inner_smallest
        least = lambda_min(self.gram)
        return least.sqrt() if _accurate(least) else _intersection(sigma_min(self._factor()), least)

    def largest(self) -> Bound:
        """Operator norm of the factor of X J JᵀXᵀ."""
        if self.orthonormal:
            return (self.inner_largest * self.inner_largest + self.outer_factor * self.outer_factor).sqrt()
        return self.inner_largest if self.train == "inner" else _root(lambda_max(self.gram))

    def _factor(self) -> IntervalMatrix:
        """[N, wX], whose singular values are the square roots."""
        if self.X is None:
            return self.inner_factor
        outer = self.X.scale(self.outer_factor)
        if self.train == "outer":
            return outer
        left = self.inner_factor
        return IntervalMatrix(np.hstack([left.mid, outer.mid]), np.hstack([left.radius(), outer.radius()]))


def _accurate(least: Bound) -> bool:
    return least.lower > 0 and least.relative_width < _GRAM_WIDTH


def _root(square: Bound) -> Bound:
    return _nonnegative(square).sqrt()


def _nonnegative(bound: Bound) -> Bound:
    """Cut off what a norm cannot be."""
    return Bound(max(bound.lower, 0.0), max(bound.upper, 0.0), bound.evidence)


def _intersection(direct: Bound, square: Bound) -> Bound:
    return direct.intersect(_root(square))


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
