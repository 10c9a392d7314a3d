"""Index maps: everything that only moves, repeats or drops entries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import rules
from dipproofs.graph.operations.base import Array, Arrays, Operation, Tables, constant


class Gather(Operation):
    """Entry i of the result is entry `indices[i]` of all inputs, flattened row by row and joined; −1 gives 0.

    This is reshape, transpose, slice, flip, broadcast, concatenation, stacking, padding (zero, reflected, replicated,
    circular), nearest-neighbour resizing and the windows of max-pooling.

    Attributes:
        indices: name of an integer constant; its shape is the shape of the result.
    """

    name = "gather"
    inputs = (1, None)
    attributes: ClassVar = {"indices": rules.NAME}

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the shape of the index array, after checking its range."""
        indices = constant(graph, node["indices"], "i")
        total = sum(math.prod(shape) for shape in shapes)
        if not (indices.min() >= -1 and indices.max() < total):
            wrong = indices.min() if indices.min() < -1 else indices.max()
            raise InputError(f"found the index {wrong}, expected -1 to {total - 1}")
        return indices.shape

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the gathered entries."""
        joined = np.concatenate([*(x.reshape(-1) for x in inputs), np.zeros(1)])
        return np.asarray(joined[graph.constants[node["indices"]]])

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Add every cotangent entry to the entry it was read from."""
        sizes = [x.size for x in inputs]
        indices = graph.constants[node["indices"]].reshape(-1)
        joined = scatter_add(cotangents.reshape(len(cotangents), -1), indices, sum(sizes))
        parts = np.split(joined, np.cumsum(sizes)[:-1], axis=1)
        return tuple(part.reshape(len(cotangents), *x.shape) for part, x in zip(parts, inputs))


def scatter_add(rows: np.ndarray, indices: np.ndarray, size: int) -> np.ndarray:
    """Return the transpose of a gather: (rows, entries) to (rows, size); index −1 is dropped."""
    keep = indices >= 0
    kept, values = (indices, rows) if keep.all() else (indices[keep], rows[:, keep])
    result = np.zeros((len(rows), size), dtype=rows.dtype)
    if np.bincount(kept, minlength=1).max(initial=0) <= 1:
        result[:, kept] = values
        return result
    order = np.argsort(kept, kind="stable")
    ordered = kept[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    result[:, ordered[starts]] = np.add.reduceat(values[:, order], starts, axis=1)
    return result
