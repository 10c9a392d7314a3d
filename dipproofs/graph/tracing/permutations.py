"""Move permutations of entries behind entrywise operations, so that changes of layout meet and cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dipproofs.graph.build import GraphBuilder


def permuted(builder: GraphBuilder, place: int) -> tuple[int, np.ndarray] | None:
    """Return (x, index) if a node is a permutation (or reshape) of one node x, else None."""
    node = builder.nodes[place]
    if node.op != "gather" or len(node.inputs) != 1 or builder.nodes[node.inputs[0]].size != node.size:
        return None
    index = builder.constants[node["indices"]]
    flat = index.reshape(-1)
    if flat.min() < 0 or np.bincount(flat, minlength=flat.size).max() != 1:
        return None
    return node.inputs[0], index


def entrywise(builder: GraphBuilder, place: int, make: Callable[[int], int]) -> int:
    """Apply an entrywise operation with the permutation of its input behind it."""
    found = permuted(builder, place)
    if found is None or builder.nodes[found[0]].op == "parameter":
        return make(place)
    return builder.gather([make(found[0])], found[1])


def add(builder: GraphBuilder, places: Sequence[int], signs: Sequence[int]) -> int:
    """Signed sum, in the layout of the largest computation among the inputs."""
    return _together(builder, places, lambda inputs: builder.add(*inputs, signs=signs))


def product(builder: GraphBuilder, a: int, b: int) -> int:
    """Entrywise product, likewise."""
    return _together(builder, (a, b), lambda inputs: builder.product(*inputs))


def _together(builder: GraphBuilder, places: Sequence[int], make: Callable[[Sequence[int]], int]) -> int:
    for place in places:
        found = permuted(builder, place)
        if found is None or builder.nodes[found[0]].op == "parameter":
            continue
        base, index = found
        inverse = np.empty(index.size, dtype=np.int64)
        inverse[index.reshape(-1)] = np.arange(index.size)
        inverse = inverse.reshape(builder.shape(base))
        return builder.gather([make([builder.gather([p], inverse) for p in places])], index)
    return make(places)


def contract(builder: GraphBuilder, place: int, matrix: np.ndarray, axis: int) -> int:
    """A constant matrix along an axis, before a transposition of its input rather than behind it."""
    found = permuted(builder, place)
    axes = None if found is None else _transposition(builder, *found)
    if found is None or axes is None or builder.shape(place)[axis] == 1:
        return builder.contract(place, matrix, axis)
    base, index = found
    target = (*index.shape[:axis], matrix.shape[0], *index.shape[axis + 1 :])
    kept = [i for i, n in enumerate(index.shape) if n > 1]
    inner = axes[kept.index(axis)]
    y = builder.contract(base, matrix, inner)
    moved = builder.places_of(y).transpose([*axes, *(i for i in range(len(builder.shape(y))) if i not in axes)])
    return builder.gather([y], moved.reshape(target))


def _transposition(builder: GraphBuilder, base: int, index: np.ndarray) -> list[int] | None:
    """For each axis of the index map longer than 1 the axis of x that it runs along, or None."""
    shape = builder.shape(base)
    inner = [i for i, n in enumerate(shape) if n > 1]
    steps = {int(np.prod(shape[i + 1 :])): i for i in inner}
    short = index.reshape([n for n in index.shape if n > 1])
    strides = [int(np.take(short, 1, axis=k).flat[0] - short.flat[0]) for k in range(short.ndim)]
    axes = [steps.get(stride, -1) for stride in strides]
    if sorted(axes) != inner:
        return None
    places = builder.places_of(base).transpose([*axes, *(i for i in range(len(shape)) if i not in axes)])
    return axes if np.array_equal(places.reshape(short.shape), short) else None
