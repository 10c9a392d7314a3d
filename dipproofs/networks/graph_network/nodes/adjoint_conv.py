"""The adjoint of a convolution for many rows: one matrix product a few rows at a time, then slices of every tap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dipproofs.enclosures.rounding import Array
from dipproofs.graph.node import Node
from dipproofs.graph.operations.convolution import grouped_kernel, patches

_ENTRIES = 1 << 21
Slices = tuple[slice, ...]


def adjoint_of_image(node: Node, space: tuple[int, ...], w: Array, cotangents: Array) -> Array:
    """Wᵀ applied to rows: (rows, C, *space).

    Args:
        node: a conv node. space: spatial shape of x. w: its kernel. cotangents: (rows, O, *positions).
    """
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
