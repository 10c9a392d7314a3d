"""Rules for layers: convolution, dense, normalisation, pooling, resizing, sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from dipproofs.graph.tracing.algebra import Poison, Tracer, Value
from dipproofs.graph.tracing.contractions import matrix_product
from dipproofs.graph.tracing.windows import convolution, maximum_over, window_maximum, window_places


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


def _axes(tracer: Tracer, value: Value, axes: Any) -> list[int]:
    rank = len(tracer.shape(value))
    listed = range(rank) if axes is None or axes == [] else [axes] if isinstance(axes, int) else axes
    return [int(a) % rank for a in listed]


def _kept(tracer: Tracer, value: Value, shape: Sequence[int], axes: Sequence[int], keep: bool) -> Value:
    target = [1 if i in axes else n for i, n in enumerate(shape)]
    return tracer.move(value, lambda index: index.reshape(target)) if keep else value


def _sum(tracer: Tracer, target: Any, args: Any, kwargs: Any, mean: bool = False) -> Value:
    x, *rest = args
    axes = _axes(tracer, x, rest[0] if rest else None)
    keep = bool(rest[1]) if len(rest) > 1 else bool(kwargs.get("keepdim", False))
    shape = tracer.shape(x)
    total = tracer.sum(x, axes)
    if mean:
        total = tracer.binary("mul", total, np.asarray(1 / np.prod([shape[a] for a in axes])))
    return _kept(tracer, total, shape, axes, keep)


def _mean(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    return _sum(tracer, target, args, kwargs, mean=True)


def _variance(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    x, *rest = args
    axes = _axes(tracer, x, rest[0] if rest else None)
    shape = tracer.shape(x)
    count = int(np.prod([shape[a] for a in axes]))
    correction = kwargs.get("correction", 1)
    centred = tracer.binary("sub", x, _sum(tracer, target, (x, axes, True), {}, mean=True))
    total = tracer.sum(tracer.unary("square", centred), axes)
    scaled = tracer.binary("mul", total, np.asarray(1 / (count - (1 if correction is None else correction))))
    return _kept(tracer, scaled, shape, axes, bool(kwargs.get("keepdim", False)))


def _var_mean(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> list[Value]:
    keep = kwargs.get("keepdim", False)
    mean = _sum(tracer, target, (*args[:2], keep) if len(args) > 1 else args, kwargs, mean=True)
    return [_variance(tracer, target, args, kwargs), mean]


def _amax(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    x, *rest = args
    axes, shape = _axes(tracer, x, rest[0] if rest else None), tracer.shape(x)
    keep = bool(rest[1]) if len(rest) > 1 else bool(kwargs.get("keepdim", False))
    return _kept(tracer, maximum_over(tracer, x, axes), shape, axes, keep)


def _amin(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    x, *rest = args
    return tracer.unary("neg", _amax(tracer, target, (tracer.unary("neg", x), *rest), kwargs))


def _extreme(over: Callable[..., Value], op: str) -> Callable[..., Any]:
    """The largest or smallest: of all entries, over an axis with its places, or of two tensors entry by entry."""

    def rule(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Any:
        if len(args) == 1:
            return over(tracer, target, args, kwargs)
        if not isinstance(args[1], int):
            return tracer.binary(op, args[0], args[1])
        return [over(tracer, target, args, kwargs), Poison("from_torch: found places of a maximum used as values")]

    return rule


def _log_softmax(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    x, axis = args[0], args[1]
    total = _sum(tracer, target, (tracer.unary("exp", x), [axis], True), {})
    return tracer.binary("sub", x, tracer.spread(tracer.unary("log", total), tracer.shape(x)))


def _logsumexp(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    return tracer.unary("log", _sum(tracer, target, (tracer.unary("exp", args[0]), *args[1:]), kwargs))


def _softmax(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    x, axis = args[0], args[1]
    last = tracer.move(x, lambda index: np.moveaxis(index, axis, -1))
    return tracer.move(tracer.of(tracer.builder.softmax, last), lambda index: np.moveaxis(index, -1, axis))


def _weight_norm(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> list[Value]:
    v, g, axis = args[0], args[1], args[2] if len(args) > 2 else 0
    rank = len(tracer.shape(v))
    axes = [i for i in range(rank) if i != axis % rank]
    square = _sum(tracer, target, (tracer.unary("square", v), axes, True), {})
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
    "sum": _sum,
    "mean": _mean,
    "var": _variance,
    "var_mean": _var_mean,
    "amax": _amax,
    "amin": _amin,
    "max": _extreme(_amax, "max"),
    "min": _extreme(_amin, "min"),
    "_log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "_softmax": _softmax,
    "_safe_softmax": _softmax,
    "_weight_norm_interface": _weight_norm,
    "max_pool1d_with_indices": _max_pool(1),
    "max_pool2d_with_indices": _max_pool(2),
    "max_pool3d_with_indices": _max_pool(3),
    "_fft_r2c": _refuse("found a Fourier transform of trained values, expected convolutions"),
    **dict.fromkeys(SEPARABLE, _separable()),
}
