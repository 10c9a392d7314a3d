"""The values of all nodes at the stored parameters, in ball arithmetic (docs/theory-graphs.md §4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from flint import arb, arb_mat, ctx

from dipproofs.graph.format import Graph
from dipproofs.graph.node import Node
from dipproofs.theory.activations import x as variable
from dipproofs.theory.elementary import ELEMENTARY
from dipproofs.verify.arithmetic.expressions import compiled
from dipproofs.verify.graph.windows import windows

BITS = 128
Balls = list[arb]
Shapes = list[tuple[int, ...]]


@dataclass
class Values:
    """What is known of the nodes.

    Args:
        mid: float64 by place. rad: entrywise bounds of |z − mid|, 0 for exact values.
        spread: for each normalisation the balls of s and of ‖x − mean‖ by group.
        output: balls of the result.
    """

    mid: list[np.ndarray] = field(default_factory=list)
    rad: list[np.ndarray] = field(default_factory=list)
    spread: dict[int, tuple[Balls, Balls]] = field(default_factory=dict)
    output: Balls = field(default_factory=list)


def values_of(graph: Graph, parameters: Mapping[str, np.ndarray]) -> Values:
    """Evaluate the graph on balls; a ball that is not finite gives an infinite radius.

    Args:
        graph: the graph. parameters: exact arrays by name.
    """
    last = {source: place for place, node in enumerate(graph.nodes) for source in node.inputs}
    known, found = {}, Values()
    with ctx.workprec(BITS):
        for place, node in enumerate(graph.nodes):
            if node.op in ("parameter", "constant"):
                exact = np.asarray((parameters if node.op == "parameter" else graph.constants)[node["name"]], float)
                known[place] = [arb(v) for v in exact.ravel().tolist()]
                found.mid.append(exact.copy())
                found.rad.append(np.zeros(exact.shape))
                continue
            inputs, shapes = [known[i] for i in node.inputs], [graph.nodes[i].shape for i in node.inputs]
            if node.op == "normalise":
                known[place], found.spread[place] = _normalise(node, inputs[0])
            else:
                known[place] = _RULES[node.op](node, inputs, shapes, graph)
            mid, rad = floats(known[place])
            found.mid.append(mid.reshape(node.shape))
            found.rad.append(rad.reshape(node.shape))
            for source in set(node.inputs):
                if last[source] == place and source != graph.output:
                    del known[source]
        found.output = known[graph.output]
    return found


def floats(balls: Balls) -> tuple[np.ndarray, np.ndarray]:
    """Midpoints as floats, and radii that pay for rounding them."""
    mid = np.array([float(b.mid()) for b in balls])
    rad = np.array([_radius(b, m) for b, m in zip(balls, mid.tolist())])
    bad = ~(np.isfinite(mid) & np.isfinite(rad))
    return np.where(bad, 0.0, mid), np.where(bad, math.inf, rad)


def _radius(ball: arb, mid: float) -> float:
    away = abs(ball - mid) if math.isfinite(mid) else arb.nan()
    return float(away.upper()) * (1 + 2.0**-50) + (0.0 if away.is_zero() else 2.0**-1060)


def _gather(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    joined = [entry for part in inputs for entry in part]
    joined.append(arb(0))
    return [joined[i] for i in graph.constants[node["indices"]].ravel().tolist()]


def _contract(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    matrix, axis, shape = graph.constants[node["matrix"]], node["axis"], shapes[0]
    order = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), axis, 0).reshape(shape[axis], -1)
    right = arb_mat(*order.shape, [inputs[0][i] for i in order.ravel().tolist()])
    left = arb_mat(*matrix.shape, [arb(v) for v in matrix.ravel().tolist()])
    done = (left * right).entries()
    rest = [n for i, n in enumerate(shape) if i != axis]
    place = np.moveaxis(np.arange(len(done)).reshape(matrix.shape[0], *rest), 0, axis)
    return [done[i] for i in place.ravel().tolist()]


def _sum(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    kept = [i for i in range(len(shapes[0])) if i not in node["axes"]]
    count = math.prod(shapes[0][i] for i in node["axes"])
    order = np.arange(math.prod(shapes[0])).reshape(shapes[0]).transpose(*kept, *sorted(node["axes"]))
    return [sum((inputs[0][i] for i in row), arb(0)) for row in order.reshape(-1, count).tolist()]


def _constant(node: Node, key: str, size: int, graph: Graph) -> list[arb]:
    value = node[key]
    if isinstance(value, str):
        return [arb(v) for v in graph.constants[value].ravel().tolist()]
    return [arb(float(value))] * size


def _scale(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    return [a * b for a, b in zip(inputs[0], _constant(node, "factor", len(inputs[0]), graph))]


def _shift(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    return [a + b for a, b in zip(inputs[0], _constant(node, "offset", len(inputs[0]), graph))]


def _add(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    return [sum((sign * v for sign, v in zip(node["signs"], row)), arb(0)) for row in zip(*inputs)]


def _conv(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    view = windows(node, shapes[0], shapes[1])
    x, w = [*inputs[0], arb(0)], inputs[1]
    result: Balls = []
    for group in range(view.groups):
        read = view.entries(group)
        right = arb_mat(*read.shape, [x[i] for i in read.ravel().tolist()])
        taken = view.weights(group)
        left = arb_mat(*taken.shape, [w[i] for i in taken.ravel().tolist()])
        result += (left * right).entries()
    return result


def _matmul(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    (p, q), r = shapes[0][-2:], shapes[1][-1]
    result: Balls = []
    for i in range(math.prod(shapes[0][:-2])):
        left = arb_mat(p, q, inputs[0][i * p * q : (i + 1) * p * q])
        result += (left * arb_mat(q, r, inputs[1][i * q * r : (i + 1) * q * r])).entries()
    return result


def _product(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    return [a * b for a, b in zip(*inputs)]


def on_balls(name: str, order: int) -> Callable[[arb], arb]:
    """φ, φ' or φ'' of a ball."""
    function = compiled(ELEMENTARY[name].derivative(order))
    return lambda ball: function({variable: ball})


