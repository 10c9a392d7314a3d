"""Bilinear maps of two nodes: entrywise product and matrix product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations.base import Array, Arrays, Operation, Tables
from dipproofs.graph.operations.linear import common_shape


class Product(Operation):
    """The entrywise product of two inputs of equal shape (broadcasting is a gather before)."""

    name = "product"
    inputs = (2, 2)

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the common shape."""
        return common_shape(shapes)

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the products."""
        return np.asarray(inputs[0] * inputs[1])

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Multiply by the other factor."""
        return cotangents * inputs[1], cotangents * inputs[0]


class Matmul(Operation):
    """The matrix product of a (…,p,q) and b (…,q,r), with equal leading axes: y[…,i,k] = Σ_j a[…,i,j] b[…,j,k].

    A dense layer is a matmul with a parameter.
    """

    name = "matmul"
    inputs = (2, 2)

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return (…,p,r)."""
        a, b = shapes
        if len(a) < 2 or len(a) != len(b) or a[:-2] != b[:-2] or a[-1] != b[-2]:
            raise InputError(f"found shapes {a} and {b}, expected (…,p,q) and (…,q,r) with equal leading axes")
        return (*a[:-1], b[-1])

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the product."""
        return np.asarray(inputs[0] @ inputs[1])

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Return w bᵀ and aᵀ w."""
        a, b = inputs
        return cotangents @ b.swapaxes(-1, -2), a.swapaxes(-1, -2) @ cotangents
