"""Functions with kinks: continuous piecewise linear ones, and the maximum."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import rules
from dipproofs.graph.operations.base import Array, Arrays, Operation, Tables


class Piecewise(Operation):
    """A continuous piecewise linear function applied to every entry: ReLU, leaky ReLU, |x|, clipping.

    With knots t_1 < … < t_K, slopes s_0, …, s_K and φ(t_1) = value: φ is linear with slope s_0 left of t_1, s_k between
    t_k and t_{k+1}, s_K right of t_K. `vjp` takes the slope on the left at a knot.

    Attributes:
        knots: increasing numbers, at least one.
        slopes: one more number than knots.
        value: φ at the first knot.
    """

    name = "piecewise"
    inputs = (1, 1)
    attributes: ClassVar = {"knots": rules.numbers(1), "slopes": rules.numbers(2), "value": rules.NUMBER}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the input's shape."""
        knots = node["knots"]
        if not all(a < b for a, b in pairwise(knots)):
            raise InputError(f"found knots {knots}, expected increasing numbers")
        if len(node["slopes"]) != len(knots) + 1:
            raise InputError(f"found {len(node['slopes'])} slopes for {len(knots)} knots, expected one more")
        return shapes[0]

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return φ of the entries."""
        return piecewise_values(inputs[0], node["knots"], node["slopes"], node["value"])

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Multiply by the slope."""
        return (cotangents * pieces(node, inputs[0])[1],)


def piecewise_values(x: Array, knots: Sequence[float], slopes: Sequence[float], value: float) -> Array:
    """Return φ of the entries of x; ``value`` is φ at the first knot."""
    result = value + slopes[0] * np.minimum(x - knots[0], 0.0)
    for start, end, slope in zip(knots, (*knots[1:], np.inf), slopes[1:]):
        result = result + slope * (np.clip(x, start, end) - start)
    return np.asarray(result)


def pieces(node: Node, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for every entry the number of knots below it, and the slope of that piece."""
    piece = np.searchsorted(np.array(node["knots"], dtype=float), x, side="left")
    return piece, np.array(node["slopes"], dtype=float)[piece]


class Maximum(Operation):
    """The largest entry along the last axis, which disappears.

    Max-pooling is a gather of the windows and a maximum; `vjp` takes the first of equal entries.
    """

    name = "maximum"
    inputs = (1, 1)

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the shape without the last axis."""
        if not shapes[0]:
            raise InputError("found a number, expected an input with at least one axis")
        return shapes[0][:-1]

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the maxima."""
        return np.asarray(inputs[0].max(axis=-1))

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Give the cotangent to the largest entry."""
        best = np.argmax(inputs[0], axis=-1)[..., None] == np.arange(inputs[0].shape[-1])
        return (cotangents[..., None] * best,)
