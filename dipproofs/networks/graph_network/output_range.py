"""Between which numbers the output of a graph lies, whatever its parameters are: read off its last function."""

from __future__ import annotations

import math

import numpy as np

from dipproofs.graph import Graph

_ABOVE_1 = math.nextafter(1.0, 2.0)
#: Open intervals that contain every value of a function; sine and cosine take ±1.
RANGES = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "erf": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "sin": (-_ABOVE_1, _ABOVE_1),
    "cos": (-_ABOVE_1, _ABOVE_1),
    "atan": (-math.pi / 2, math.pi / 2),
    "softplus": (0.0, math.inf),
    "exp": (0.0, math.inf),
}
EVERYTHING = (-math.inf, math.inf)


def output_range(graph: Graph) -> tuple[float, float]:
    """Return an open interval that holds every entry of the output; the whole line where none is seen.

    Example:
        >>> from dipproofs.graph import Node
        >>> nodes = (Node("parameter", (), (2,), {"name": "w"}), Node("entrywise", (0,), (2,), {"function": "tanh"}))
        >>> output_range(Graph(nodes, {"w": (2,)}, {}, output=1))
        (-1.0, 1.0)
    """
    node = graph.nodes[graph.output]
    while node.op == "gather" and len(node.inputs) == 1 and bool(np.all(graph.constants[node["indices"]] >= 0)):
        node = graph.nodes[node.inputs[0]]
    return RANGES.get(str(node["function"]), EVERYTHING) if node.op == "entrywise" else EVERYTHING
