"""What a node must say about itself, and what it is told: bounds of its inputs on a ball, its adjoint Jacobian."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from dipproofs.enclosures.norms import euclidean, frobenius_upper
from dipproofs.enclosures.rounding import TINY, Array
from dipproofs.enclosures.spectral import norm_upper, spectral_upper
from dipproofs.enclosures.upward import multiply_up, norm_up, upward
from dipproofs.graph.node import Node
from dipproofs.graph.operations import OPERATIONS
from dipproofs.networks.graph_network.point import Point
from dipproofs.theory.architectures import graph_nodes as t


@dataclass(frozen=True, eq=False)
class NodeBounds:
    """Upper bounds on the ball, J blocks.

    Args:
        d: (J,) of ‖D_j‖. r: (J,) of the largest row norm of D_j. E: (J, J) of the second derivative by blocks.
    """

    d: Array
    r: Array
    E: Array

    @classmethod
    def zero(cls, count: int) -> NodeBounds:
        """A node that does not depend on the parameters."""
        return cls(np.zeros(count), np.zeros(count), np.zeros((count, count)))

    @cached_property
    def length(self) -> float:
        """|d|."""
        return float(norm_up(self.d))

    @cached_property
    def row_length(self) -> float:
        """|r|."""
        return float(norm_up(self.r))


@dataclass(frozen=True, eq=False)
class Ball:
    """The ball of a radius around a point, with the bounds of the nodes so far."""

    point: Point
    rho: float
    bounds: dict[int, NodeBounds]
    rules: Mapping[str, NodeRule]

    def of(self, place: int) -> NodeBounds:
        """Bounds of an earlier node."""
        return self.bounds[place]

    def scaled(self, place: int, sigma: Array) -> NodeBounds:
        """Bounds of diag(σ)z of an earlier node z, σ ≥ 0 of its shape: never worse than max σ times those of z."""
        plain = times(self.of(place), float(sigma.max(initial=0.0)))
        if not self.point.graph.trained[place]:
            return plain
        sharp = self.rules[self.point.graph.nodes[place].op].scaled(self, place, sigma)
        return plain if sharp is None else smaller(plain, sharp)

    def radius(self, place: int) -> float:
        """How far an entry of a node moves on the ball: ρ·min(|r|, |d|)."""
        found = self.of(place)
        symbols = {t.rho: self.rho, t.row_length_x: found.row_length, t.length_x: found.length}
        return float(upward(t.RADIUS, symbols))

    def inputs(self, node: Node) -> dict[object, Array]:
        """Values of the symbols of a node with inputs x (the first) and w (the second, if there is one)."""
        x = self.of(node.inputs[0])
        values: dict[object, Array] = {t.rho: np.asarray(self.rho)}
        values |= {t.d_xj: x.d[:, None], t.d_xk: x.d[None, :], t.r_xj: x.r[:, None], t.r_xk: x.r[None, :], t.E_x: x.E}
        values |= {t.length_x: np.asarray(x.length), t.row_length_x: np.asarray(x.row_length)}
        if len(node.inputs) == 2:
            values |= self.second(self.of(node.inputs[1]))
        return values

    @staticmethod
    def second(w: NodeBounds) -> dict[object, Array]:
        """Values of the symbols of the input w."""
        return {
            t.d_wj: w.d[:, None],
            t.d_wk: w.d[None, :],
            t.r_wj: w.r[:, None],
            t.r_wk: w.r[None, :],
            t.E_w: w.E,
            t.length_w: np.asarray(w.length),
        }


def block_bounds(d: Array, r: Array, E: Array) -> NodeBounds:
    """Bounds from formulas in the block j (columns (J, 1)); rows are at most the whole."""
    whole = np.broadcast_to(d, (len(E), 1))[:, 0]
    return NodeBounds(whole, np.minimum(np.broadcast_to(r, (len(E), 1))[:, 0], whole), E)


def times(bounds: NodeBounds, factor: float) -> NodeBounds:
    """Bounds of a multiple."""
    scale = np.asarray(factor)
    return NodeBounds(*(multiply_up(scale, part) for part in (bounds.d, bounds.r, bounds.E)))


def smaller(a: NodeBounds, b: NodeBounds) -> NodeBounds:
    """The smaller of two bounds of one node, entry by entry."""
    d = np.minimum(a.d, b.d)
    return NodeBounds(d, np.minimum(np.minimum(a.r, b.r), d), np.minimum(a.E, b.E))


@dataclass(frozen=True, eq=False)
class Adjoint:
    """An adjoint Jacobian B̃, exact floats, with the norms that nodes ask for, worked out once.

    Args:
        array: (m, N).
        coarse: take Frobenius norms for operator norms, up to √m times larger: for many rows the work is in these.
    """

    array: Array
    coarse: bool = False

    @cached_property
    def frobenius(self) -> float:
        """Upper bound of the Frobenius norm."""
        return frobenius_upper(self.array)

    @cached_property
    def norm(self) -> float:
        """Upper bound of the operator norm."""
        return self.frobenius if self.coarse else min(norm_upper(self.array), self.frobenius)

    def of_groups(self, groups: Array) -> Array:
        """Upper bounds of the norms of some columns each, (groups, m, P)."""
        found = norm_up(groups.reshape(len(groups), -1), 1) if self.coarse else spectral_upper(groups)
        return np.minimum(self.norm, found)

    @cached_property
    def columns(self) -> Array:
        """Upper bounds of the Euclidean norms of the columns."""
        return euclidean(self.array, 0)[1]

    def weighted(self, factors: Array) -> float:
        """Upper bound of ‖B̃ diag(factors)‖ for factors ≥ 0: of the factors rounded up to what floats multiply."""
        if not np.isfinite(factors).all():
            return float("inf")
        largest = float(factors.max(initial=0.0))
        if largest == 0.0:
            return 0.0
        scaled = self.array * factors
        rounding = 2.0**-52 * largest * self.frobenius + 2 * TINY * math.sqrt(scaled.size)
        found = frobenius_upper(scaled) if self.coarse else norm_upper(scaled)
        whole = np.nextafter(found + rounding, np.inf)
        return float(min(whole, np.nextafter(largest * self.norm, np.inf)))


@dataclass(frozen=True, eq=False)
class Curvature:
    """What a node adds: N (J, J) or None, and by input how far B̃∂op moves on the ball."""

    N: Array | None
    changes: tuple[float, ...]


class NodeRule(ABC):
    """Bounds of one operation; the formulas are those of `dipproofs.theory.architectures.graph_nodes`.

    Attributes:
        multiplies: whether the adjoint multiplies entries, which may underflow.
    """

    multiplies: ClassVar[bool] = True

    @abstractmethod
    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """Bound the derivatives of the node on the ball."""

    def scaled(self, ball: Ball, place: int, sigma: Array) -> NodeBounds | None:
        """Bound diag(σ)z directly, where that is sharper than max σ times the bounds of z; None elsewhere."""
        return None

    def parts(self, point: Point, place: int, cotangents: Array) -> tuple[Array, ...]:
        """Apply the adjoint of the derivative at θ_0 to rows, in floats: one array (rows, *shape) for each input."""
        node = point.graph.nodes[place]
        inputs = [point.mid(i) for i in node.inputs]
        with np.errstate(all="ignore"):
            return OPERATIONS[node.op].vjp(node, inputs, point.mid(place), cotangents, point.graph)

    @abstractmethod
    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """Bound, for each input, ‖part − B̃∂op‖_F/‖B̃‖_F: rounding, and midpoints in place of exact values."""

    def underflow(self, point: Point, place: int) -> float:
        """Bound what underflow takes from an entry of a part: at most one product for each entry of the node."""
        return 8.0 * (point.graph.nodes[place].size + 4) * TINY if self.multiplies else 0.0

    def curvature(self, ball: Ball, place: int, adjoint: Adjoint) -> Curvature:
        """Bound the curvature term and the changes of the adjoint; 0 for (piecewise) linear maps."""
        return Curvature(None, (0.0,) * len(ball.point.graph.nodes[place].inputs))
