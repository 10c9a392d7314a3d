"""Convolution, and pooling: sums over windows are one matrix an axis, maxima a gather of the windows and a maximum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from dipproofs.graph.tracing.algebra import Tracer, Value


def window_places(n: int, size: int, stride: int, padding: tuple[int, int], dilation: int) -> np.ndarray:
    """Return which entries of an axis each window reads, (windows, size), −1 outside."""
    extent = dilation * (size - 1) + 1
    count = (n + sum(padding) - extent) // stride + 1
    places = np.arange(count)[:, None] * stride + np.arange(size)[None, :] * dilation - padding[0]
    return np.where((places >= 0) & (places < n), places, -1)


def convolution(tracer: Tracer, x: Value, w: Value, **how: Any) -> Value:
    """Cross-correlation; ``how``: what `GraphBuilder.conv` takes, with integers of any type."""
    return tracer.of(partial(tracer.builder.conv, **{key: _integers(value) for key, value in how.items()}), x, w)


def _integers(value: Any) -> Any:
    if isinstance(value, Sequence):
        return tuple(map(_integers, value))
    return value if isinstance(value, bool) else int(value)


def maximum_over(tracer: Tracer, value: Value, axes: Sequence[int]) -> Value:
    """The maximum over axes, which disappear."""
    shape = tracer.shape(value)
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    target = (*(shape[axis] for axis in kept), math.prod(shape[axis] for axis in axes))
    rows = tracer.move(value, lambda index: index.transpose(*kept, *axes).reshape(target))
    return tracer.of(tracer.builder.maximum, rows)


def window_sum(tracer: Tracer, value: Value, windows: Sequence[np.ndarray]) -> Value:
    """Sums over windows, zeros outside; of each axis its `window_places`."""
    for axis, places in enumerate(windows):
        n = tracer.shape(value)[axis]
        matrix = (places[:, :, None] == np.arange(n)).sum(axis=1).astype(float)
        if matrix.shape != (n, n) or not np.array_equal(matrix, np.eye(n)):
            value = tracer.contract(value, matrix, axis)
    return value


def window_maximum(tracer: Tracer, value: Value, windows: Sequence[np.ndarray]) -> Value:
    """Maxima over windows; places outside are left out, by repeating an entry inside of the window."""
    index = np.zeros((1, 1), dtype=np.int64)
    for n, places in zip(tracer.shape(value), windows):
        inside = places.max(axis=1, keepdims=True)
        places = np.where(places < 0, inside, places)
        index = (index[:, None, :, None] * n + places[None, :, None, :]).reshape(index.shape[0] * len(places), -1)
    rows = tracer.move(value, lambda _: index.reshape(*map(len, windows), -1))
    return tracer.of(tracer.builder.maximum, rows)
