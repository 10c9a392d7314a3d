"""Normalisation of groups of entries: n = (x − mean)/s, s = √(mean of squares + ε)."""

from __future__ import annotations

import math

import numpy as np

from dipproofs.enclosures.rounding import TINY, Array, gamma, inflation
from dipproofs.enclosures.upward import (
    add_up,
    divide_up,
    multiply_up,
    norm_up,
    subtract_down,
    upward,
)
from dipproofs.graph.node import Node
from dipproofs.networks.graph_network.forward import as_groups
from dipproofs.networks.graph_network.nodes.base import Adjoint, Ball, Curvature, NodeBounds, NodeRule, block_bounds
from dipproofs.networks.graph_network.point import Point
from dipproofs.theory.architectures import graph_nodes as t

#: Multiply-adds that separate norms for every block may cost; beyond, one norm serves for all.
_WORK = 4e9


class Normalise(NodeRule):
    """Instance, group, layer, RMS normalisation, batch normalisation of a batch of one."""

    def least_deviation(self, ball: Ball, place: int) -> Array:
        """Lower bound of s on the ball, by group: max(√ε, s − |d_x|ρ/√P)."""
        node = ball.point.graph.nodes[place]
        moved = multiply_up(np.asarray(ball.of(node.inputs[0]).length), np.asarray(ball.rho))
        moved = divide_up(moved, np.nextafter(np.sqrt(np.asarray(float(self._count(ball.point, place)))), 0.0))
        floor = np.nextafter(math.sqrt(float(node["epsilon"])), 0.0)
        return np.maximum(subtract_down(ball.point.values.deviations[place][0], moved), floor)

    @staticmethod
    def _count(point: Point, place: int) -> int:
        node = point.graph.nodes[place]
        return math.prod(node.shape[axis] for axis in node["axes"])

    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """Formulas normalise.d, .r, .E."""
        return self._bounds(ball, place, None)

    def scaled(self, ball: Ball, place: int, sigma: Array) -> NodeBounds | None:
        """One factor for each group goes through, because the derivative of a group is that group's business."""
        groups = as_groups(sigma, ball.point.graph.nodes[place]["axes"])[0]
        return self._bounds(ball, place, groups[:, 0]) if (groups == groups[:, :1]).all() else None

    def _bounds(self, ball: Ball, place: int, factors: Array | None) -> NodeBounds:
        """Bounds of factors·n, from those of x divided by s and multiplied by the factors, group by group."""
        point = ball.point
        over, one = self.over_deviation(ball, place, factors)
        greatest = {t.start: np.asarray(point.magnitude(place).max()), t.rho: ball.rho, t.deviation: 1.0}
        own = over if factors is None else self.over_deviation(ball, place, None)[0]
        one[t.greatest] = upward(t.NORMALISE_VALUE, greatest | {t.length_x: own.length})
        curvature = upward(t.NORMALISE_CURVATURE, one)
        # Dn and D²n of σ·n(x) with x̃ = σx/s: the factor σ enters once, the curvature has it divided out again
        least = 1.0 if factors is None else float(factors[factors > 0].min(initial=np.inf))
        one[t.curvature] = divide_up(curvature, np.asarray(least)) if factors is not None else curvature
        return block_bounds(upward(t.NORMALISE_D, one), upward(t.NORMALISE_R, one), upward(t.NORMALISE_E, one))

    def over_deviation(self, ball: Ball, place: int, factors: Array | None) -> tuple[NodeBounds, dict[object, Array]]:
        """Bounds of diag(factors/s)x with s at its least on the ball, and their symbols, for which s is 1."""
        node = ball.point.graph.nodes[place]
        sigma = divide_up(np.asarray(1.0), self.least_deviation(ball, place))
        sigma = sigma if factors is None else multiply_up(sigma, factors)
        found = ball.scaled(node.inputs[0], np.array(np.broadcast_to(_over_groups(sigma, node), node.shape)))
        values: dict[object, Array] = {t.rho: np.asarray(ball.rho), t.length_x: np.asarray(found.length)}
        values |= {t.d_xj: found.d[:, None], t.d_xk: found.d[None, :], t.r_xj: found.r[:, None], t.E_x: found.E}
        values |= {t.deviation: np.asarray(1.0), t.count: np.asarray(float(self._count(ball.point, place)))}
        return found, values

    def parts(self, point: Point, place: int, cotangents: Array) -> tuple[Array, ...]:
        """(w − mean w − n·mean(n w))/s with the midpoints of n and s."""
        node = point.graph.nodes[place]
        axes = tuple(axis + 1 for axis in node["axes"])
        n = point.mid(place)
        low, high, _ = point.values.deviations[place]
        inverse = _over_groups(1.0 / (0.5 * (low + high)), node)
        back = cotangents - n * (n * cotangents).mean(axis=axes, keepdims=True)
        if node["centre"]:
            back -= cotangents.mean(axis=axes, keepdims=True)
        back *= inverse
        return (back,)

    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """Rounding of two means (relative to ‖w‖, as ‖n‖² ≤ P), radii of n and of s.

        Notes:
            nnᵀ/P moves by (2‖n‖δ + δ²)/P for ‖Δn‖ ≤ δ; 1/s by a relative (high − low)/low.
        """
        count = self._count(point, place)
        low, high, _ = point.values.deviations[place]
        away = norm_up(as_groups(point.radius(place), point.graph.nodes[place]["axes"])[0], 1)
        matrix = (2 * away / math.sqrt(count) + away * away / count) * inflation(16)
        relative = (high - low) / low * inflation(8)
        return (float(((gamma(4 * count + 64) + matrix + 4 * relative) / low).max()) * (1 + 1e-14),)

    def underflow(self, point: Point, place: int) -> float:
        """What the means lose is multiplied by n and divided by s."""
        least = float(point.values.deviations[place][0].min())
        largest = float(point.magnitude(place).max())
        return super().underflow(point, place) * (1 + largest) * (1 + 1 / least) if least > 0 else math.inf

    def curvature(self, ball: Ball, place: int, adjoint: Adjoint) -> Curvature:
        """The smaller of normalise.N and normalise.structured."""
        point, node = ball.point, ball.point.graph.nodes[place]
        s, count = self.least_deviation(ball, place), float(self._count(point, place))
        groups = _adjoint_groups(adjoint, node)
        norms = adjoint.of_groups(groups)
        _, over = self.over_deviation(ball, place, None)
        curvature = upward(t.NORMALISE_CURVATURE, over)  # of n as a function of x/s
        N = upward(t.NORMALISE_N, over | {t.b_curvature: multiply_up(curvature, norms.max())})
        values = ball.inputs(node) | {t.deviation: s, t.count: count, t.b: np.asarray(adjoint.norm)}
        change = float(upward(t.NORMALISE_J, values | {t.curvature: upward(t.NORMALISE_CURVATURE, values).max()}))
        structured = self._structured(ball, place, adjoint, groups, norms, s, over)
        return Curvature(N if structured is None else np.minimum(N, structured), (change,))

    def _structured(
        self, ball: Ball, place: int, adjoint: Adjoint, groups: Array, norms: Array, s: Array, over: dict[object, Array]
    ) -> Array | None:
        """The term through x̂; None where a group is not known to have positive variance on the ball."""
        point, node = ball.point, ball.point.graph.nodes[place]
        x = ball.of(node.inputs[0])
        moved = multiply_up(np.asarray(x.length), np.asarray(ball.rho))
        least = subtract_down(point.values.deviations[place][2], moved)
        rows = functional_rows(ball, place)
        if rows is None or not (least > 0).all():
            return None
        weight = upward(t.NORMALISE_WEIGHT, over)  # of n as a function of x/s
        row_E = norm_up(x.E, 1)
        f = upward(
            t.NORMALISE_FUNCTIONAL,
            {
                t.functional: rows,
                t.rho: ball.rho,
                t.row_E: row_E[None, :],
                t.length_x: x.length,
                t.d_xj: x.d[None, :],
                t.least_centred: least[:, None],
            },
        )
        f = np.minimum(divide_up(np.minimum(f, x.d[None, :]), s[:, None]), over[t.d_xk])
        direction, slack = unit_directions(point, place)
        products = np.einsum("mcp,cp->mc", groups.swapaxes(0, 1), direction)
        rounding = gamma(direction.shape[1] + 8) * math.sqrt(min(groups.shape[1:])) * inflation(8)  # of ‖B_c‖_F
        lost = 4 * TINY * direction.shape[1] * math.sqrt(len(products))
        start = norm_up(products, 0) + (rounding + slack * inflation(4)) * norms * inflation(8) + lost
        moving = {t.rho: ball.rho, t.length_x: x.length, t.least_centred: least, t.direction: start, t.b: norms}
        along = multiply_up(weight, upward(t.NORMALISE_DIRECTION, moving).max())
        second = self._weighted(adjoint, node, multiply_up(weight, f))
        values = over | {t.b_left: second[:, None], t.b_right: second[None, :], t.b_direction: along}
        return upward(t.NORMALISE_STRUCTURED, values)

    @staticmethod
    def _weighted(adjoint: Adjoint, node: Node, factors: Array) -> Array:
        """‖B̃ diag(factors_j)‖ for every block j: one by one, or all from their root of the sum of squares."""
        whole = norm_up(factors, 1)
        spread = np.broadcast_to(_over_groups(whole, node), node.shape).reshape(-1)
        largest = adjoint.weighted(np.ascontiguousarray(spread))
        share = divide_up(factors, np.where(whole > 0, whole, 1.0)[:, None]).max(axis=0)
        second = multiply_up(np.asarray(largest), np.minimum(share, np.nextafter(1.0, 2.0)))
        m, n = adjoint.array.shape
        if not adjoint.coarse and float(m) * n * min(m, n) * factors.shape[1] <= _WORK:
            for j in np.flatnonzero(second):
                column = np.broadcast_to(_over_groups(factors[:, j], node), node.shape).reshape(-1)
                second[j] = min(second[j], adjoint.weighted(np.ascontiguousarray(column)))
        return second


