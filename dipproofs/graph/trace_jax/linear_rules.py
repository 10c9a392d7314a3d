"""Rules for sums, products of matrices and convolutions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dipproofs.graph.tracing.algebra import Poison, Tracer, Value
from dipproofs.graph.tracing.contractions import matrix_product


def _reduce_sum(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    return tracer.sum(values[0], equation.params["axes"])


def _reduce_max(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    return maximum_over(tracer, values[0], equation.params["axes"])


def _reduce_min(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    return tracer.unary("neg", maximum_over(tracer, tracer.unary("neg", values[0]), equation.params["axes"]))


def maximum_over(tracer: Tracer, value: Value, axes: Sequence[int]) -> Value:
    """The maximum over axes, which disappear."""
    shape = tracer.shape(value)
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    target = (*(shape[axis] for axis in kept), math.prod(shape[axis] for axis in axes))
    rows = tracer.move(value, lambda index: index.transpose(*kept, *axes).reshape(target))
    return tracer.of(tracer.builder.maximum, rows)


def _cumsum(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    axis = equation.params["axis"]
    n = tracer.shape(values[0])[axis]
    lower = np.tril(np.ones((n, n)))
    return tracer.contract(values[0], lower.T if equation.params["reverse"] else lower, axis)


def _dot_general(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    (left, right), (left_batch, right_batch) = equation.params["dimension_numbers"]
    return matrix_product(tracer, values[0], values[1], (left, right), (left_batch, right_batch))


def _conv(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    params = equation.params
    numbers = params["dimension_numbers"]
    if params["batch_group_count"] != 1:
        return Poison("from_jax: found conv_general_dilated with batch groups, expected one group of batches")
    x, w = values
    batch = tracer.shape(x)[numbers.lhs_spec[0]]
    if batch != 1:
        return Poison(f"from_jax: found a convolution of {batch} images, expected one; a network makes one image")
    x = tracer.move(x, lambda index: index.transpose(numbers.lhs_spec)[0])
    w = tracer.move(w, lambda index: index.transpose(numbers.rhs_spec))
    y = convolved(
        tracer,
        x,
        w,
        stride=params["window_strides"],
        padding=params["padding"],
        dilation=params["rhs_dilation"],
        spread=params["lhs_dilation"],
        groups=params["feature_group_count"],
    )
    back = np.argsort(numbers.out_spec)
    return tracer.move(y, lambda index: index[None].transpose(back))


def convolved(
    tracer: Tracer,
    x: Value,
    w: Value,
    *,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    spread: Sequence[int],
    groups: int,
) -> Value:
    """Cross-correlation of x (C, *space) with w (O, C/groups, *kernel), entries of x spread with zeros between."""
    if all(s == 1 for s in spread):
        return _node(tracer, x, w, stride, padding, dilation, groups, False)
    if any(s != 1 for s in stride):
        x = tracer.move(x, lambda index: _spread(index, spread))
        return _node(tracer, x, w, stride, padding, dilation, groups, False)
    shape = tracer.shape(w)
    axes = tuple(range(2, len(shape)))

    def adjoint(index: np.ndarray) -> np.ndarray:
        flipped = np.flip(index, axes).reshape(groups, shape[0] // groups, *shape[1:]).swapaxes(1, 2)
        return flipped.reshape(groups * shape[1], shape[0] // groups, *shape[2:])

    reach = [d * (k - 1) for d, k in zip(dilation, shape[2:])]
    crop = tuple((e - lo, e - hi) for e, (lo, hi) in zip(reach, padding))
    return _node(tracer, x, tracer.move(w, adjoint), spread, crop, dilation, groups, True)


def _node(
    tracer: Tracer,
    x: Value,
    w: Value,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    groups: int,
    transposed: bool,
) -> Value:
    def make(image: int, kernel: int) -> int:
        return tracer.builder.conv(
            image,
            kernel,
            stride=tuple(map(int, stride)),
            padding=tuple((int(lo), int(hi)) for lo, hi in padding),
            dilation=tuple(map(int, dilation)),
            groups=int(groups),
            transposed=transposed,
        )

    return tracer.of(make, x, w)


def _spread(index: np.ndarray, spread: Sequence[int]) -> np.ndarray:
    shape = (index.shape[0], *((n - 1) * s + 1 for n, s in zip(index.shape[1:], spread)))
    result = np.full(shape, -1)
    result[(slice(None), *(slice(None, None, s) for s in spread))] = index
    return result


RULES: dict[str, Callable[..., Any]] = {
    "reduce_sum": _reduce_sum,
    "reduce_max": _reduce_max,
    "reduce_min": _reduce_min,
    "cumsum": _cumsum,
    "dot_general": _dot_general,
    "conv_general_dilated": _conv,
}
