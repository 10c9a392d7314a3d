"""A graph at θ_0 as the verifier knows it: enclosed values, slopes, windows, and what else no ball changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, reduce
from typing import Any, TypeVar

import numpy as np
from flint import arb, ctx

from dipproofs.graph.format import Graph
from dipproofs.verify.arithmetic.floats import UNIT
from dipproofs.verify.graph.values import BITS, Values, floats, groups_of, on_balls
from dipproofs.verify.graph.windows import Windows, windows

#: For each input a part of the adjoint and ‖part − B̃∂op(θ_0)‖_F/‖B̃‖_F, None where no parameter is behind it.
Parts = list[tuple[np.ndarray, float] | None]
T = TypeVar("T")


def _on_box(function: Callable[[arb], arb], mid: float, rad: float) -> arb:
    """A function on a box, in pieces where it is wide: balls forget that their occurrences are one number."""
    if not 2.0**-8 < rad < 8.0:
        return function(arb(mid, rad))
    count = min(32, math.ceil(rad * 256))
    part = arb(rad) / count
    pieces = [arb(mid) + part * (2 * k + 1 - count) + arb(0, part.upper()) for k in range(count)]
    return reduce(arb.union, map(function, pieces))


class Point:
    """A graph at θ_0: values, slopes, windows; what does not depend on the ball.

    Args:
        graph: the graph. values: of its nodes.
    """

    def __init__(self, graph: Graph, values: Values) -> None:
        self.graph, self.values = graph, values
        self.blocks = {place: number for number, place in enumerate(graph.leaves.values())}
        self._kept: dict[object, Any] = {}

    def once(self, key: object, make: Callable[[], T]) -> T:
        """Work something out once."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[no-any-return]

    def mid(self, place: int) -> np.ndarray:
        """Midpoints."""
        return self.values.mid[place]

    def rad(self, place: int) -> np.ndarray:
        """Radii."""
        return self.values.rad[place]

    def most(self, place: int) -> float:
        """Largest absolute value."""
        return float((np.abs(self.mid(place)) + self.rad(place)).max(initial=0.0)) * (1 + 4 * UNIT)

    def derivative(self, place: int, order: int, wide: float) -> tuple[np.ndarray, np.ndarray]:
        """φ^(order) of an entrywise node on boxes wider by ``wide``: midpoints and radii, flat."""
        source, function = self.graph.nodes[place].inputs[0], on_balls(self.graph.nodes[place]["function"], order)

        def make() -> tuple[np.ndarray, np.ndarray]:
            mids, rads = self.mid(source).ravel().tolist(), (self.rad(source).ravel() + wide) * (1 + 4 * UNIT)
            with ctx.workprec(BITS):
                return floats([_on_box(function, m, r) for m, r in zip(mids, rads.tolist())])

        return self.once(("derivative", place, order, wide), make)

    def windows(self, place: int) -> Windows:
        """What a convolution reads."""
        node = self.graph.nodes[place]
        x, w = (self.graph.nodes[i].shape for i in node.inputs)
        return self.once(("windows", place), lambda: windows(node, x, w))

    def moving(self, place: int) -> np.ndarray:
        """Which entries depend on a parameter at all; those that padding made do not."""
        node, size = self.graph.nodes[place], math.prod(self.graph.nodes[place].shape)

        def make() -> np.ndarray:
            if not self.graph.trained[place]:
                return np.zeros(size, dtype=bool)
            if node.op == "gather":
                joined = np.concatenate([*(self.moving(i) for i in node.inputs), [False]])
                return np.asarray(joined[self.graph.constants[node["indices"]].ravel()])
            if node.op in ("scale", "shift", "add", "entrywise", "piecewise"):
                return np.asarray(np.any([self.moving(i) for i in node.inputs], axis=0))
            return np.ones(size, dtype=bool)

        return self.once(("moving", place), make)

    def deviations(self, place: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower bound, midpoint, upper bound of s of a normalisation, by group; not positive where s may be 0."""

        def make() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            balls = self.values.spread[place][0]
            mid = np.array([float(ball.mid()) for ball in balls])
            low = np.array([float(ball.lower()) for ball in balls]) * (1 - 2.0**-50)
            high = np.array([float(ball.upper()) for ball in balls]) * (1 + 2.0**-50)
            return np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(mid), mid, 1.0), high

        return self.once(("deviations", place), make)

    def peak(self, start: int) -> int:
        """Most entries of adjoints of one row that are alive at once in a reverse pass."""

        def make() -> int:
            nodes, trained = self.graph.nodes, self.graph.trained
            alive, most = {start}, 1
            for place in range(start, -1, -1):
                if place not in alive or not trained[place]:
                    continue
                parts = {i for i in nodes[place].inputs if trained[i]}
                alive |= parts
                held = sum(math.prod(nodes[i].shape) for i in alive)
                most = max(most, held + 2 * sum(math.prod(nodes[i].shape) for i in parts))
                alive.discard(place)
            return most

        return self.once(("peak", start), make)

    @cached_property
    def restarts(self) -> frozenset[int]:
        """Nodes that a node with much curvature reads, but for parameters whose entries only move."""
        nonlinear, plain = {"conv", "matmul", "entrywise", "normalise", "softmax"}, set(self.blocks)
        nodes, trained = self.graph.nodes, self.graph.trained
        for place, node in enumerate(nodes):
            if node.op in ("gather", "scale", "shift") and all(i in plain or not trained[i] for i in node.inputs):
                plain.add(place)
        return frozenset(i for node in nodes if node.op in nonlinear for i in node.inputs) - plain

    def weights(self, place: int) -> np.ndarray | None:
        """1/s by entry, in floats, where a normalisation reads a node."""
        for reader, node in enumerate(self.graph.nodes):
            if node.op == "normalise" and node.inputs[0] == place:
                weights = np.zeros(math.prod(node.shape))
                weights[groups_of(node)] = 1.0 / self.deviations(reader)[1][:, None]
                return weights if (weights > 0).all() and np.isfinite(weights).all() else None
        return None
