"""Rules for what goes over axes: sums, means, variances, extremes, softmax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dipproofs.graph.tracing.algebra import Poison, Tracer, Value
from dipproofs.graph.tracing.windows import maximum_over


def _axes(tracer: Tracer, value: Value, axes: Any) -> list[int]:
    rank = len(tracer.shape(value))
    listed = range(rank) if axes is None or axes == [] else [axes] if isinstance(axes, int) else axes
    return [int(a) % rank for a in listed]


def _kept(tracer: Tracer, value: Value, shape: Sequence[int], axes: Sequence[int], keep: bool) -> Value:
    target = [1 if i in axes else n for i, n in enumerate(shape)]
    return tracer.move(value, lambda index: index.reshape(target)) if keep else value


def summed(tracer: Tracer, target: Any, args: Any, kwargs: Any, mean: bool = False) -> Value:
    """The sum or mean over axes; no axes are all."""
    x, *rest = args
    axes = _axes(tracer, x, rest[0] if rest else None)
    keep = bool(rest[1]) if len(rest) > 1 else bool(kwargs.get("keepdim", False))
    shape = tracer.shape(x)
    total = tracer.sum(x, axes)
    if mean:
        total = tracer.binary("mul", total, np.asarray(1 / np.prod([shape[a] for a in axes])))
    return _kept(tracer, total, shape, axes, keep)


def _mean(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    return summed(tracer, target, args, kwargs, mean=True)


def _variance(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    x, *rest = args
    axes = _axes(tracer, x, rest[0] if rest else None)
    shape = tracer.shape(x)
    count = int(np.prod([shape[a] for a in axes]))
    correction = kwargs.get("correction", 1)
    centred = tracer.binary("sub", x, summed(tracer, target, (x, axes, True), {}, mean=True))
    total = tracer.sum(tracer.unary("square", centred), axes)
    scaled = tracer.binary("mul", total, np.asarray(1 / (count - (1 if correction is None else correction))))
    return _kept(tracer, scaled, shape, axes, bool(kwargs.get("keepdim", False)))


def _var_mean(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> list[Value]:
    keep = kwargs.get("keepdim", False)
    mean = summed(tracer, target, (*args[:2], keep) if len(args) > 1 else args, kwargs, mean=True)
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
    total = summed(tracer, target, (tracer.unary("exp", x), [axis], True), {})
    return tracer.binary("sub", x, tracer.spread(tracer.unary("log", total), tracer.shape(x)))


def _logsumexp(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    return tracer.unary("log", summed(tracer, target, (tracer.unary("exp", args[0]), *args[1:]), kwargs))


def _softmax(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    x, axis = args[0], args[1]
    last = tracer.move(x, lambda index: np.moveaxis(index, axis, -1))
    return tracer.move(tracer.of(tracer.builder.softmax, last), lambda index: np.moveaxis(index, -1, axis))


RULES: dict[str, Callable[..., Any]] = {
    "sum": summed,
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
}
