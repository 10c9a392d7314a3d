"""Normalisation to mean 0 and variance 1, and softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import rules
from dipproofs.graph.operations.base import Array, Arrays, Operation, Tables
from dipproofs.graph.operations.linear import check_axes


class Normalise(Operation):
    """n = (x − mean x)/√(mean (x − mean x)² + ε), the means over `axes`; without centring n = x/√(mean x² + ε).

    Instance normalisation, batch normalisation of a batch of one, group, layer and RMS normalisation; group
    normalisation is a gather to (groups, channels a group, *space) before. The variance is the biased one. The affine
    part (γ n + δ) is a product and an add.

    Attributes:
        axes: different axes that make up a group of entries.
        epsilon: ε > 0.
        centre: whether the mean is subtracted.
    """

    name = "normalise"
    inputs = (1, 1)
    attributes: ClassVar = {"axes": rules.wholes(0, distinct=True), "epsilon": rules.POSITIVE, "centre": rules.BOOLEAN}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the input's shape."""
        check_axes(node["axes"], shapes[0])
        return shapes[0]

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the normalised entries."""
        centred, deviation = centred_and_deviation(node, inputs[0])
        return np.asarray(centred / deviation)

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Return (w − mean w − n mean(n w))/s; without centring (w − n mean(n w))/s."""
        axes = tuple(axis + 1 for axis in node["axes"])
        _, deviation = centred_and_deviation(node, inputs[0])
        back = cotangents - result * (result * cotangents).mean(axis=axes, keepdims=True)
        if node["centre"]:
            back = back - cotangents.mean(axis=axes, keepdims=True)
        return (back / deviation,)


def centred_and_deviation(node: Node, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x − mean x (or x) and s = √(mean of its square + ε), with the axes kept."""
    axes = node["axes"]
    centred = x - x.mean(axis=axes, keepdims=True) if node["centre"] else x
    return centred, np.sqrt((centred**2).mean(axis=axes, keepdims=True) + node["epsilon"])


class Softmax(Operation):
    """exp(x_i)/Σ_j exp(x_j) along the last axis."""

    name = "softmax"
    inputs = (1, 1)

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the input's shape."""
        if not shapes[0]:
            raise InputError("found a number, expected an input with at least one axis")
        return shapes[0]

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the probabilities."""
        powers = np.exp(inputs[0] - inputs[0].max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Return p ∘ (w − Σ p w)."""
        return (result * (cotangents - (result * cotangents).sum(axis=-1, keepdims=True)),)
