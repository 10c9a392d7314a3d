"""Linear and affine maps with constant coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import rules
from dipproofs.graph.operations.base import Array, Arrays, Operation, Tables, constant, factor


class Contract(Operation):
    """A constant matrix U applied along one axis: y[…,i,…] = Σ_j U[i,j] x[…,j,…].

    This is bilinear resizing (one node an axis), average pooling, a mean, a cosine transform.

    Attributes:
        matrix: name of a constant (r, n), n the length of the axis.
        axis: the axis, from 0; the result has length r there.
    """

    name = "contract"
    inputs = (1, 1)
    attributes: ClassVar = {"matrix": rules.NAME, "axis": rules.whole(0)}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the input's shape with the axis replaced."""
        matrix, (shape,), axis = constant(graph, node["matrix"]), shapes, node["axis"]
        if axis >= len(shape) or matrix.ndim != 2 or matrix.shape[1] != shape[axis]:
            raise InputError(f"found a matrix {matrix.shape} for axis {axis} of {shape}, expected (r, axis length)")
        return (*shape[:axis], matrix.shape[0], *shape[axis + 1 :])

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return U applied along the axis."""
        return along(graph.constants[node["matrix"]], inputs[0], node["axis"])

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Apply Uᵀ."""
        return (along(graph.constants[node["matrix"]].T, cotangents, node["axis"] + 1),)


def along(matrix: np.ndarray, x: np.ndarray, axis: int) -> np.ndarray:
    """Apply a matrix along one axis."""
    return np.ascontiguousarray(np.moveaxis(np.tensordot(matrix, x, axes=(1, axis)), 0, axis))


class Sum(Operation):
    """The sum over some axes, which disappear.

    Attributes:
        axes: different axes, from 0.
    """

    name = "sum"
    inputs = (1, 1)
    attributes: ClassVar = {"axes": rules.wholes(0, distinct=True)}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the remaining axes."""
        check_axes(node["axes"], shapes[0])
        return tuple(n for axis, n in enumerate(shapes[0]) if axis not in node["axes"])

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the sums."""
        return np.asarray(inputs[0].sum(axis=node["axes"]))

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Repeat the cotangent along the axes."""
        spread = np.expand_dims(cotangents, tuple(axis + 1 for axis in sorted(node["axes"])))
        return (np.array(np.broadcast_to(spread, (len(cotangents), *inputs[0].shape))),)


def check_axes(axes: Sequence[int], shape: Shape) -> None:
    """Require that the axes exist."""
    if not all(axis < len(shape) for axis in axes):
        raise InputError(f"found axes {tuple(axes)} for shape {shape}, expected axes from 0 to {len(shape) - 1}")


class Scale(Operation):
    """The input times a constant, entrywise.

    Attributes:
        factor: a number, or the name of a constant of the input's shape.
    """

    name = "scale"
    inputs = (1, 1)
    attributes: ClassVar = {"factor": rules.NUMBER_OR_NAME}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the input's shape."""
        return _same_as_constant(factor(graph, node["factor"]), shapes[0])

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the products."""
        return np.asarray(inputs[0] * factor(graph, node["factor"]))

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Scale the cotangent alike."""
        return (cotangents * factor(graph, node["factor"]),)


class Shift(Operation):
    """The input plus a constant, entrywise.

    Attributes:
        offset: a number, or the name of a constant of the input's shape.
    """

    name = "shift"
    inputs = (1, 1)
    attributes: ClassVar = {"offset": rules.NUMBER_OR_NAME}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the input's shape."""
        return _same_as_constant(factor(graph, node["offset"]), shapes[0])

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the sums."""
        return np.asarray(inputs[0] + factor(graph, node["offset"]))

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Pass the cotangent on."""
        return (cotangents,)


def _same_as_constant(value: np.ndarray | float, shape: Shape) -> Shape:
    if isinstance(value, np.ndarray) and value.shape != shape:
        raise InputError(f"found a constant of shape {value.shape}, expected {shape}")
    return shape


class Add(Operation):
    """The sum of inputs of equal shape, each with sign +1 or −1.

    Attributes:
        signs: one sign for each input.
    """

    name = "add"
    inputs = (1, None)
    attributes: ClassVar = {"signs": rules.signs()}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the common shape."""
        if len(node["signs"]) != len(shapes):
            raise InputError(f"found {len(node['signs'])} signs for {len(shapes)} inputs, expected one each")
        return common_shape(shapes)

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the signed sum."""
        return np.asarray(sum(sign * x for sign, x in zip(node["signs"], inputs)))

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Pass the cotangent on with its sign."""
        return tuple(cotangents if sign == 1 else -cotangents for sign in node["signs"])


def common_shape(shapes: Sequence[Shape]) -> Shape:
    """Require equal shapes and return theirs."""
    if any(shape != shapes[0] for shape in shapes):
        raise InputError(f"found inputs of shapes {', '.join(map(str, shapes))}, expected equal shapes (gather first)")
    return shapes[0]
