"""Index maps in JAX without scatters: slices, pads, repeats and transpositions where a map is made of those.

A plain `x[index]` is right but slow: its adjoint is a scatter, and long index arrays slow compilation down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

#: Longest axis for which an irregular map is applied as a matrix of zeros and ones.
LONGEST_MATRIX = 1024


def gather(inputs: Sequence[Any], index: np.ndarray) -> Any:
    """Return the entries of the joined, flattened inputs; −1 gives 0."""
    sizes = [int(np.prod(x.shape)) for x in inputs]
    if len(inputs) == 1:
        return _one(inputs[0], index)
    flat = index.reshape(-1)
    if flat.size == sum(sizes) and np.array_equal(flat, np.arange(flat.size)):
        return jnp.concatenate([x.reshape(-1) for x in inputs]).reshape(index.shape)
    parts = _split(index, np.cumsum(sizes))
    if parts is not None:
        axis, pieces = parts
        starts = np.cumsum([0, *sizes])
        done = [_one(inputs[s], np.where(piece >= 0, piece - starts[s], -1)) for s, piece in pieces]
        return jnp.concatenate(done, axis=axis)
    return _taken(jnp.concatenate([x.reshape(-1) for x in inputs]), index)


def _one(x: Any, index: np.ndarray) -> Any:
    flat = index.reshape(-1)
    if flat.size == x.size and np.array_equal(flat, np.arange(flat.size)):
        return x.reshape(index.shape)
    x = x if x.ndim else x.reshape(1)
    plan = _plan(x.shape, index)
    return _taken(x.reshape(-1), index) if plan is None else plan.apply(x, index.shape)


def _taken(flat: Any, index: np.ndarray) -> Any:
    taken = flat[jnp.asarray(np.maximum(index, 0))]
    return taken if index.min() >= 0 else jnp.where(jnp.asarray(index >= 0), taken, jnp.zeros((), flat.dtype))


def _split(index: np.ndarray, ends: np.ndarray) -> tuple[int, list[tuple[int, np.ndarray]]] | None:
    """An axis along which runs of the map read one input each, if there is one."""
    source = np.where(index >= 0, np.searchsorted(ends, np.maximum(index, 0), side="right"), -1)
    for axis in range(index.ndim):
        rows = np.moveaxis(source, axis, 0).reshape(index.shape[axis], -1)
        if not (rows == rows[:, :1]).all():
            continue
        line = np.where(rows[:, 0] < 0, 0, rows[:, 0])
        cuts = np.flatnonzero(np.diff(line)) + 1
        if len(cuts) < 16:
            pieces = np.split(index, cuts, axis=axis)
            return axis, [(int(line[start]), piece) for start, piece in zip([0, *cuts], pieces)]
    return None


@dataclass(frozen=True)
class _Plan:
    """A map that acts on each axis by itself.

    Args:
        fixed: axis of x and place, for axes that are not read along.
        maps: axis of the result, axis of x and places along it (−1 for 0).
    """

    fixed: tuple[tuple[int, int], ...]
    maps: tuple[tuple[int, int, np.ndarray], ...]

    def apply(self, x: Any, shape: Sequence[int]) -> Any:
        """Return the moved entries."""
        for _, axis, places in self.maps:
            x = _along(x, axis, places)
        for axis, place in sorted(self.fixed, reverse=True):
            x = x[(slice(None),) * axis + (place,)]
        kept = sorted(axis for _, axis, _ in self.maps)
        order = [kept.index(axis) for _, axis, _ in sorted(self.maps)]
        x = x.transpose(order)
        spread = [1] * len(shape)
        for out, _, _ in self.maps:
            spread[out] = shape[out]
        return jnp.broadcast_to(x.reshape(spread), tuple(shape))


def _plan(shape: Sequence[int], index: np.ndarray) -> _Plan | None:
    """Find out whether a map acts on each axis by itself, and how."""
    valid = index >= 0
    if not valid.any():
        return None
    axes = range(index.ndim)
    masks = [valid.any(axis=tuple(b for b in axes if b != a)) for a in axes]
    first = tuple(int(np.argmax(mask)) for mask in masks)
    expected = np.full((1,) * index.ndim, index[first])
    inside = np.ones((1,) * index.ndim, dtype=bool)
    lines = []
    for a in axes:
        chosen: tuple[int | slice, ...] = (*first[:a], slice(None), *first[a + 1 :])
        line = index[chosen]
        spread = [-1 if b == a else 1 for b in axes]
        expected = expected + np.where(masks[a], line - index[first], 0).reshape(spread)
        inside = inside & masks[a].reshape(spread)
        lines.append(np.where(masks[a], line, -1))
    if not np.array_equal(np.broadcast_to(np.where(inside, expected, -1), index.shape), index):
        return None
    base = np.unravel_index(int(index[first]), tuple(shape))
    maps, used = [], set()
    for a, line in enumerate(lines):
        places = np.stack(np.unravel_index(np.maximum(line, 0), tuple(shape)))
        moving = [i for i in range(len(shape)) if (places[i][line >= 0] != base[i]).any()]
        if not moving and masks[a].all():
            continue
        if not moving:
            moving = [i for i in range(len(shape)) if i not in used and shape[i] == 1][:1]
        if len(moving) != 1 or moving[0] in used:
            return None
        used.add(moving[0])
        maps.append((a, moving[0], np.where(line >= 0, places[moving[0]], -1)))
    fixed = tuple((i, int(base[i])) for i in range(len(shape)) if i not in used)
    return _Plan(fixed, tuple(maps))


def _along(x: Any, axis: int, places: np.ndarray) -> Any:
    """Entries along one axis, at the given places; −1 gives 0."""
    n, count = x.shape[axis], len(places)
    if count == n and np.array_equal(places, np.arange(n)):
        return x
    inside = np.flatnonzero(places >= 0)
    start, stop = int(inside[0]), int(inside[-1]) + 1
    run = places[start:stop]
    if np.array_equal(run, np.arange(run[0], run[0] + len(run))):
        x = x[(slice(None),) * axis + (slice(int(run[0]), int(run[-1]) + 1),)]
        return jnp.pad(x, [(start, count - stop) if a == axis else (0, 0) for a in range(x.ndim)])
    if count % n == 0 and np.array_equal(places, np.repeat(np.arange(n), count // n)):
        return jnp.repeat(x, count // n, axis=axis)
    if max(n, count) <= LONGEST_MATRIX:
        matrix = jnp.asarray(places[:, None] == np.arange(n), x.dtype)
        return jnp.moveaxis(jnp.tensordot(matrix, x, axes=(1, axis), precision="highest"), 0, axis)
    taken = jnp.take(x, jnp.asarray(np.maximum(places, 0)), axis=axis)
    mask = jnp.asarray((places >= 0).reshape([-1 if a == axis else 1 for a in range(x.ndim)]))
    return jnp.where(mask, taken, jnp.zeros((), x.dtype))
