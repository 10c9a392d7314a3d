"""The adjoint of a convolution for many rows: matrix products of parts that fit the cache."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dipproofs.enclosures.rounding import Array
from dipproofs.graph.node import Node
from dipproofs.graph.operations.convolution import grouped_kernel, patches

_ENTRIES = 1 << 21
#: Below so many numbers that one row reads, many rows at once are faster.
_SMALL = 1 << 12
Slices = tuple[slice, ...]


def adjoint_of_image(node: Node, space: tuple[int, ...], w: Array, cotangents: Array) -> Array:
    """Wᵀ applied to rows: (rows, C, *space).

    Args:
        node: a conv node. space: spatial shape of x. w: its kernel. cotangents: (rows, O, *positions).
    """
    read = math.prod(w.shape[2:]) * math.prod(cotangents.shape[1:])
    if not node["transposed"] and set(node["stride"]) == {1} and read >= _SMALL:
        return _correlated(node, space, w, cotangents)
    return _spread(node, space, w, cotangents)


def _correlated(node: Node, space: tuple[int, ...], w: Array, cotangents: Array) -> Array:
    """The case of stride 1: a correlation of the padded cotangent with the kernel turned around.

    Notes:
        Taps of all axes but the first are copied side by side; those of the first are offsets into that copy, which is
        small enough to stay in the cache. An entry is a sum of products of an output and a tap, in some order.
    """
    kernel = grouped_kernel(node, w)
    groups, outputs, channels, taps = kernel.shape
    rows, positions, lengths = len(cotangents), cotangents.shape[2:], w.shape[2:]
    steps = node["dilation"]
    if taps == 1 and positions == space and not any(map(any, node["padding"])):
        flat = cotangents.reshape(rows, groups, outputs, -1)
        return np.asarray(kernel[..., 0].swapaxes(1, 2) @ flat).reshape(rows, groups * channels, *space)
    before = [step * (k - 1) - low for k, step, (low, _) in zip(lengths, steps, node["padding"])]
    padded = np.zeros((groups, outputs, *(n + step * (k - 1) for n, k, step in zip(space, lengths, steps))))
    source: list[Any] = [...]
    target: list[Any] = [...]
    for offset, count, length in zip(before, positions, padded.shape[2:]):  # a negative offset or end crops
        first, last = max(0, -offset), min(count, length - offset)
        source.append(slice(first, max(last, first)))
        target.append(slice(first + offset, max(last, first) + offset))
    into = padded[tuple(target)]
    taken = cotangents.reshape(rows, groups, outputs, *positions)[tuple(source)]
    # (taps of the first axis, groups, channels, other taps × outputs), every axis of taps turned around
    around: list[Any] = [..., *[slice(None, None, -1)] * len(lengths)]
    turned = kernel.reshape(groups, outputs, channels, *lengths)[tuple(around)]
    others = range(4, 3 + len(lengths))
    turned = turned.transpose(3, 0, 2, *others, 1).reshape(lengths[0], groups, channels, -1)
    turned = np.ascontiguousarray(turned)
    strides = padded.strides
    window = np.lib.stride_tricks.as_strided(
        padded,
        (groups, *lengths[1:], outputs, padded.shape[2], *space[1:]),
        (strides[0], *(s * d for s, d in zip(strides[3:], steps[1:])), *strides[1:]),
        writeable=False,
    )
    copied = np.empty(window.shape)
    stacked = copied.reshape(groups, -1, padded.shape[2] * math.prod(space[1:]))
    size, shift = math.prod(space), steps[0] * math.prod(space[1:])
    views = [stacked[..., tap * shift : tap * shift + size] for tap in range(lengths[0])]
    result, product = np.empty((rows, groups, channels, size)), np.empty((groups, channels, size))
    for row, part in zip(result, taken):
        into[...] = part
        np.copyto(copied, window)
        np.matmul(turned[0], views[0], out=row)
        for tap in range(1, lengths[0]):
            np.matmul(turned[tap], views[tap], out=product)
            row += product
    return result.reshape(rows, groups * channels, *space)


def _spread(node: Node, space: tuple[int, ...], w: Array, cotangents: Array) -> Array:
    """Every case: products for all taps, each added where the tap reads."""
    kernel = grouped_kernel(node, w)
    groups, outputs, channels, taps = kernel.shape
    rows, positions = len(cotangents), cotangents.shape[2:]
    transposed = np.ascontiguousarray(kernel.transpose(0, 3, 2, 1).reshape(groups, taps * channels, outputs))
    flat = cotangents.reshape(rows, groups, outputs, -1)
    result = np.zeros((rows, groups, channels, *space))
    reads = [tap_slices(node, space, w.shape[2:], tap) for tap in range(taps)]
    step = max(1, _ENTRIES // (groups * taps * channels * math.prod(positions)))
    for first in range(0, rows, step):
        part = slice(first, first + step)
        spread = (transposed @ flat[part]).reshape(-1, groups, taps, channels, *positions)
        target = result[part]
        for tap, found in enumerate(reads):
            if found is not None:
                inside, outside = found
                at: Any = (..., *inside)
                of: Any = (slice(None), slice(None), tap, slice(None), *outside)
                target[at] += spread[of]
    return result.reshape(rows, groups * channels, *space)


def adjoint_of_kernel(node: Node, x: Array, w: Array, cotangents: Array) -> Array:
    """The cotangents correlated with x: (rows, *shape of w)."""
    rows, groups = len(cotangents), node["groups"]
    outputs = cotangents.shape[1] // groups
    read = patches(node, x, w.shape)
    product = cotangents.reshape(rows, groups, outputs, -1) @ np.ascontiguousarray(read.swapaxes(-1, -2))
    if node["transposed"]:
        product = product.reshape(rows, groups, outputs, x.shape[0] // groups, -1).swapaxes(2, 3)
    return np.asarray(product.reshape(rows, *w.shape))


def tap_slices(node: Node, space: tuple[int, ...], kernel: tuple[int, ...], tap: int) -> tuple[Slices, Slices] | None:
    """Which entries of x (first) are read at which positions (second) by one tap; None where none is."""
    offsets = np.unravel_index(tap, kernel)
    image: list[slice] = []
    positions: list[slice] = []
    for n, p, k, stride, (low, _), dilation in zip(
        space, node.shape[1:], offsets, node["stride"], node["padding"], node["dilation"]
    ):
        shift = int(k) * dilation - low
        long, short = (p, n) if node["transposed"] else (n, p)  # long index = short index·stride + shift
        first = max(0, -(shift // stride))
        last = min(short - 1, (long - 1 - shift) // stride)
        if last < first:
            return None
        dense = slice(first, last + 1)
        spaced = slice(first * stride + shift, last * stride + shift + 1, stride)
        image.append(dense if node["transposed"] else spaced)
        positions.append(spaced if node["transposed"] else dense)
    return tuple(image), tuple(positions)
