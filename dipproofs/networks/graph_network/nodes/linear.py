"""Linear nodes: index maps, constant matrices, sums, scalings; frozen piecewise linear ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dipproofs.enclosures.rounding import UNIT, Array, gamma, inflation
from dipproofs.enclosures.spectral import spectral_upper
from dipproofs.enclosures.upward import add_up, multiply_up, norm_up, root_up, sum_up, upward
from dipproofs.graph.operations.base import factor
from dipproofs.graph.operations.gather import scatter_add
from dipproofs.networks.graph_network.nodes.base import Ball, NodeBounds, NodeRule, block_bounds
from dipproofs.networks.graph_network.point import Point
from dipproofs.theory.architectures import graph_nodes as t


class Leaf(NodeRule):
    """A parameter is its own block; a constant does not move."""

    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """‖D‖ = 1 in the own block."""
        result = NodeBounds.zero(len(ball.point.leaves))
        block = ball.point.blocks.get(place)
        if block is not None:
            result.d[block] = result.r[block] = 1.0
        return result

    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """No inputs."""
        return ()


class Gather(NodeRule):
    """An index map of one or more inputs: its norm is √(largest multiplicity), inputs keep their rows."""

    multiplies = False

    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """Roots of sums of squares over the inputs; the largest of their rows."""
        node = ball.point.graph.nodes[place]
        found: NodeBounds | None = None
        for source, copies in zip(node.inputs, multiplicities(ball.point, place)):
            x = ball.of(source)
            size = root_up(np.asarray(float(copies)))
            values = {t.norm_U: size, t.d_xj: x.d, t.E_x: x.E}
            part = NodeBounds(
                upward(t.LINEAR_D, values), x.r if copies else np.zeros_like(x.r), upward(t.LINEAR_E, values)
            )
            found = part if found is None else joined(found, part)
        assert found is not None
        return NodeBounds(found.d, np.minimum(found.r, found.d), found.E)

    def scaled(self, ball: Ball, place: int, sigma: Array) -> NodeBounds | None:
        """One input: the largest root of a sum of σ² over the copies of an entry."""
        node = ball.point.graph.nodes[place]
        if len(node.inputs) > 1:
            return None
        indices = ball.point.graph.constants[node["indices"]].reshape(-1)
        keep = indices >= 0
        squares = np.bincount(indices[keep], weights=multiply_up(sigma.reshape(-1)[keep], sigma.reshape(-1)[keep]))
        size = root_up(np.asarray(squares.max(initial=0.0) * inflation(indices.size)))
        x, largest = ball.of(node.inputs[0]), np.asarray(sigma.max())
        values = {t.norm_U: size, t.d_xj: x.d, t.E_x: x.E}
        d = upward(t.LINEAR_D, values)
        return NodeBounds(d, np.minimum(multiply_up(largest, x.r), d), upward(t.LINEAR_E, values))

    def parts(self, point: Point, place: int, cotangents: Array) -> tuple[Array, ...]:
        """Pieces that stand together are sliced, equal numbers of copies are summed side by side."""
        node = point.graph.nodes[place]
        plans = point.once(("plans", place), lambda: _plans(point, place))
        flat = cotangents.reshape(len(cotangents), -1)
        parts = []
        for source, plan in zip(node.inputs, plans):
            shape = point.graph.nodes[source].shape
            parts.append(plan(flat).reshape(len(flat), *shape) if point.graph.trained[source] else np.empty(0))
        return tuple(parts)

    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """Sums of as many terms as an entry has copies."""
        return tuple(
            0.0 if copies <= 1 else gamma(copies) * float(root_up(np.asarray(float(copies))))
            for copies in multiplicities(point, place)
        )


Plan = Callable[[Array], Array]


def _plans(point: Point, place: int) -> list[Plan]:
    """For each input how its part is read off the cotangents."""
    node = point.graph.nodes[place]
    indices = point.graph.constants[node["indices"]].reshape(-1)
    plans, start = [], 0
    for source in node.inputs:
        size = point.graph.nodes[source].size
        places = np.flatnonzero((indices >= start) & (indices < start + size))
        plans.append(_plan(places, indices[places] - start, size))
        start += size
    return plans


def _plan(places: np.ndarray, targets: np.ndarray, size: int) -> Plan:
    """Sum the entries at `places` into `targets`, which are entries of an input of a given size."""
    counts = np.bincount(targets, minlength=size)
    copies = int(counts[0]) if (counts == counts[0]).all() else 0
    if copies:
        order = places if (np.diff(targets) >= 0).all() else places[np.argsort(targets, kind="stable")]
        together = bool((np.diff(order) == 1).all())
        chosen: slice | np.ndarray = slice(int(order[0]), int(order[-1]) + 1) if together else order
        if copies == 1:
            return lambda flat: flat[:, chosen]
        return lambda flat: flat[:, chosen].reshape(len(flat), size, copies).sum(axis=2)
    return lambda flat: scatter_add(flat[:, places], targets, size)


def multiplicities(point: Point, place: int) -> tuple[int, ...]:
    """For each input the largest number of times one of its entries is read."""

    def count() -> tuple[int, ...]:
        node = point.graph.nodes[place]
        indices = point.graph.constants[node["indices"]].reshape(-1)
        sizes = [point.graph.nodes[i].size for i in node.inputs]
        counts = np.bincount(indices[indices >= 0], minlength=sum(sizes))
        ends = np.cumsum(sizes)
        return tuple(int(counts[end - size : end].max(initial=0)) for size, end in zip(sizes, ends))

    return point.once(("multiplicities", place), count)


def joined(a: NodeBounds, b: NodeBounds) -> NodeBounds:
    """Bounds of two nodes stacked."""
    left, right = (t.stacked_a, t.stacked_b)
    return NodeBounds(
        upward(t.STACKED, {left: a.d, right: b.d}), np.maximum(a.r, b.r), upward(t.STACKED, {left: a.E, right: b.E})
    )


class Linear(NodeRule):
    """A node that is one constant matrix U: three numbers of it suffice."""

    def norms(self, point: Point, place: int) -> tuple[float, float, float]:
        """Upper bounds of ‖U‖, its largest row sum and its largest row length."""
        raise NotImplementedError

    def rounding(self, point: Point, place: int) -> float:
        """Bound of the relative defect: one rounding where a number is multiplied."""
        return 2 * UNIT * self.norms(point, place)[0] if self.multiplies else 0.0

    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """Multiply by the norms."""
        norm, one, two = ball.point.once(("norms", place), lambda: self.norms(ball.point, place))
        values = ball.inputs(ball.point.graph.nodes[place]) | {t.norm_U: norm, t.row_one: one, t.row_two: two}
        return block_bounds(upward(t.LINEAR_D, values), upward(t.LINEAR_R, values), upward(t.LINEAR_E, values))

    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """One input."""
        return (point.once(("rounding", place), lambda: self.rounding(point, place)),)


class Contract(Linear):
    """A constant matrix along one axis."""

    def norms(self, point: Point, place: int) -> tuple[float, float, float]:
        """Norms of the matrix."""
        matrix = self._matrix(point, place)
        sizes = np.abs(matrix)
        return float(spectral_upper(matrix)), float(sum_up(sizes, 1).max()), float(norm_up(matrix, 1).max())

    def rounding(self, point: Point, place: int) -> float:
        """γ‖|U|‖."""
        matrix = self._matrix(point, place)
        return gamma(matrix.shape[0] + 2) * float(spectral_upper(np.abs(matrix)))

    @staticmethod
    def _matrix(point: Point, place: int) -> Array:
        return point.graph.constants[point.graph.nodes[place]["matrix"]]


class Sum(Linear):
    """Sums of P entries; the adjoint repeats, without rounding."""

    multiplies = False

    def norms(self, point: Point, place: int) -> tuple[float, float, float]:
        """√P, P, √P."""
        shape = point.mid(point.graph.nodes[place].inputs[0]).shape
        count = float(math.prod(shape[axis] for axis in point.graph.nodes[place]["axes"]))
        root = float(root_up(np.asarray(count)))
        return root, count, root


class Scale(Linear):
    """Constants times the entries."""

    def norms(self, point: Point, place: int) -> tuple[float, float, float]:
        """The largest absolute constant, three times."""
        largest = float(np.abs(factor(point.graph, point.graph.nodes[place]["factor"])).max())
        return largest, largest, largest


class Shift(Linear):
    """Adding a constant changes no derivative."""

    multiplies = False

    def norms(self, point: Point, place: int) -> tuple[float, float, float]:
        """The identity."""
        return 1.0, 1.0, 1.0


class Add(NodeRule):
    """Signed sums."""

    multiplies = False

    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """Sums of the bounds."""
        return self._sum([ball.of(i) for i in ball.point.graph.nodes[place].inputs])

    def scaled(self, ball: Ball, place: int, sigma: Array) -> NodeBounds | None:
        """Sums of the scaled bounds."""
        return self._sum([ball.scaled(i, sigma) for i in ball.point.graph.nodes[place].inputs])

    @staticmethod
    def _sum(parts: list[NodeBounds]) -> NodeBounds:
        first, *others = parts
        for other in others:
            first = NodeBounds(add_up(first.d, other.d), add_up(first.r, other.r), add_up(first.E, other.E))
        return NodeBounds(first.d, np.minimum(first.r, first.d), first.E)

    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """Changing a sign is exact."""
        return (0.0,) * len(point.graph.nodes[place].inputs)


class Frozen(Linear):
    """A piecewise linear function or a maximum, every entry kept on the piece that it uses at θ_0 (Theorem 5)."""

    def norms(self, point: Point, place: int) -> tuple[float, float, float]:
        """The largest absolute slope; 1 for a maximum."""
        node = point.graph.nodes[place]
        largest = max(abs(float(s)) for s in node["slopes"]) if node.op == "piecewise" else 1.0
        return largest, largest, largest
