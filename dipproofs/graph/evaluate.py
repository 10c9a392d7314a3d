"""Values of all nodes and adjoints of many rows, in NumPy: estimates, no guarantee.

In float64, or in extended precision where the parameters (and cotangents) are `np.longdouble`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.format import Graph
from dipproofs.graph.operations import OPERATIONS


def forward(graph: Graph, parameters: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the values of all nodes.

    Args:
        graph: the graph.
        parameters: an array of the right shape for every parameter.

    Raises:
        InputError: a parameter is missing, unknown or of another shape.
    """
    values: list[np.ndarray] = []
    given = check_parameters(graph, parameters)
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node.op == "parameter":
                values.append(_wide(given[node["name"]]))
            else:
                values.append(OPERATIONS[node.op].evaluate(node, [values[i] for i in node.inputs], graph))
    return values


def evaluate(graph: Graph, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the output.

    Example:
        >>> from dipproofs.graph.build import GraphBuilder
        >>> builder = GraphBuilder()
        >>> graph = builder.graph(builder.entrywise(builder.parameter("w", (2,)), "square"))
        >>> evaluate(graph, {"w": np.array([2.0, 3.0])})
        array([4., 9.])
    """
    return forward(graph, parameters)[graph.output]


def reverse(graph: Graph, values: list[np.ndarray], cotangents: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (place, adjoints) from the output back to the parameters, each adjoint once and complete.

    Args:
        graph: the graph.
        values: what `forward` gave.
        cotangents: (rows, *output shape).

    Yields:
        The place of every node that depends on a parameter and reaches the output, with its (rows, *shape) adjoints.
        An array is let go as soon as it has been passed on.
    """
    waiting: dict[int, np.ndarray] = {graph.output: _wide(cotangents)}
    for place in range(graph.output, -1, -1):
        if place not in waiting or not graph.trained[place]:
            continue
        adjoint = waiting.pop(place)
        yield place, adjoint
        node = graph.nodes[place]
        with np.errstate(all="ignore"):
            parts = OPERATIONS[node.op].vjp(node, [values[i] for i in node.inputs], values[place], adjoint, graph)
        for source, part in zip(node.inputs, parts):
            if graph.trained[source]:
                waiting[source] = waiting[source] + part if source in waiting else part


def vjp(graph: Graph, parameters: Mapping[str, np.ndarray], cotangents: np.ndarray) -> dict[str, np.ndarray]:
    """Return the adjoint of the derivative: (rows, *parameter shape) by name.

    Args:
        graph: the graph.
        parameters: where the derivative is taken.
        cotangents: (rows, *output shape).
    """
    rows = len(cotangents)
    result = {name: np.zeros((rows, *shape)) for name, shape in graph.parameters.items()}
    for place, adjoint in reverse(graph, forward(graph, parameters), cotangents):
        if graph.nodes[place].op == "parameter":
            result[graph.nodes[place]["name"]] = adjoint
    return result


def _wide(array: np.ndarray) -> np.ndarray:
    return np.asarray(array, dtype=np.result_type(array, np.float64))


def check_parameters(graph: Graph, parameters: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Require exactly the graph's parameters, with their shapes."""
    for name, shape in graph.parameters.items():
        if name not in parameters:
            raise InputError(f"parameters: {name} is missing, expected an array of shape {shape}")
        if np.shape(parameters[name]) != shape:
            raise InputError(f"parameters: {name}: found shape {np.shape(parameters[name])}, expected {shape}")
    for name in parameters:
        if name not in graph.parameters:
            raise InputError(f"parameters: found {name}, expected {', '.join(graph.parameters)}")
    return parameters
