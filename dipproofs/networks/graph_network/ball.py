"""Bounds of all nodes on a ball: the recursion of docs/theory-graphs.md §3, restarted from exact Jacobians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.enclosures.rounding import Array
from dipproofs.enclosures.upward import norm_up, upward
from dipproofs.graph.format import Graph
from dipproofs.networks.graph_network.nodes import RULES
from dipproofs.networks.graph_network.nodes.base import Ball, NodeBounds
from dipproofs.networks.graph_network.point import Point
from dipproofs.networks.graph_network.reverse import chunk_rows, reduced
from dipproofs.theory.architectures import graph_nodes as t

_READERS = {"conv", "matmul", "entrywise", "normalise", "softmax"}


@dataclass(frozen=True)
class Effort:
    """What exact Jacobians of inner nodes may cost.

    Args:
        entries: nodes with at most so many entries are restarted from their exact Jacobian; 0 for none.
    """

    entries: int = 1024


def bound_nodes(point: Point, rho: float, effort: Effort) -> Ball:
    """Bound D and D² of every node on the ball of radius ρ.

    Args:
        point: the graph at θ_0. rho: radius. effort: budget of the restarts.

    Notes:
        Every bound uses only the bounds of earlier nodes, on the whole ball. Evidence: that of the point. Piecewise
        linear nodes are kept on their piece (Theorem 5): `kinks` says up to which radius that is the network.
    """
    graph = point.graph
    ball = Ball(point, rho, {}, RULES)
    restarts = restart_places(point, effort)
    zero = NodeBounds.zero(len(point.leaves))
    for place in range(graph.output + 1):
        if not graph.trained[place]:
            ball.bounds[place] = zero
            continue
        ball.bounds[place] = RULES[graph.nodes[place].op].bounds(ball, place)
        if place in restarts:
            ball.bounds[place] = restarted(ball, place)
    return ball


def restart_places(point: Point, effort: Effort) -> frozenset[int]:
    """Small nodes that a node with much curvature reads, leaves and what only moves their entries excepted."""

    def make() -> frozenset[int]:
        graph = point.graph
        plain = set(point.leaves)
        for place, node in enumerate(graph.nodes):
            if node.op in ("gather", "scale", "shift") and all(i in plain or not graph.trained[i] for i in node.inputs):
                plain.add(place)
        read = {i for node in graph.nodes if node.op in _READERS for i in node.inputs}
        return frozenset(
            place
            for place in read
            if graph.trained[place] and place not in plain and graph.nodes[place].size <= effort.entries
        )

    return point.once(("restarts", effort), make)


def work(point: Point, effort: Effort) -> float:
    """Multiplications that the restarts need, about: reverse passes, and Gram matrices of the Jacobians by block."""
    graph = point.graph
    total = 0.0
    for place in restart_places(point, effort):
        reached, size = {place}, graph.nodes[place].size
        for here in range(place, -1, -1):
            if here in reached and graph.trained[here]:
                reached.update(graph.nodes[here].inputs)
                columns = graph.nodes[here].size if here in point.blocks else 0
                total += float(size) * (min(size, columns) * columns + _products(graph, here))
    return total


def _products(graph: Graph, place: int) -> float:
    """Multiplications of one reverse pass through a node."""
    node = graph.nodes[place]
    if node.op not in ("conv", "matmul"):
        return float(node.size)
    first, second = (graph.nodes[i] for i in node.inputs)
    return 2.0 * node.size * (second.size / second.shape[0] if node.op == "conv" else first.shape[-1])


def restarted(ball: Ball, place: int) -> NodeBounds:
    """Bounds from the Jacobian of the node at θ_0, where they are smaller than those of the recursion."""
    point, found = ball.point, ball.of(place)
    size, shape = point.graph.nodes[place].size, point.graph.nodes[place].shape

    def identity() -> Array:
        return np.eye(size).reshape(size, *shape)

    exact = reduced(point, place, "identity", identity, chunk_rows(point, place))
    error = exact.errors(ball)
    values = {t.error: error, t.rho: ball.rho, t.row_E: norm_up(found.E, 1)}
    live = found.d > 0
    d = np.where(live, np.minimum(found.d, upward(t.RESTART, values | {t.exact: exact.norms})), 0.0)
    r = np.where(live, np.minimum(found.r, upward(t.RESTART, values | {t.exact: exact.rows.max(axis=0)})), 0.0)
    return NodeBounds(d, np.minimum(r, d), found.E)
