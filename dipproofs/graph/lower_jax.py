"""The graph as a JAX function, for descent and estimates; the only file of the format that needs JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from dipproofs.graph.format import Graph
from dipproofs.graph.lower_conv import conv
from dipproofs.graph.lower_gather import gather
from dipproofs.graph.node import Node
from dipproofs.theory.activations import x as variable
from dipproofs.theory.elementary import ELEMENTARY
from dipproofs.theory.numeric import float_function

Values = Mapping[str, Any]


def lower(graph: Graph) -> Callable[[Values], Any]:
    """Return the pure function from parameters by name to the output.

    Constants take the number format of the parameters.

    Notes:
        Evidence level: estimated.
    """
    return lambda parameters: all_nodes(graph, parameters)[graph.output]


def all_nodes(graph: Graph, parameters: Values) -> list[Any]:
    """Return the values of all nodes.

    Args:
        graph: the graph.
        parameters: arrays by name.
    """
    dtype = jnp.result_type(*parameters.values()) if parameters else jnp.result_type(float)
    values: list[Any] = []
    for node in graph.nodes:
        if node.op == "parameter":
            value = jnp.asarray(parameters[node["name"]], dtype)
        else:
            value = _RULES[node.op](node, [values[i] for i in node.inputs], graph, dtype)
        values.append(value)
    return values


@cache
def jax_function(name: str, order: int = 0) -> Callable[[Any], Any]:
    """Return φ (or φ', φ'') of an elementary function, whose derivative is the stated φ'."""
    formula = float_function(variable, ELEMENTARY[name].float_form(order), "jax")

    def plain(a: Any) -> Any:
        return jnp.broadcast_to(jnp.asarray(formula(a), a.dtype), a.shape)

    if order == 2:
        return plain
    function = jax.custom_jvp(plain)
    function.defjvp(lambda point, tangent: (function(*point), jax_function(name, order + 1)(*point) * tangent[0]))
    return function


def _gather(node: Node, inputs: Sequence[Any], graph: Graph, dtype: Any) -> Any:
    return gather(inputs, graph.constants[node["indices"]])


def _contract(node: Node, inputs: Sequence[Any], graph: Graph, dtype: Any) -> Any:
    matrix = jnp.asarray(graph.constants[node["matrix"]], dtype)
    return jnp.moveaxis(jnp.tensordot(matrix, inputs[0], axes=(1, node["axis"]), precision="highest"), 0, node["axis"])


def _coefficient(value: Any, graph: Graph, dtype: Any) -> Any:
    return jnp.asarray(graph.constants[value] if isinstance(value, str) else value, dtype)


def _piecewise(node: Node, inputs: Sequence[Any], graph: Graph, dtype: Any) -> Any:
    x, knots, slopes = inputs[0], node["knots"], node["slopes"]
    value = node["value"]
    result = value + slopes[0] * (x - knots[0])
    for place, knot in enumerate(knots):
        if place:
            value = value + slopes[place] * (knot - knots[place - 1])
        result = jnp.where(x > knot, value + slopes[place + 1] * (x - knot), result)
    return result


def _normalise(node: Node, inputs: Sequence[Any], graph: Graph, dtype: Any) -> Any:
    x, axes = inputs[0], node["axes"]
    centred = x - x.mean(axes, keepdims=True) if node["centre"] else x
    return centred / jnp.sqrt((centred**2).mean(axes, keepdims=True) + node["epsilon"])


_RULES: dict[str, Callable[[Node, Sequence[Any], Graph, Any], Any]] = {
    "constant": lambda node, inputs, graph, dtype: jnp.asarray(graph.constants[node["name"]], dtype),
    "gather": _gather,
    "contract": _contract,
    "sum": lambda node, inputs, graph, dtype: inputs[0].sum(node["axes"]),
    "scale": lambda node, inputs, graph, dtype: inputs[0] * _coefficient(node["factor"], graph, dtype),
    "shift": lambda node, inputs, graph, dtype: inputs[0] + _coefficient(node["offset"], graph, dtype),
    "add": lambda node, inputs, graph, dtype: sum(s * x for s, x in zip(node["signs"], inputs)),
    "conv": lambda node, inputs, graph, dtype: conv(node, *inputs),
    "matmul": lambda node, inputs, graph, dtype: jnp.matmul(inputs[0], inputs[1], precision="highest"),
    "product": lambda node, inputs, graph, dtype: inputs[0] * inputs[1],
    "entrywise": lambda node, inputs, graph, dtype: jax_function(node["function"])(inputs[0]),
    "piecewise": _piecewise,
    "maximum": lambda node, inputs, graph, dtype: inputs[0].max(-1),
    "normalise": _normalise,
    "softmax": lambda node, inputs, graph, dtype: jax.nn.softmax(inputs[0], axis=-1),
}
