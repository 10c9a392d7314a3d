"""Where values come from: parameters and constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import rules
from dipproofs.graph.operations.base import Operation, Tables, constant


class Parameter(Operation):
    """The trained array called `name`.

    It is a block of its own in the theory of docs/theory.md; several nodes may read it (a tied weight).

    Attributes:
        name: a key of the graph's parameters.
    """

    name = "parameter"
    inputs = (0, 0)
    attributes: ClassVar = {"name": rules.TEXT}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the parameter's shape."""
        if node["name"] not in graph.parameters:
            raise InputError(f"found the parameter {node['name']!r}, expected one of the graph's")
        return graph.parameters[node["name"]]

    def evaluate(self, node: Node, inputs: Sequence[np.ndarray], graph: Tables) -> np.ndarray:
        """Never called: `dipproofs.graph.evaluate` puts the values in."""
        raise NotImplementedError

    def vjp(
        self, node: Node, inputs: Sequence[np.ndarray], result: np.ndarray, cotangents: np.ndarray, graph: Tables
    ) -> tuple[np.ndarray, ...]:
        """Return nothing: there is no input."""
        return ()


class Constant(Operation):
    """The constant array called `name` (float64).

    Attributes:
        name: a key of the graph's constants.
    """

    name = "constant"
    inputs = (0, 0)
    attributes: ClassVar = {"name": rules.TEXT}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the constant's shape."""
        return constant(graph, node["name"]).shape

    def evaluate(self, node: Node, inputs: Sequence[np.ndarray], graph: Tables) -> np.ndarray:
        """Return the constant."""
        return constant(graph, node["name"])

    def vjp(
        self, node: Node, inputs: Sequence[np.ndarray], result: np.ndarray, cotangents: np.ndarray, graph: Tables
    ) -> tuple[np.ndarray, ...]:
        """Return nothing: there is no input."""
        return ()