def _over_groups(values: Array, node: Node) -> Array:
    """One number a group, shaped to broadcast over the node."""
    return values.reshape([1 if axis in node["axes"] else n for axis, n in enumerate(node.shape)])


def _adjoint_groups(adjoint: Adjoint, node: Node) -> Array:
    """B̃ by groups: (groups, m, P)."""
    m = len(adjoint.array)
    whole = adjoint.array.reshape(m, *node.shape)
    kept = [axis + 1 for axis in range(len(node.shape)) if axis not in node["axes"]]
    moved = whole.transpose([*kept, 0, *(axis + 1 for axis in sorted(node["axes"]))])
    groups = math.prod(node.shape[axis - 1] for axis in kept)
    return moved.reshape(groups, m, -1)


def unit_directions(point: Point, place: int) -> tuple[Array, Array]:
    """x̂ = xc/‖xc‖ in floats, (groups, P), and upper bounds of the distance to the exact one."""

    def make() -> tuple[Array, Array]:
        node = point.graph.nodes[place]
        source = node.inputs[0]
        x = as_groups(point.mid(source), node["axes"])[0]
        rad = norm_up(as_groups(point.radius(source), node["axes"])[0], 1)
        count = x.shape[1]
        centred = x - x.mean(axis=1, keepdims=True) if node["centre"] else x
        length = norm_up(centred, 1)
        direction = centred / np.where(length > 0, length, 1.0)[:, None]
        error = (2 * rad + 2 * gamma(count + 8) * norm_up(x, 1)) * inflation(8)
        least = point.values.deviations[place][2]
        return direction, add_up(divide_up(2 * error, least), np.asarray(2.0**-48 * count))

    return point.once(("directions", place), make)


def functional_rows(ball: Ball, place: int) -> Array | None:
    """Upper bounds of ‖x̂_cᵀD_j‖ at θ_0, (groups, J), by one adjoint for each group."""
    from dipproofs.networks.graph_network.reverse import row_bounds

    point, node = ball.point, ball.point.graph.nodes[place]
    source = node.inputs[0]
    direction, slack = unit_directions(point, place)
    if not np.isfinite(slack).all():
        return None

    def cotangents() -> Array:
        groups = as_groups(np.arange(node.size).reshape(node.shape), node["axes"])[0]
        result = np.zeros((len(groups), node.size))
        np.put_along_axis(result, groups, direction, axis=1)
        return result.reshape(len(groups), *node.shape)

    rows = row_bounds(ball, source, ("directions", place), cotangents)
    return add_up(rows, multiply_up(slack[:, None], ball.of(source).d[None, :]))
