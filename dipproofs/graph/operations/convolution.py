"""Convolution in one, two or three dimensions, also transposed; one index map says what each output reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import rules
from dipproofs.graph.operations.base import Array, Arrays, Operation, Tables


class Conv(Operation):
    """Cross-correlation of x (C, *space) with w, as in PyTorch; what lies outside of x is 0. No bias.

    Not transposed, w is (O, C/groups, *kernel) and y[o,p] = Σ_{c,k} w[o,c,k] x[c', p·stride + k·dilation − lo].
    Transposed, w is (C, O/groups, *kernel) and y[o,p] = Σ_{c,k,q : p = q·stride + k·dilation − lo} w[c,o',k] x[c,q].
    Channel c' runs over the group of o. Output length along an axis of length n with kernel length k and
    e = dilation·(k−1)+1: ⌊(n + lo + hi − e)/stride⌋ + 1; transposed (n−1)·stride + e − lo − hi.

    Inputs: x, w.

    Attributes:
        stride: one integer ≥ 1 for each spatial axis.
        padding: one pair (lo, hi) for each; negative numbers crop (transposed: enlarge, as `output_padding` does).
        dilation: one integer ≥ 1 for each.
        groups: number of groups; divides C and O.
        transposed: whether it is the adjoint map.
    """

    name = "conv"
    inputs = (2, 2)
    attributes: ClassVar = {
        "stride": rules.wholes(1),
        "padding": rules.pairs(),
        "dilation": rules.wholes(1),
        "groups": rules.whole(1),
        "transposed": rules.BOOLEAN,
    }

    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return (O, *space)."""
        x, w = shapes
        space = len(x) - 1
        if space not in (1, 2, 3) or len(w) != space + 2:
            raise InputError(f"found shapes {x} and {w}, expected x (C, *space) and w (O, C/groups, *kernel)")
        for key in ("stride", "padding", "dilation"):
            if len(node[key]) != space:
                raise InputError(f"{key}: found {len(node[key])} entries, expected {space}")
        groups, transposed = node["groups"], node["transposed"]
        fits = w[0] == x[0] if transposed else w[1] * groups == x[0]
        if not fits or x[0] % groups or w[0] % groups:
            raise InputError(f"found x {x}, w {w} and {groups} groups, expected w of x's channels divided by groups")
        return (w[1] * groups if transposed else w[0], *_space(node, x, w))

    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the convolution."""
        x, w = inputs
        g, kernel = node["groups"], grouped_kernel(node, w)
        y = kernel.reshape(g, kernel.shape[1], -1) @ patches(node, x, w.shape)
        return np.asarray(y.reshape(node.shape))

    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Correlate the cotangent with the kernel (for x) and with x (for w)."""
        x, w = inputs
        rows, g, kernel = len(cotangents), node["groups"], grouped_kernel(node, w)
        outputs, channels, taps = kernel.shape[1:]
        index = index_map(node, x.shape, w.shape)
        dy = cotangents.reshape(rows, g, outputs, -1)
        space = math.prod(x.shape[1:])
        dx = np.zeros((rows, g, channels, space + 1), dtype=np.result_type(kernel, dy))
        for tap in range(taps):  # for one tap no input entry is read twice, so that += is safe (-1: dropped)
            dx[..., index[:, tap]] += kernel[:, :, :, tap].swapaxes(1, 2) @ dy
        dk = dy @ patches(node, x, w.shape).swapaxes(-1, -2)
        dk = dk.reshape(rows, g, outputs, channels, taps)
        if node["transposed"]:
            dk = dk.swapaxes(2, 3)
        return dx[..., :space].reshape(rows, *x.shape), dk.reshape(rows, *w.shape)


def grouped_kernel(node: Node, w: np.ndarray) -> np.ndarray:
    """Return the kernel as (groups, outputs a group, inputs a group, taps), whether transposed or not."""
    g = node["groups"]
    kernel = w.reshape(g, w.shape[0] // g, w.shape[1], -1)
    return kernel.swapaxes(1, 2) if node["transposed"] else kernel


def patches(node: Node, x: np.ndarray, kernel: Shape) -> np.ndarray:
    """Return what each output reads, (groups, inputs a group × taps, positions); outside of x stands 0."""
    index = index_map(node, x.shape, kernel)
    padded = np.concatenate([x.reshape(x.shape[0], -1), np.zeros((x.shape[0], 1))], axis=1)
    read = padded[:, index].swapaxes(1, 2)
    g = node["groups"]
    return np.ascontiguousarray(read).reshape(g, -1, index.shape[0])


def index_map(node: Node, x: Shape, w: Shape) -> np.ndarray:
    """Return which spatial entry of x each output position reads at each tap.

    Args:
        node: a conv node.
        x, w: shapes of its inputs.

    Returns:
        (positions, taps) integers, flat over the spatial axes of x, −1 outside. y[o,p] = Σ_{c,t} k[o,c,t] x[c,map[p,t]]
        with the kernel k of `grouped_kernel`, for transposed convolutions too. Read-only and cached.
    """
    return _index_map(
        x[1:], w[2:], node.shape[1:], node["stride"], node["padding"], node["dilation"], node["transposed"]
    )


@lru_cache(maxsize=64)
def _index_map(
    space: Shape,
    kernel: Shape,
    out: Shape,
    stride: Shape,
    padding: tuple[tuple[int, int], ...],
    dilation: Shape,
    transposed: bool,
) -> np.ndarray:
    axes = []
    for n, k, p, s, (lo, _), d in zip(space, kernel, out, stride, padding, dilation):
        position, tap = np.arange(p)[:, None], np.arange(k)[None, :]
        if transposed:
            raised = position + lo - tap * d
            source = np.where(raised % s == 0, raised // s, -1)
        else:
            source = position * s + tap * d - lo
        axes.append(np.where((source >= 0) & (source < n), source, -1))
    flat = np.zeros((1, 1), dtype=np.int64)
    outside = np.zeros((1, 1), dtype=bool)
    for n, source in zip(space, axes):
        flat = (flat[:, None, :, None] * n + source[None, :, None, :]).reshape(len(flat) * len(source), -1)
        bad = outside[:, None, :, None] | (source < 0)[None, :, None, :]
        outside = bad.reshape(flat.shape)
    result = np.where(outside, -1, flat)
    result.setflags(write=False)
    return result


def _space(node: Node, x: Shape, w: Shape) -> Shape:
    lengths = []
    for n, k, s, (lo, hi), d in zip(x[1:], w[2:], node["stride"], node["padding"], node["dilation"]):
        extent = d * (k - 1) + 1
        length = (n - 1) * s + extent - lo - hi if node["transposed"] else (n + lo + hi - extent) // s + 1
        if length < 1:
            raise InputError(f"found length {n} and kernel length {k} on an axis, expected at least one output")
        lengths.append(length)
    return tuple(lengths)
