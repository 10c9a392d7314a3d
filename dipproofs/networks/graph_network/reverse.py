"""One reverse pass in floats for many rows, with the defect that it leaves at every node (docs/theory-graphs.md §2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.enclosures.norms import euclidean, frobenius_upper
from dipproofs.enclosures.rounding import UNIT, Array
from dipproofs.enclosures.upward import add_up, multiply_up, root_up, sum_up, upward
from dipproofs.networks.graph_network.nodes import RULES
from dipproofs.networks.graph_network.nodes.base import Ball
from dipproofs.networks.graph_network.point import Point
from dipproofs.networks.graph_network.stacked import StackedNorm
from dipproofs.theory.architectures import graph_nodes as t


@dataclass(frozen=True, eq=False)
class Reached:
    """A node whose adjoint is complete.

    Args:
        place: the node. adjoint: (rows, *shape) B̃. size: upper bound of ‖B̃‖_F. defect: upper bound of ‖R_x(θ_0)‖_F.
    """

    place: int
    adjoint: Array
    size: float
    defect: float


def reverse(point: Point, start: int, cotangents: Array, *, bounded: bool = True) -> Iterator[Reached]:
    """Yield the trained nodes that reach `start`, from it back to the parameters, each with its complete adjoint.

    Args:
        point: the graph at θ_0. start: the node whose derivative is meant. cotangents: (rows, *shape of start).
        bounded: whether sizes and defects are worked out; without them, floats for estimates.

    Notes:
        Theorem T: with R_x = Σ_l B̃_l∂_x op_l − B̃_x at θ_0, the Jacobian of cotangents·z_start is Σ over the
        parameters of B̃, plus Σ_x R_x D_x. Nothing about the floats is trusted but these bounds of R_x. An adjoint
        is let go as soon as it has been passed on.
    """
    graph = point.graph
    waiting: dict[int, Array] = {start: cotangents}
    defects: dict[int, float] = {start: 0.0}
    for place in range(start, -1, -1):
        if place not in waiting or not graph.trained[place]:
            continue
        adjoint = waiting.pop(place)
        size = frobenius_upper(adjoint.reshape(len(adjoint), -1)) if bounded else math.inf
        yield Reached(place, adjoint, size, defects.pop(place))
        node, rule = graph.nodes[place], RULES[graph.nodes[place].op]
        if not node.inputs:
            continue
        parts = rule.parts(point, place, adjoint)
        if not bounded:
            for source, part in zip(node.inputs, parts):
                if graph.trained[source]:
                    waiting[source], defects[source] = waiting[source] + part if source in waiting else part, math.inf
            del adjoint, parts
            continue
        tiny = np.asarray(rule.underflow(point, place))
        for source, part, relative in zip(node.inputs, parts, rule.defects(point, place)):
            if not graph.trained[source]:
                continue
            lost = multiply_up(tiny, root_up(np.asarray(float(part.size))))
            defect = float(add_up(multiply_up(np.asarray(relative), np.asarray(size)), lost))
            if source in waiting:
                total = waiting[source] + part
                rounding = 2 * UNIT * frobenius_upper(total.reshape(len(total), -1))
                waiting[source] = total
                defects[source] = float(sum_up(np.array([defects[source], defect, rounding])))
            else:
                waiting[source], defects[source] = part, defect
        del adjoint, parts


@dataclass(frozen=True, eq=False)
class Reduced:
    """What is kept of the Jacobian of some functionals of a node: norms by block, and the defects.

    Args:
        rows: (R, J) row norms by block. norms: (J,) operator norms by block. defects: ‖R_x‖ by place.
    """

    rows: Array
    norms: Array
    defects: dict[int, float]

    def errors(self, ball: Ball) -> Array:
        """‖M_j − M̃_j‖ ≤ Σ_x ‖R_x‖d_{x,j}, (J,)."""
        total = np.zeros(len(ball.point.leaves))
        for place, defect in self.defects.items():
            total = add_up(total, upward(t.DEFECT_D, {t.defect: defect, t.d_xj: ball.of(place).d}))
        return total


def reduced(point: Point, start: int, key: Any, cotangents: Callable[[], Array], chunk: int) -> Reduced:
    """The Jacobian of functionals of a node, reduced block by block; kept, because it does not depend on the ball.

    Args:
        point, start: the node. key: names the functionals. cotangents: makes them, (R, *shape).
        chunk: rows at a time.
    """

    def make() -> Reduced:
        given = cotangents()
        rows, blocks = np.zeros((len(given), len(point.leaves))), dict[int, StackedNorm]()
        defects: dict[int, float] = {}
        for first in range(0, len(given), chunk):
            part = given[first : first + chunk]
            for reached in reverse(point, start, part):
                if reached.defect:
                    defects[reached.place] = defects.get(reached.place, 0.0) + reached.defect * (1 + 1e-14)
                block = point.blocks.get(reached.place)
                if block is not None:
                    flat = reached.adjoint.reshape(len(part), -1)
                    rows[first : first + chunk, block] = euclidean(flat, 1)[1]
                    blocks.setdefault(block, StackedNorm(len(given), flat.shape[1])).add(flat)
        norms = np.zeros(len(point.leaves))
        for block, found in blocks.items():
            norms[block] = found.upper()
        return Reduced(rows, norms, defects)

    return point.once(("reduced", start, key), make)


def row_bounds(ball: Ball, start: int, key: Any, cotangents: Callable[[], Array]) -> Array:
    """Upper bounds of the row norms by block at θ_0 of functionals of a node, (R, J)."""
    found = reduced(ball.point, start, key, cotangents, chunk_rows(ball.point, start))
    live = ball.of(start).d > 0
    return np.where(live[None, :], add_up(found.rows, found.errors(ball)[None, :]), 0.0)


def chunk_rows(point: Point, start: int, budget: float = 2.0**29) -> int:
    """Rows that fit into a budget of bytes."""
    return max(1, int(budget / (8 * peak_entries(point, start))))


def peak_entries(point: Point, start: int) -> int:
    """Largest number of entries of adjoints that are alive at once, for one row, temporary arrays included."""

    def make() -> int:
        graph = point.graph
        alive, peak = {start: graph.nodes[start].size}, 1
        for place in range(start, -1, -1):
            if place not in alive or not graph.trained[place]:
                continue
            node = graph.nodes[place]
            sources = {i for i in node.inputs if graph.trained[i]}
            for source in sources:
                alive[source] = graph.nodes[source].size
            temporary = 2 * sum(graph.nodes[i].size for i in node.inputs) + node.size
            peak = max(peak, sum(alive.values()) + temporary)
            del alive[place]
        return peak

    return point.once(("peak", start), make)


def jacobian_rows(point: Point, start: int, cotangents: Array, memory: float = 2.0**32) -> Array:
    """Rows of the Jacobian of a node, (R, p), in floats; evidence estimated.

    Args:
        point, start: the node. cotangents: (R, size of the node). memory: bytes for the adjoints of one pass.
    """
    graph, m = point.graph, len(cotangents)
    result = np.zeros((m, graph.parameter_count))
    chunk = chunk_rows(point, start, memory)
    for first in range(0, m, chunk):
        rows = result[first : first + chunk]
        given = cotangents[first : first + chunk].reshape(-1, *graph.nodes[start].shape)
        for reached in reverse(point, start, given, bounded=False):
            if reached.place in point.columns:
                rows[:, point.columns[reached.place]] = reached.adjoint.reshape(len(rows), -1)
    return result
