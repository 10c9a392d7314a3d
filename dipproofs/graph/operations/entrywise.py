"""A smooth scalar function applied to every entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from dipproofs.graph.functions import numpy_function
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import rules
from dipproofs.graph.operations.base import Array, Arrays, Operation, Tables
from dipproofs.theory.elementary import ELEMENTARY


class Entrywise(Operation):
    """A function φ of one variable applied to every entry.

    φ is the SymPy expression `dipproofs.theory.elementary.ELEMENTARY[function].phi`; where its domain is not the whole
    line the graph is only defined for entries in it.

    Attributes:
        function: name of φ.
    """

    name = "entrywise"
    inputs = (1, 1)
    attributes: ClassVar = {"function": rules.word(ELEMENTARY)}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the input's shape."""
        return shapes[0]

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return φ of the entries; NaN outside the domain."""
        return numpy_function(node["function"], 0)(inputs[0])

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Multiply by φ'."""
        return (cotangents * numpy_function(node["function"], 1)(inputs[0]),)
