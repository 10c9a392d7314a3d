"""One reverse pass in floats, and how far each of its steps is from the exact one (docs/theory-graphs.md §2).

Theorem T asks nothing of the floats but a bound of ‖part − B̃∂op(θ_0)‖_F for each step; here they are relative to ‖B̃‖_F.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from dipproofs.graph.node import Node
from dipproofs.verify.arithmetic.floats import UNIT, frobenius, gamma, lengths
from dipproofs.verify.graph.index_maps import conv, gather
from dipproofs.verify.graph.point import Parts, Point
from dipproofs.verify.graph.values import groups_of


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
        parts = _BACK[node.op](point, place, B)
        del B
        for source, found in zip(node.inputs, parts):
            if found is None or not point.graph.trained[source]:
                continue
            part, relative = found
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
        least = float(point.deviations(place)[0].min())
        lost *= (1 + point.most(place)) * (1 + 1 / least) if least > 0 else math.inf
    return lost


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
    return [(B if sign == 1 else -B, 0.0) for sign in point.graph.nodes[place]["signs"]]


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
    used = point.once(("used", place), lambda: slopes[pieces(node, point.mid(node.inputs[0]))])
    return [(B * used, 2 * UNIT * float(np.abs(slopes).max()))]


def _maximum(point: Point, place: int, B: np.ndarray) -> Parts:
    source = point.graph.nodes[place].inputs[0]
    rows = point.mid(source).reshape(-1, point.graph.nodes[source].shape[-1])
    part = np.zeros((len(B), *rows.shape))
    part[:, np.arange(len(rows)), rows.argmax(axis=1)] = B
    return [(part.reshape(len(B), -1), 0.0)]


def _normalise(point: Point, place: int, B: np.ndarray) -> Parts:
    """(w − mean w − n⟨n,w⟩/P)/s: two means, nnᵀ/P within (2√P δ + δ²)/P for ‖Δn‖ ≤ δ, 1/s within its ball."""
    node = point.graph.nodes[place]
    groups, (low, s, high) = groups_of(node), point.deviations(place)
    count, n = groups.shape[1], point.mid(place).ravel()[groups]
    together = np.array_equal(groups.ravel(), np.arange(groups.size))
    w = B.reshape(-1, *groups.shape) if together else B[:, groups]
    back = w - (np.einsum("rgp,gp->rg", w, n) / count)[:, :, None] * n
    if node["centre"]:
        back -= w.mean(axis=2, keepdims=True)
    back /= s[:, None]
    if together:
        result = back.reshape(B.shape)
    else:
        result = np.empty_like(B)
        result[:, groups] = back
    if not (low > 0).all():
        return [(result, math.inf)]
    away = lengths(point.rad(place).ravel()[groups])
    moved = (2 * away / math.sqrt(count) + away * away / count) * (1 + 16 * UNIT)
    worst = (gamma(4 * count + 64) + moved + 4 * (high - low) / low * (1 + 16 * UNIT)) / low
    return [(result, float(worst.max()) * (1 + 16 * UNIT))]


def _softmax(point: Point, place: int, B: np.ndarray) -> Parts:
    """p∘w − p⟨p,w⟩ row by row; diag p − ppᵀ moves by at most 3δ + δ² for ‖Δp‖ ≤ δ."""
    shape = point.graph.nodes[place].shape
    p, w = point.mid(place).reshape(-1, shape[-1]), B.reshape(len(B), -1, shape[-1])
    away = max((frobenius(row) for row in point.rad(place).reshape(-1, shape[-1])), default=0.0)
    part = p * w - p * (p * w).sum(axis=2, keepdims=True)
    return [(part.reshape(len(B), -1), (gamma(4 * shape[-1] + 32) + 3 * away + away * away) * (1 + 8 * UNIT))]


_BACK: dict[str, Callable[[Point, int, np.ndarray], Parts]] = {
    "gather": gather, "contract": _contract, "sum": _sum, "scale": _scale, "shift": _shift, "add": _add,
    "conv": conv, "matmul": _matmul, "product": _product, "entrywise": _entrywise, "piecewise": _piecewise,
    "maximum": _maximum, "normalise": _normalise, "softmax": _softmax,
}  # fmt: skip
