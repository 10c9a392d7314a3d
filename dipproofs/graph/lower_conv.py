"""Convolution in JAX: as a product of matrices in float64, where XLA's own convolution is 10 times slower on a CPU."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from dipproofs.graph.node import Node


def conv(node: Node, x: Any, w: Any) -> Any:
    """Return the convolution of x (C, *space) with w, transposed or not."""
    axes, groups = x.ndim - 1, node["groups"]
    kernel, padding, stride = w, node["padding"], node["stride"]
    spread = (1,) * axes
    if node["transposed"]:  # entries of x with zeros between, correlated with the flipped kernel
        kernel = jnp.flip(w, tuple(range(2, w.ndim))).reshape(groups, w.shape[0] // groups, *w.shape[1:]).swapaxes(1, 2)
        kernel = kernel.reshape(groups * w.shape[1], w.shape[0] // groups, *w.shape[2:])
        reach = [d * (k - 1) for d, k in zip(node["dilation"], w.shape[2:])]
        padding = tuple((e - lo, e - hi) for e, (lo, hi) in zip(reach, padding))
        spread, stride = stride, spread
    if x.dtype == jnp.float64:
        return _as_matrices(x, kernel, node.shape[1:], stride, padding, node["dilation"], spread, groups)
    return lax.conv_general_dilated(
        x[None],
        kernel,
        window_strides=stride,
        padding=padding,
        lhs_dilation=spread,
        rhs_dilation=node["dilation"],
        feature_group_count=groups,
        precision="highest",
    )[0]


def _as_matrices(
    x: Any,
    w: Any,
    out: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    spread: Sequence[int],
    groups: int,
) -> Any:
    """For every place in the kernel the entries of x under it, side by side, times the kernel as a matrix."""
    config = [(0, 0, 0), *((lo, hi, s - 1) for (lo, hi), s in zip(padding, spread))]
    padded = lax.pad(x, jnp.zeros((), x.dtype), config)
    pieces = []
    for place in itertools.product(*(range(k) for k in w.shape[2:])):
        start = [k * d for k, d in zip(place, dilation)]
        stop = [a + (n - 1) * s + 1 for a, n, s in zip(start, out, stride)]
        pieces.append(lax.slice(padded, (0, *start), (x.shape[0], *stop), (1, *stride)))
    read = jnp.stack(pieces, axis=1) if len(pieces) > 1 else pieces[0]
    matrix = read.reshape(groups, -1, math.prod(out))
    y = jnp.matmul(w.reshape(groups, w.shape[0] // groups, -1), matrix, precision="highest")
    return y.reshape(w.shape[0], *out)
