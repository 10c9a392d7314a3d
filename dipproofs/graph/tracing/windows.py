"""Pooling: sums over windows are one matrix an axis, maxima are a gather of the windows and a maximum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dipproofs.graph.tracing.algebra import Tracer, Value


def window_places(n: int, size: int, stride: int, padding: tuple[int, int], dilation: int) -> np.ndarray:
    """Return which entries of an axis each window reads, (windows, size), −1 outside."""
    extent = dilation * (size - 1) + 1
    count = (n + sum(padding) - extent) // stride + 1
    places = np.arange(count)[:, None] * stride + np.arange(size)[None, :] * dilation - padding[0]
    return np.where((places >= 0) & (places < n), places, -1)


def window_sum(
    tracer: Tracer,
    value: Value,
    sizes: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> Value:
    """Sums over windows, zeros outside; one entry of each argument for each axis."""
    for axis, (size, stride, pad, step) in enumerate(zip(sizes, strides, padding, dilation)):
        n = tracer.shape(value)[axis]
        places = window_places(n, size, stride, pad, step)
        matrix = (places[:, :, None] == np.arange(n)).sum(axis=1).astype(float)
        if matrix.shape != (n, n) or not np.array_equal(matrix, np.eye(n)):
            value = tracer.contract(value, matrix, axis)
    return value


def window_maximum(
    tracer: Tracer,
    value: Value,
    sizes: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> Value:
    """Maxima over windows; places outside are left out, by repeating an entry inside of the window."""
    shape = tracer.shape(value)
    index = np.zeros((1, 1), dtype=np.int64)
    counts = []
    for n, size, stride, pad, step in zip(shape, sizes, strides, padding, dilation):
        places = window_places(n, size, stride, pad, step)
        inside = places.max(axis=1, keepdims=True)
        places = np.where(places < 0, inside, places)
        counts.append(len(places))
        index = (index[:, None, :, None] * n + places[None, :, None, :]).reshape(index.shape[0] * len(places), -1)
    windows = tracer.move(value, lambda _: index.reshape(*counts, -1))
    return tracer.of(tracer.builder.maximum, windows)
