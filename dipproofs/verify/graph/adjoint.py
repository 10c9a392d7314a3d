"""One reverse pass in floats, and how far each of its steps is from the exact one (docs/theory-graphs.md §2).

Theorem T asks nothing of the floats but a bound of ‖part − B̃∂op(θ_0)‖_F for each step; here they are relative to ‖B̃‖_F.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from flint import arb, ctx

from dipproofs.graph.format import Graph
from dipproofs.graph.node import Node
from dipproofs.verify.arithmetic.floats import UNIT, frobenius, gamma
from dipproofs.verify.graph.values import BITS, Values, floats, groups_of, on_balls
from dipproofs.verify.graph.windows import Windows, windows

Parts = list[tuple[np.ndarray, float]]
T = TypeVar("T")


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
                return floats([function(arb(m, r)) for m, r in zip(mids, rads.tolist())])

        return self.once(("derivative", place, order, wide), make)

    def windows(self, place: int) -> Windows:
        """What a convolution reads."""
        node = self.graph.nodes[place]
        x, w = (self.graph.nodes[i].shape for i in node.inputs)
        return self.once(("windows", place), lambda: windows(node, x, w))

    def moving(self, place: int) -> np.ndarray:
        """Which entries depend on a parameter at all; those that padding made do not."""
        node, size = self.graph.nodes[place], math.prod(self.graph.nodes[place].shape)
        if not self.graph.trained[place]:
            return np.zeros(size, dtype=bool)
        if node.op == "gather":
            joined = np.concatenate([*(self.moving(i) for i in node.inputs), [False]])
            return np.asarray(joined[self.graph.constants[node["indices"]].ravel()])
        if node.op in ("scale", "shift", "add", "entrywise", "piecewise"):
            return np.asarray(np.any([self.moving(i) for i in node.inputs], axis=0))
        return np.ones(size, dtype=bool)

    @cached_property
    def read(self) -> frozenset[int]:
        """Nodes that a nonlinear node reads."""
        linear = {"gather", "contract", "sum", "scale", "shift", "add"}
        return frozenset(i for node in self.graph.nodes if node.op not in linear for i in node.inputs)


def reverse(point: Point, start: int, cotangents: np.ndarray) -> Iterator[tuple[int, np.ndarray, float]]:
    """Yield (place, B̃ as (rows, entries), bound of ‖R_x(θ_0)‖_F) from a node back to the parameters.

    Args:
        point: the graph. start: the node that is differentiated. cotangents: (rows, entries of it), exact floats.
    """
    waiting, defects = {start: cotangents}, {start: 0.0}
    for place in range(start, -1, -1):
        if place not in waiting or not point.graph.trained[place]:
            continue
        B, node = waiting.pop(place), point.graph.nodes[place]
        yield place, B, defects.pop(place)
        if not node.inputs:
            continue
        size, lost = frobenius(B), _underflow(point, place)
        for source, (part, relative) in zip(node.inputs, _BACK[node.op](point, place, B)):
            if not point.graph.trained[source]:
                continue
            defect = relative * size * (1 + 4 * UNIT) + lost * math.sqrt(part.size)
            if source in waiting:
                part = part + waiting[source]
                defect += defects[source] + 2 * UNIT * frobenius(part)
            waiting[source], defects[source] = part, defect * (1 + 8 * UNIT)


def _underflow(point: Point, place: int) -> float:
    """What underflow takes from an entry of a part: a sum of at most one product for each entry of the node."""
    node = point.graph.nodes[place]
    if node.op in ("gather", "sum", "shift", "add", "maximum"):
        return 0.0
    lost = 8 * (math.prod(node.shape) + 4) * 2.0**-1022
    if node.op == "normalise":  # where the means are multiplied by n and divided by s
        least = min(float(ball.lower()) for ball in point.values.spread[place][0])
        lost *= (1 + point.most(place)) * (1 + 1 / least) if least > 0 else math.inf
    return lost


def _gather(point: Point, place: int, B: np.ndarray) -> Parts:
    node = point.graph.nodes[place]
    indices = point.graph.constants[node["indices"]].ravel()
    sizes = [math.prod(point.graph.nodes[i].shape) for i in node.inputs]
    order = np.argsort(indices, kind="stable")
    order = order[indices[order] >= 0]
    sorted_ = indices[order]
    copy = np.arange(len(order)) - np.searchsorted(sorted_, sorted_, side="left")  # 0, 1, … for equal indices
    joined = np.zeros((len(B), sum(sizes)))
    for number in range(int(copy.max(initial=-1)) + 1):
        chosen = order[copy == number]
        joined[:, indices[chosen]] += B[:, chosen]
    copies = int(copy.max(initial=0)) + 1
    error = gamma(copies) * math.sqrt(copies) if copies > 1 else 0.0
    return [(part, error) for part in np.split(joined, np.cumsum(sizes)[:-1], axis=1)]


def _contract(point: Point, place: int, B: np.ndarray) -> Parts:
    node = point.graph.nodes[place]
    matrix, axis = point.graph.constants[node["matrix"]], node["axis"]
    moved = np.moveaxis(B.reshape(len(B), *node.shape), axis + 1, -1) @ matrix
    return [(np.moveaxis(moved, -1, axis + 1).reshape(len(B), -1), gamma(len(matrix) + 2) * frobenius(matrix))]


def _sum(point: Point, place: int, B: np.ndarray) -> Parts:
    node = point.graph.nodes[place]
    shape = point.graph.nodes[node.inputs[0]].shape
    kept = [1 if i in node["axes"] else n for i, n in enumerate(shape)]
    return [(np.broadcast_to(B.reshape(len(B), *kept), (len(B), *shape)).reshape(len(B), -1).copy(), 0.0)]


def _scale(point: Point, place: int, B: np.ndarray) -> Parts:
    factor = point.graph.nodes[place]["factor"]
    value = point.graph.constants[factor].ravel() if isinstance(factor, str) else np.array([float(factor)])
    return [(B * value, 2 * UNIT * float(np.abs(value).max()))]


def _shift(point: Point, place: int, B: np.ndarray) -> Parts:
    return [(B, 0.0)]


def _add(point: Point, place: int, B: np.ndarray) -> Parts:
    return [(sign * B, 0.0) for sign in point.graph.nodes[place]["signs"]]


def _conv(point: Point, place: int, B: np.ndarray) -> Parts:
    node, view = point.graph.nodes[place], point.windows(place)
    (x, w), rows = node.inputs, len(B)
    padded, flat = np.append(point.mid(x).ravel(), 0.0), point.mid(w).ravel()
    dx, dw = np.zeros((rows, view.groups * view.inputs, view.space)), np.zeros((rows, flat.size))
    taps, y = len(view.reads), B.reshape(rows, view.groups, view.outputs, -1)
    for group in range(view.groups):
        matrix = flat[view.weights(group)].reshape(view.outputs, view.inputs, taps)
        channels = slice(group * view.inputs, (group + 1) * view.inputs)
        for tap in range(taps):  # within a tap every place is read at most once
            here = np.flatnonzero(view.reads[tap] >= 0)
            dx[:, channels, view.reads[tap][here]] += matrix[:, :, tap].T @ y[:, group][:, :, here]
        read = padded[view.entries(group)]
        dw[:, view.weights(group)] = y[:, group] @ read.T
    to_x = gamma(view.outputs * taps + 4) * view.kappa * frobenius(flat) + view.kappa * frobenius(point.rad(w))
    to_w = gamma(view.reads.shape[1] + 4) * view.kappa * frobenius(padded) + view.kappa * frobenius(point.rad(x))
    return [(dx.reshape(rows, -1), to_x * (1 + 8 * UNIT)), (dw, to_w * (1 + 8 * UNIT))]


def _matmul(point: Point, place: int, B: np.ndarray) -> Parts:
    node = point.graph.nodes[place]
    a, b = node.inputs
    left, right, y = point.mid(a), point.mid(b), B.reshape(len(B), *node.shape)
    to_a = gamma(right.shape[-1] + 4) * frobenius(right) + frobenius(point.rad(b))
    to_b = gamma(left.shape[-2] + 4) * frobenius(left) + frobenius(point.rad(a))
    da, db = y @ right.swapaxes(-1, -2), left.swapaxes(-1, -2) @ y
    return [(da.reshape(len(B), -1), to_a * (1 + 8 * UNIT)), (db.reshape(len(B), -1), to_b * (1 + 8 * UNIT))]


def _product(point: Point, place: int, B: np.ndarray) -> Parts:
    a, b = point.graph.nodes[place].inputs
    return [
        (B * point.mid(i).ravel(), (2 * UNIT * point.most(i) + float(point.rad(i).max(initial=0.0))) * (1 + 8 * UNIT))
        for i in (b, a)
    ]


def _entrywise(point: Point, place: int, B: np.ndarray) -> Parts:
    slope, rad = point.derivative(place, 1, 0.0)
    return [(B * slope, (float(rad.max(initial=0.0)) + 2 * UNIT * float(np.abs(slope).max())) * (1 + 8 * UNIT))]


def pieces(node: Node, z: np.ndarray) -> np.ndarray:
    """The piece of a piecewise linear function that every entry uses."""
    return np.searchsorted(np.array(node["knots"], float), z.ravel(), side="left")


def _piecewise(point: Point, place: int, B: np.ndarray) -> Parts:
    node = point.graph.nodes[place]
    slopes = np.array(node["slopes"], float)
    used = slopes[pieces(node, point.mid(node.inputs[0]))]
    return [(B * used, 2 * UNIT * float(np.abs(slopes).max()))]


def _maximum(point: Point, place: int, B: np.ndarray) -> Parts:
    source = point.graph.nodes[place].inputs[0]
    rows = point.mid(source).reshape(-1, point.graph.nodes[source].shape[-1])
    part = np.zeros((len(B), *rows.shape))
    part[:, np.arange(len(rows)), rows.argmax(axis=1)] = B
    return [(part.reshape(len(B), -1), 0.0)]


def _normalise(point: Point, place: int, B: np.ndarray) -> Parts:
    """(w − mean w − n⟨n,w⟩/P)/s: two means, nnᵀ/P within (2√P δ + δ²)/P for ‖Δn‖ ≤ δ, 1/s within its ball."""
    node, groups = point.graph.nodes[place], groups_of(point.graph.nodes[place])
    count, result, worst = groups.shape[1], np.zeros_like(B), 0.0
    for group, ball in zip(groups, point.values.spread[place][0]):
        n, w = point.mid(place).ravel()[group], B[:, group]
        s, low = float(ball.mid()), float(ball.lower()) * (1 - 2.0**-50)
        away = frobenius(point.rad(place).ravel()[group])
        back = w - np.outer(w @ n / count, n)
        if node["centre"]:
            back -= w.mean(axis=1, keepdims=True)
        result[:, group] = back / s
        moved = (2 * away / math.sqrt(count) + away * away / count) * (1 + 16 * UNIT)
        relative = (float(ball.upper()) * (1 + 2.0**-50) - low) / low if low > 0 else math.inf
        worst = max(worst, (gamma(4 * count + 64) + moved + 4 * relative) / low if low > 0 else math.inf)
    return [(result, worst * (1 + 8 * UNIT))]


def _softmax(point: Point, place: int, B: np.ndarray) -> Parts:
    """p∘w − p⟨p,w⟩ row by row; diag p − ppᵀ moves by at most 3δ + δ² for ‖Δp‖ ≤ δ."""
    shape = point.graph.nodes[place].shape
    p, w = point.mid(place).reshape(-1, shape[-1]), B.reshape(len(B), -1, shape[-1])
    away = max((frobenius(row) for row in point.rad(place).reshape(-1, shape[-1])), default=0.0)
    part = p * w - p * (p * w).sum(axis=2, keepdims=True)
    return [(part.reshape(len(B), -1), (gamma(4 * shape[-1] + 32) + 3 * away + away * away) * (1 + 8 * UNIT))]


_BACK: dict[str, Callable[[Point, int, np.ndarray], Parts]] = {
    "gather": _gather, "contract": _contract, "sum": _sum, "scale": _scale, "shift": _shift, "add": _add,
    "conv": _conv, "matmul": _matmul, "product": _product, "entrywise": _entrywise, "piecewise": _piecewise,
    "maximum": _maximum, "normalise": _normalise, "softmax": _softmax,
}  # fmt: skip
