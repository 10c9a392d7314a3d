"""Rules for layers: convolution, dense, normalisation, pooling, resizing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from dipproofs.graph.trace_torch.reductions import summed
from dipproofs.graph.tracing.algebra import Poison, Tracer, Value
from dipproofs.graph.tracing.contractions import matrix_product
from dipproofs.graph.tracing.windows import convolution, window_maximum, window_places


def _channels(tracer: Tracer, value: Value, vector: Value | None, op: str, axis: int = 1) -> Value:
    """A vector for each channel, added or multiplied."""
    if vector is None:
        return value
    spread = [1] * len(tracer.shape(value))
    spread[axis] = -1
    return tracer.binary(op, value, tracer.move(vector, lambda index: index.reshape(spread)))


def _convolution(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    x, w, bias, stride, padding, dilation, transposed, output_padding, groups = args
    batch = tracer.shape(x)[0]
    if batch != 1:
        return Poison(f"from_torch: found a convolution of {batch} images, expected one; a network makes one image")
    axes = len(tracer.shape(w)) - 2

    def each(values: Sequence[int]) -> Sequence[int]:
        return values if len(values) == axes else list(values) * axes

    extra = each(output_padding) if transposed else [0] * axes
    pads = [(p, p - e) if transposed else (p, p) for p, e in zip(each(padding), extra)]

    how = {"stride": each(stride), "padding": pads, "dilation": each(dilation), "groups": groups}
    y = convolution(tracer, tracer.move(x, lambda index: index[0]), w, transposed=bool(transposed), **how)
    return tracer.move(_channels(tracer, y, bias, "add", 0), lambda index: index[None])


def _normalised(tracer: Tracer, x: Value, axes: Sequence[int], epsilon: float) -> Value:
    """Normalise, without a first axis of length 1 where there is one, so that changes of shape cancel."""
    drop = tracer.shape(x)[0] == 1
    flat = tracer.move(x, lambda index: index[0]) if drop else x
    kept = [a - 1 for a in axes if a > 0] if drop else list(axes)
    y = tracer.of(lambda place: tracer.builder.normalise(place, kept, epsilon), flat)
    return tracer.move(y, lambda index: index[None]) if drop else y


def _batch_norm(statistics: bool) -> Callable[..., Any]:
    def rule(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Any:
        if statistics:
            x, weight, bias, mean, variance, training, _, epsilon = args[:8]
        else:
            x, weight, bias, training, _, epsilon = args[:6]
            mean = variance = None
        axes = [i for i in range(len(tracer.shape(x))) if i != 1]
        if training or mean is None:
            y = _normalised(tracer, x, axes, float(epsilon))
        else:
            y = _channels(tracer, x, -np.asarray(mean), "add")
            y = _channels(tracer, y, 1 / np.sqrt(np.asarray(variance) + float(epsilon)), "mul")
        y = _channels(tracer, _channels(tracer, y, weight, "mul"), bias, "add")
        return [y, *[Poison("from_torch: found statistics of batch_norm used as values, expected only the result")] * 4]

    return rule


def _frozen_batch_norm(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Any:
    x, weight, bias, mean, variance, _, epsilon = args
    return _batch_norm(True)(tracer, target, (x, weight, bias, mean, variance, False, 0.0, epsilon), {})


def _group_norm(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Any:
    x, weight, bias, _, channels, _, groups, epsilon = args
    shape = tracer.shape(x)
    split = (shape[0], int(groups), channels // int(groups), *shape[2:])
    y = tracer.move(x, lambda index: index.reshape(split))
    y = _normalised(tracer, y, range(2, len(split)), float(epsilon))
    y = tracer.move(y, lambda index: index.reshape(shape))
    return [_channels(tracer, _channels(tracer, y, weight, "mul"), bias, "add"), *[_STATISTICS] * 2]


def _layer_norm(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Any:
    x, normalised, weight, bias, epsilon = args
    rank = len(tracer.shape(x))
    axes = range(rank - len(normalised), rank)
    y = tracer.of(lambda place: tracer.builder.normalise(place, axes, float(epsilon)), x)
    y = y if weight is None else tracer.binary("mul", y, weight)
    return [y if bias is None else tracer.binary("add", y, bias), *[_STATISTICS] * 2]


_STATISTICS = Poison("from_torch: found statistics of a normalisation used as values, expected only the result")


def _mm(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    return matrix_product(tracer, args[0], args[1], ((1,), (0,)))


def _bmm(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    return matrix_product(tracer, args[0], args[1], ((2,), (1,)), ((0,), (0,)))


def _addmm(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    added, product = args[0], matrix_product(tracer, args[1], args[2], ((1,), (0,)))
    if (alpha := kwargs.get("alpha", 1)) != 1:
        product = tracer.binary("mul", product, np.asarray(float(alpha)))
    if (beta := kwargs.get("beta", 1)) != 1:
        added = tracer.binary("mul", added, np.asarray(float(beta)))
    return tracer.binary("add", product, added)


def _weight_norm(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> list[Value]:
    v, g, axis = args[0], args[1], args[2] if len(args) > 2 else 0
    rank = len(tracer.shape(v))
    axes = [i for i in range(rank) if i != axis % rank]
    square = summed(tracer, target, (tracer.unary("square", v), axes, True), {})
    return [tracer.binary("mul", v, tracer.binary("mul", tracer.unary("rsqrt", square), g)), _STATISTICS]


def _separable(first: int = 2) -> Callable[..., Any]:
    """A linear operation that acts on each spatial axis by itself: its matrices are found by running it on vectors."""

    def rule(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
        value: Value = args[0]
        rest = args[1:]
        space = tracer.shape(value)[first:]

        def applied(factors: list[torch.Tensor]) -> torch.Tensor:
            x = factors[0]
            for factor in factors[1:]:
                x = x[..., None] * factor
            return target(x, *rest, **kwargs)

        ones = [torch.ones(n, dtype=torch.float64) for n in space]
        total = applied([torch.ones(1, 1, dtype=torch.float64), *ones])[0, 0]
        peak = np.unravel_index(int(total.abs().argmax()), tuple(total.shape))
        for axis, n in enumerate(space):
            columns = []
            for j in range(n):
                unit = torch.zeros(n, dtype=torch.float64)
                unit[j] = 1.0
                result = applied(
                    [torch.ones(1, 1, dtype=torch.float64), *(unit if a == axis else o for a, o in enumerate(ones))]
                )[0, 0]
                line = tuple(slice(None) if a == axis else int(p) for a, p in enumerate(peak))
                columns.append(result[line].numpy())
            matrix = np.stack(columns, axis=1)
            matrix = matrix / float(total[peak]) if axis else matrix
            if matrix.shape != (n, n) or not np.array_equal(matrix, np.eye(n)):
                value = tracer.contract(value, matrix, first + axis)
        return value

    return rule


def _max_pool(axes: int) -> Callable[..., Any]:
    def rule(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> list[Value]:
        x, size, *rest = args
        stride, padding, dilation, ceil = [*rest, *[None] * 4][:4]

        def each(value: Any, default: Any) -> list[int]:
            listed = default if value is None or value == [] else [value] if isinstance(value, int) else list(value)
            return [int(v) for v in (listed if len(listed) == axes else list(listed) * axes)]

        sizes = each(size, None)
        strides, pads, steps = each(stride, sizes), each(padding, [0]), each(dilation, [1])
        shape = tracer.shape(x)
        windows = [np.arange(n)[:, None] for n in shape[:-axes]]
        for n, k, s, p, d in zip(shape[-axes:], sizes, strides, pads, steps):
            extent = d * (k - 1) + 1
            count = (n + 2 * p - extent + (s - 1 if ceil else 0)) // s + 1
            count -= bool(ceil and (count - 1) * s >= n + p)
            windows.append(window_places(n, k, s, (p, (count - 1) * s + extent - n - p), d))
        y = window_maximum(tracer, x, windows)
        return [y, Poison("from_torch: found indices of max_pool used as values, expected only the result")]

    return rule


def _adaptive_max_pool(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> list[Value]:
    """Window i of k over an axis of length n goes from ⌊i·n/k⌋ to ⌈(i + 1)·n/k⌉."""
    x, counts = args
    shape, axes = tracer.shape(x), len(counts)
    windows = [np.arange(n)[:, None] for n in shape[:-axes]]
    for n, count in zip(shape[-axes:], counts):
        ends = [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
        width = max(stop - start for start, stop in ends)
        windows.append(np.array([[*range(start, stop), *[-1] * (width - stop + start)] for start, stop in ends]))
    y = window_maximum(tracer, x, windows)
    return [y, Poison("from_torch: found indices of max_pool used as values, expected only the result")]


def _refuse(reason: str) -> Callable[..., Any]:
    return lambda tracer, target, args, kwargs: Poison(f"from_torch: {reason}")


SEPARABLE = (
    *("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d", "avg_pool1d"),
    *("avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool1d"),
    *("adaptive_avg_pool2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
)
RULES: dict[str, Callable[..., Any]] = {
    "convolution": _convolution,
    "native_batch_norm": _batch_norm(True),
    "_native_batch_norm_legit": lambda tracer, target, args, kwargs: _batch_norm(len(args) == 8)(
        tracer, target, args, kwargs
    ),
    "_native_batch_norm_legit_functional": _batch_norm(True),
    "_batch_norm_with_update": lambda tracer, target, args, kwargs: _batch_norm(True)(
        tracer, target, (*args[:5], True, *args[5:]), kwargs
    ),
    "_native_batch_norm_legit_no_training": _frozen_batch_norm,
    "_batch_norm_no_update": _frozen_batch_norm,
    "native_group_norm": _group_norm,
    "native_layer_norm": _layer_norm,
    "mm": _mm,
    "mv": _mm,
    **dict.fromkeys(("dot", "vdot"), lambda t, target, args, kwargs: matrix_product(t, args[0], args[1], ((0,), (0,)))),
    "bmm": _bmm,
    "addmm": _addmm,
    "_weight_norm_interface": _weight_norm,
    "max_pool1d_with_indices": _max_pool(1),
    "max_pool2d_with_indices": _max_pool(2),
    "max_pool3d_with_indices": _max_pool(3),
    **dict.fromkeys(("adaptive_max_pool2d", "adaptive_max_pool3d"), _adaptive_max_pool),
    "_fft_r2c": _refuse("found a Fourier transform of trained values, expected convolutions"),
    **dict.fromkeys(SEPARABLE, _separable()),
}
