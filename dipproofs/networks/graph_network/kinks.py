"""Up to which radius the frozen pattern is the network: exact rows for the units that may switch (Theorem 5)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.enclosures.rounding import Array
from dipproofs.enclosures.upward import add_up, multiply_up, norm_up
from dipproofs.networks.graph_network.nodes.base import Ball
from dipproofs.networks.graph_network.observe import collatz_wielandt
from dipproofs.networks.graph_network.point import Point
from dipproofs.networks.graph_network.reverse import row_bounds

Indices = np.ndarray[Any, np.dtype[np.int64]]
#: Most exact rows for one node; with more suspects the common bound decides.
MOST_SUSPECTS = 512


@dataclass(frozen=True)
class Kinks:
    """The verdict about the units of a network.

    Args:
        margin: lower bound of the least (distance to a kink)/(ρ·Lipschitz constant); inf without kinks.
        radius: the bounds of the ball hold for the network itself on balls of at most this radius.
        units: number of units with a kink.
    """

    margin: float
    radius: float
    units: int


@dataclass(frozen=True, eq=False)
class Units:
    """Functionals of a node whose sign decides about a piece: entry `plus`, minus entry `minus` if there is one.

    Args:
        place: the node. gap: (K,) lower bounds of the distance to the kink. value: (K,) floats, 0 on the kink.
        plus, minus: flat places (minus −1: none).
    """

    place: int
    gap: Array
    value: Array
    plus: Indices
    minus: Indices


def examine_kinks(ball: Ball) -> Kinks:
    """Compare every unit's distance to its kinks with how far it may move on the ball.

    Notes:
        Induction over the nodes: the bounds are those of the frozen network, for which F̃ = F as long as no unit has
        reached a kink. Ties and units on a kink give margin 0, unless the unit does not depend on the parameters.
    """
    margin, units = math.inf, 0
    for found in units_of(ball.point, max(ball.bounds)):
        bounds = ball.of(found.place)
        pairs = 2.0 if (found.minus >= 0).any() else 1.0
        common = float(multiply_up(np.asarray(pairs), np.asarray(min(bounds.length, bounds.row_length))))
        units += found.gap.size
        if ball.rho == 0.0 or common == 0.0:
            margin = min(margin, math.inf if (found.gap > 0).all() else 0.0)
            continue
        speed = np.full(found.gap.size, common)
        near = np.flatnonzero(~(found.gap > multiply_up(np.asarray(ball.rho), speed)))
        if 0 < near.size <= MOST_SUSPECTS:
            speed[near] = np.minimum(common, _exact_speed(ball, found, near))
        quotients = np.nextafter(found.gap / multiply_up(np.asarray(ball.rho), speed), -np.inf)
        least = float(np.min(quotients, initial=np.inf))
        margin = min(margin, max(least, 0.0)) if least == least else 0.0
    if margin > 1.0:
        return Kinks(margin, ball.rho, units)
    return Kinks(margin, math.nextafter(ball.rho * margin * (1 - 1e-12), 0.0) if margin > 0 else 0.0, units)


def _exact_speed(ball: Ball, units: Units, near: Indices) -> Array:
    """sup‖∇a_i‖ ≤ ‖∇a_i(θ_0)‖ + ρ‖D²‖ for some units."""
    key = ("suspects", tuple(units.plus[near].tolist()), tuple(units.minus[near].tolist()))
    rows = norm_up(row_bounds(ball, units.place, key, lambda: functionals(ball.point, units, near)), 1)
    second = multiply_up(np.asarray(ball.rho), np.asarray(collatz_wielandt(ball.of(units.place).E)))
    pairs = np.where(units.minus[near] >= 0, 2.0, 1.0)
    return add_up(rows, multiply_up(pairs, second))


def functionals(point: Point, units: Units, chosen: Indices) -> Array:
    """Cotangents of some units, (R, *shape of the node)."""
    node = point.graph.nodes[units.place]
    result = np.zeros((chosen.size, node.size))
    result[np.arange(chosen.size), units.plus[chosen]] = 1.0
    paired = units.minus[chosen] >= 0
    result[np.flatnonzero(paired), units.minus[chosen][paired]] -= 1.0
    return result.reshape(chosen.size, *node.shape)


def units_of(point: Point, last: int) -> Iterator[Units]:
    """The units of all nodes up to `last`."""
    graph = point.graph
    for place in range(last + 1):
        node = graph.nodes[place]
        if graph.trained[place] and node.op == "piecewise":
            yield _piecewise(point, place)
        elif graph.trained[place] and node.op == "maximum":
            yield _maximum(point, place)


def _piecewise(point: Point, place: int) -> Units:
    node = point.graph.nodes[place]
    source = node.inputs[0]
    free = np.flatnonzero(moving(point, source).reshape(-1))
    value, rad = point.mid(source).reshape(-1)[free], point.radius(source).reshape(-1)[free]
    slopes = node["slopes"]
    gap, distance = np.full(free.size, np.inf), np.full(free.size, np.inf)
    for knot, before, after in zip(node["knots"], slopes, slopes[1:]):
        if before != after:
            gap = np.minimum(gap, np.nextafter(np.nextafter(np.abs(value - knot), -np.inf) - rad, -np.inf))
            distance = np.where(np.abs(value - knot) < np.abs(distance), value - knot, distance)
    return Units(source, gap, distance, free, np.full(free.size, -1))


def _maximum(point: Point, place: int) -> Units:
    """One functional for each competitor of the largest entry; copies of the same entry do not compete."""
    source = point.graph.nodes[place].inputs[0]
    width = point.mid(source).shape[-1]
    value, rad = point.mid(source).reshape(-1, width), point.radius(source).reshape(-1, width)
    places = np.arange(value.size).reshape(-1, width)
    best = value.argmax(axis=1)[:, None]
    competes = np.ones(value.shape, dtype=bool)
    np.put_along_axis(competes, best, False, axis=1)
    node = point.graph.nodes[source]
    if node.op == "gather":
        indices = point.graph.constants[node["indices"]].reshape(-1, width)
        competes &= indices != np.take_along_axis(indices, best, axis=1)
    top, top_rad = np.take_along_axis(value, best, axis=1), np.take_along_axis(rad, best, axis=1)
    gap = np.nextafter(np.nextafter(top - value, -np.inf) - np.nextafter(top_rad + rad, np.inf), -np.inf)
    free = moving(point, source).reshape(-1, width)
    competes &= free | np.take_along_axis(free, best, axis=1)
    winner = np.broadcast_to(np.take_along_axis(places, best, axis=1), value.shape)
    return Units(source, gap[competes], (top - value)[competes], winner[competes], places[competes])


def moving(point: Point, place: int) -> np.ndarray:
    """Which entries of a node may depend on the parameters; zero padding and constant parts do not."""

    def make() -> np.ndarray:
        node = point.graph.nodes[place]
        if not point.graph.trained[place]:
            return np.zeros(node.shape, dtype=bool)
        if node.op == "gather":
            parts = [moving(point, i).reshape(-1) for i in node.inputs]
            return np.asarray(np.concatenate([*parts, np.zeros(1, dtype=bool)])[point.graph.constants[node["indices"]]])
        if node.op in ("scale", "shift", "entrywise", "piecewise"):
            return moving(point, node.inputs[0])
        return np.ones(node.shape, dtype=bool)

    return point.once(("moving", place), make)
