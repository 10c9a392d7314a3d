"""Rules for sums, products of matrices and convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dipproofs.graph.tracing.algebra import Poison, Tracer, Value
from dipproofs.graph.tracing.contractions import matrix_product
from dipproofs.graph.tracing.windows import convolution, maximum_over


def _reduce_sum(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    return tracer.sum(values[0], equation.params["axes"])


def _reduce_max(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    return maximum_over(tracer, values[0], equation.params["axes"])


def _reduce_min(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    return tracer.unary("neg", maximum_over(tracer, tracer.unary("neg", values[0]), equation.params["axes"]))


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
    how = {"stride": params["window_strides"], "padding": params["padding"], "dilation": params["rhs_dilation"]}
    y = _convolved(tracer, x, w, params["lhs_dilation"], how | {"groups": params["feature_group_count"]})
    back = np.argsort(numbers.out_spec)
    return tracer.move(y, lambda index: index[None].transpose(back))


def _convolved(tracer: Tracer, x: Value, w: Value, spread: Sequence[int], how: dict[str, Any]) -> Value:
    """Cross-correlation of x (C, *space) with w (O, C/groups, *kernel), entries of x spread with zeros between."""
    if all(s == 1 for s in spread):
        return convolution(tracer, x, w, **how)
    if any(s != 1 for s in how["stride"]):
        return convolution(tracer, tracer.move(x, lambda index: _spread(index, spread)), w, **how)
    shape, groups = tracer.shape(w), how["groups"]
    axes = tuple(range(2, len(shape)))

    def adjoint(index: np.ndarray) -> np.ndarray:
        flipped = np.flip(index, axes).reshape(groups, shape[0] // groups, *shape[1:]).swapaxes(1, 2)
        return flipped.reshape(groups * shape[1], shape[0] // groups, *shape[2:])

    reach = [d * (k - 1) for d, k in zip(how["dilation"], shape[2:])]
    crop = tuple((e - lo, e - hi) for e, (lo, hi) in zip(reach, how["padding"]))
    turned = {"stride": spread, "padding": crop, "dilation": how["dilation"], "groups": groups, "transposed": True}
    return convolution(tracer, x, tracer.move(w, adjoint), **turned)


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
