"""Composition of index maps, so that a chain of reshapes, pads and slices is one gather."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dipproofs.graph.node import Shape

if TYPE_CHECKING:
    from dipproofs.graph.build import GraphBuilder


def is_identity(index: np.ndarray, shape: Shape) -> bool:
    """Whether an index map returns its one input unchanged."""
    return index.shape == shape and bool(np.array_equal(index.reshape(-1), np.arange(index.size)))


def fuse(builder: GraphBuilder, inputs: Sequence[int], index: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Replace inputs that are gathers by what they read, and leave out inputs that are not read.

    Args:
        builder: holds the nodes.
        inputs: places.
        index: map of the joined inputs.

    Returns:
        The new inputs, each once, and the map of them.
    """
    flat = index.reshape(-1)
    sources: list[int] = []
    starts: dict[int, int] = {}
    tables = []

    def start_of(place: int) -> int:
        if place not in starts:
            starts[place] = sum(builder.nodes[s].size for s in sources)
            sources.append(place)
        return starts[place]

    used = _used(builder, inputs, flat)
    for place, is_read in zip(inputs, used):
        node = builder.nodes[place]
        if not is_read:
            tables.append(np.full(node.size, -1))
        elif node.op == "gather":
            inner = builder.constants[node["indices"]].reshape(-1)
            joined = np.concatenate([start_of(i) + np.arange(builder.nodes[i].size) for i in node.inputs] + [[-1]])
            tables.append(joined[inner])
        else:
            tables.append(start_of(place) + np.arange(node.size))
    table = np.concatenate([*tables, [-1]])
    if not sources:
        return [inputs[0]], np.full(index.shape, -1)
    return _compacted(builder, sources, table[flat].reshape(index.shape))


def _compacted(builder: GraphBuilder, sources: list[int], index: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Leave out sources that are not read."""
    used = _used(builder, sources, index.reshape(-1))
    if all(used) or not any(used):
        return (sources if all(used) else sources[:1]), index
    sizes = [builder.nodes[s].size for s in sources]
    tables, start = [], 0
    for size, is_read in zip(sizes, used):
        tables.append(np.arange(start, start + size) if is_read else np.full(size, -1))
        start += size if is_read else 0
    table = np.concatenate([*tables, [-1]])
    return [s for s, is_read in zip(sources, used) if is_read], table[index]


def _used(builder: GraphBuilder, inputs: Sequence[int], flat: np.ndarray) -> list[bool]:
    ends = np.cumsum([builder.nodes[i].size for i in inputs])
    read = np.unique(np.searchsorted(ends, flat[flat >= 0], side="right"))
    return [i in read for i in range(len(inputs))]
