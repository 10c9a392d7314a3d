"""Where values come from: parameters and constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import rules
from dipproofs.graph.operations.base import Array, Arrays, Operation, Tables, constant


class Leaf(Operation):
    """An array that is there already.

    Attributes:
        name: under which the graph holds it.
    """

    inputs = (0, 0)
    attributes: ClassVar = {"name": rules.TEXT}

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Return nothing: there is no input."""
        return ()


class Parameter(Leaf):
    """The trained array called `name`.

    It is a block of its own in the theory of docs/theory.md; several nodes may read it (a tied weight).

    Attributes:
        name: a key of the graph's parameters.
    """

    name = "parameter"

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the parameter's shape."""
        if node["name"] not in graph.parameters:
            raise InputError(f"found the parameter {node['name']!r}, expected one of the graph's")
        return graph.parameters[node["name"]]

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Never called: `dipproofs.graph.evaluate` puts the values in."""
        raise NotImplementedError


class Constant(Leaf):
    """The constant array called `name` (float64).

    Attributes:
        name: a key of the graph's constants.
    """

    name = "constant"

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the constant's shape."""
        return constant(graph, node["name"]).shape

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the constant."""
        return constant(graph, node["name"])