def _entrywise(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    return list(map(on_balls(node["function"], 0), inputs[0]))


def heights(node: Node) -> Balls:
    """Values of a piecewise linear function at its knots."""
    knots, slopes = node["knots"], node["slopes"]
    found = [arb(float(node["value"]))]
    for k in range(1, len(knots)):
        found.append(found[-1] + arb(float(slopes[k])) * (arb(float(knots[k])) - arb(float(knots[k - 1]))))
    return found


def _piecewise(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    knots, slopes, at = [arb(float(t)) for t in node["knots"]], [arb(float(t)) for t in node["slopes"]], heights(node)

    def value(z: arb) -> arb:
        pieces = []
        for k, slope in enumerate(slopes):
            outside = (k > 0 and z < knots[k - 1]) or (k < len(knots) and z > knots[k])
            if not outside:
                anchor = max(k - 1, 0)
                pieces.append(at[anchor] + slope * (z - knots[anchor]))
        result = pieces[0] if pieces else arb.nan()
        for piece in pieces[1:]:
            result = result.union(piece)
        return result

    return list(map(value, inputs[0]))


def _maximum(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    width = shapes[0][-1]
    result = []
    for start in range(0, len(inputs[0]), width):
        best = inputs[0][start]
        for other in inputs[0][start + 1 : start + width]:
            best = best.max(other)
        result.append(best)
    return result


def groups_of(node: Node) -> np.ndarray:
    """Flat places of the entries of every group of a normalisation, (groups, P)."""
    kept = [axis for axis in range(len(node.shape)) if axis not in node["axes"]]
    count = math.prod(node.shape[axis] for axis in node["axes"])
    places = np.arange(math.prod(node.shape)).reshape(node.shape)
    return places.transpose(*kept, *sorted(node["axes"])).reshape(-1, count)


def _normalise(node: Node, z: Balls) -> tuple[Balls, tuple[Balls, Balls]]:
    result, deviations, sizes = list(z), [], []
    for group in groups_of(node).tolist():
        entries, count = [z[i] for i in group], len(group)
        mean = sum(entries, arb(0)) / count if node["centre"] else arb(0)
        centred = [v - mean for v in entries]
        square = sum((v * v for v in centred), arb(0))
        s = (square / count + arb(float(node["epsilon"]))).sqrt()
        for place, v in zip(group, centred):
            result[place] = v / s
        deviations.append(s)
        sizes.append(square.sqrt())
    return result, (deviations, sizes)


def _softmax(node: Node, inputs: list[Balls], shapes: Shapes, graph: Graph) -> Balls:
    width, result = shapes[0][-1], list[arb]()
    for start in range(0, len(inputs[0]), width):
        row = inputs[0][start : start + width]
        top = arb(max(float(v.mid()) for v in row))
        powers = [(v - top).exp() for v in row]
        total = sum(powers, arb(0))
        result += [v / total for v in powers]
    return result


_RULES: dict[str, Callable[[Node, list[Balls], Shapes, Graph], Balls]] = {
    "gather": _gather, "contract": _contract, "sum": _sum, "scale": _scale, "shift": _shift, "add": _add,
    "conv": _conv, "matmul": _matmul, "product": _product, "entrywise": _entrywise, "piecewise": _piecewise,
    "maximum": _maximum, "softmax": _softmax,
}  # fmt: skip
