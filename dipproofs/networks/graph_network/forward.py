"""The values of all nodes at θ_0, enclosed: one forward pass in Arb, rounded to midpoints and radii."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from dipproofs.enclosures import compile_arb
from dipproofs.enclosures.rounding import Array
from dipproofs.graph.format import Graph
from dipproofs.graph.node import Node
from dipproofs.graph.operations.convolution import grouped_kernel, patches
from dipproofs.networks.graph_network.balls import BITS, Balls, as_array, exact_balls, product, to_floats
from dipproofs.theory.activations import x
from dipproofs.theory.elementary import ELEMENTARY


@dataclass(frozen=True, eq=False)
class Values:
    """Enclosed values of every node: |z − mid| ≤ rad entrywise.

    Args:
        mid: float64 midpoints by place.
        rad: radii by place, None where the value is exact.
        deviations: for each `normalise` node (lower, upper) of s and a lower bound of ‖x − mean x‖ by group.
    """

    mid: tuple[Array, ...]
    rad: tuple[Array | None, ...]
    deviations: Mapping[int, tuple[Array, Array, Array]]


def enclose_values(graph: Graph, parameters: Mapping[str, Array]) -> Values:
    """Enclose the values of all nodes for the stored numbers; evidence proved.

    Args:
        graph: the graph.
        parameters: exact float64 arrays by name.

    Notes:
        Arb at 128 bits; a float pass with a-priori bounds is useless from about ten convolutions on. Balls are let go
        as soon as no later node reads them. Source: docs/theory-graphs.md §4.
    """
    last_use = {i: place for place, node in enumerate(graph.nodes) for i in node.inputs}
    balls: dict[int, Balls] = {}
    mids: list[Array] = []
    rads: list[Array | None] = []
    deviations: dict[int, tuple[Array, Array, Array]] = {}
    with flint.ctx.workprec(BITS):
        for place, node in enumerate(graph.nodes):
            if node.op in ("parameter", "constant"):
                source = parameters if node.op == "parameter" else graph.constants
                exact = np.array(source[node["name"]], dtype=np.float64)
                balls[place] = exact_balls(exact)
                mids.append(exact)
                rads.append(None)
                continue
            inputs = [balls[i] for i in node.inputs]
            if node.op == "normalise":
                balls[place], deviations[place] = _normalise(node, inputs[0])
            else:
                balls[place] = _RULES[node.op](node, inputs, graph)
            mid, rad = to_floats(balls[place])
            mids.append(mid)
            rads.append(rad if rad.any() else None)
            for source_place in set(node.inputs):
                if last_use[source_place] == place:
                    del balls[source_place]
    return Values(tuple(mids), tuple(rads), deviations)


def _gather(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    zero = as_array([flint.arb(0)], (1,))
    joined = np.concatenate([*(z.reshape(-1) for z in inputs), zero])
    return np.asarray(joined[graph.constants[node["indices"]]])


def _contract(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    matrix, axis = exact_balls(graph.constants[node["matrix"]]), node["axis"]
    moved = np.moveaxis(inputs[0], axis, 0)
    result = product(matrix, np.ascontiguousarray(moved).reshape(moved.shape[0], -1))
    return np.moveaxis(result.reshape(matrix.shape[0], *moved.shape[1:]), 0, axis)


def _sum(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    return as_array(list(np.ravel(inputs[0].sum(axis=node["axes"]))), node.shape)


def _factor(node: Node, key: str, graph: Graph) -> Any:
    value = node[key]
    return exact_balls(graph.constants[value]) if isinstance(value, str) else flint.arb(float(value))


def _scale(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    return np.asarray(inputs[0] * _factor(node, "factor", graph))


def _shift(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    return np.asarray(inputs[0] + _factor(node, "offset", graph))


def _add(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    total = inputs[0] if node["signs"][0] == 1 else -inputs[0]
    for sign, z in zip(node["signs"][1:], inputs[1:]):
        total = total + z if sign == 1 else total - z
    return total


def _conv(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    z, w = inputs
    kernel = grouped_kernel(node, w)
    flat = kernel.reshape(kernel.shape[0], kernel.shape[1], -1)
    read = patches(node, z, w.shape)  # moves entries only; its padding is a float 0, which Arb takes as exact
    return np.concatenate([product(k, p) for k, p in zip(flat, read)]).reshape(node.shape)


def _matmul(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    a, b = inputs
    if a.ndim == 2:
        return product(a, b)
    left, right = a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:])
    return np.stack([product(p, q) for p, q in zip(left, right)]).reshape(node.shape)


def _product(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    return np.asarray(inputs[0] * inputs[1])


def _entrywise(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    function = compile_arb((x,), ELEMENTARY[node["function"]].phi)
    return as_array(function.batch(inputs[0].ravel().tolist()), node.shape)


def _piecewise(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    knots, slopes = [flint.arb(float(t)) for t in node["knots"]], [flint.arb(float(s)) for s in node["slopes"]]
    heights = [flint.arb(float(node["value"]))]
    for k in range(1, len(knots)):
        heights.append(heights[-1] + slopes[k] * (knots[k] - knots[k - 1]))

    def value(z: flint.arb) -> flint.arb:
        """The union of the pieces that the ball may meet; NaN meets all of them and stays NaN."""
        found = None
        for k in range(len(slopes)):
            anchor = max(k - 1, 0)
            if (k > 0 and z < knots[k - 1]) or (k < len(knots) and z > knots[k]):
                continue
            piece = heights[anchor] + slopes[k] * (z - knots[anchor])
            found = piece if found is None else found.union(piece)
        return flint.arb.nan() if found is None else found

    return as_array(list(map(value, inputs[0].ravel().tolist())), node.shape)


def _maximum(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    rows = inputs[0].reshape(-1, inputs[0].shape[-1])
    best = rows[:, 0].tolist()
    for column in rows.T[1:]:
        best = [a.max(b) for a, b in zip(best, column.tolist())]
    return as_array(best, node.shape)


def _normalise(node: Node, z: Balls) -> tuple[Balls, tuple[Array, Array, Array]]:
    groups, restore = as_groups(z, node["axes"])
    count, epsilon = flint.arb(groups.shape[1]), flint.arb(float(node["epsilon"]))
    rows, low, high, least = [], [], [], []
    for group in groups:
        centred = group - group.sum() / count if node["centre"] else group
        square = (centred * centred).sum()
        s = (square / count + epsilon).sqrt()
        rows.append(centred / s)
        mid, rad = to_floats(as_array([s, square.sqrt()], (2,)))
        low.append(np.nextafter(mid[0] - rad[0], -np.inf))
        high.append(np.nextafter(mid[0] + rad[0], np.inf))
        least.append(max(np.nextafter(mid[1] - rad[1], -np.inf), 0.0))
    return restore(np.stack(rows)), (np.array(low), np.array(high), np.array(least))


def as_groups(z: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Entries by group, (groups, P), and the map back to the shape of z."""
    kept = [axis for axis in range(z.ndim) if axis not in axes]
    order = [*kept, *sorted(axes)]
    moved = z.transpose(order)
    count = int(np.prod([z.shape[axis] for axis in axes], dtype=int))

    def restore(rows: np.ndarray) -> np.ndarray:
        return rows.reshape(moved.shape).transpose(np.argsort(order))

    return moved.reshape(-1, count), restore


def _softmax(node: Node, inputs: list[Balls], graph: Graph) -> Balls:
    rows = inputs[0].reshape(-1, inputs[0].shape[-1])
    result = []
    for row in rows:
        shift = max((float(v.mid()) for v in row if v.is_finite()), default=0.0)
        powers = [(v - shift).exp() for v in row]
        total = sum(powers[1:], powers[0])
        result.append([power / total for power in powers])
    return as_array([v for row in result for v in row], node.shape)


_RULES: dict[str, Callable[[Node, list[Balls], Graph], Balls]] = {
    "gather": _gather,
    "contract": _contract,
    "sum": _sum,
    "scale": _scale,
    "shift": _shift,
    "add": _add,
    "conv": _conv,
    "matmul": _matmul,
    "product": _product,
    "entrywise": _entrywise,
    "piecewise": _piecewise,
    "maximum": _maximum,
    "softmax": _softmax,
}
