"""Rules for pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dipproofs.graph.tracing.algebra import Lazy, Poison, Tracer, Value
from dipproofs.graph.tracing.windows import window_maximum, window_places, window_sum


def _windows(tracer: Tracer, equation: Any, value: Value) -> list[np.ndarray] | None:
    """Which entries the windows read, by axis; None where zeros are put between the entries."""
    params = equation.params
    if any(d != 1 for d in params["base_dilation"]):
        return None
    names = ("window_dimensions", "window_strides", "padding", "window_dilation")
    return [window_places(*axis) for axis in zip(tracer.shape(value), *(params[name] for name in names))]


def _sum(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    if (windows := _windows(tracer, equation, values[0])) is None:
        return Poison("from_jax: found reduce_window_sum with base dilation, expected none")
    return window_sum(tracer, values[0], windows)


def _maximum(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    if (windows := _windows(tracer, equation, values[0])) is None:
        return Poison("from_jax: found reduce_window_max with base dilation, expected none")
    return window_maximum(tracer, values[0], windows)


def _minimum(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    return tracer.unary("neg", _maximum(tracer, equation, [tracer.unary("neg", values[0])]))


def _general(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    """The form with a function: a sum from 0 or a maximum from −∞."""
    body, start = equation.params["jaxpr"], values[1]
    ops = [e.primitive.name for e in getattr(body, "jaxpr", body).eqns]
    if len(values) == 2 and not isinstance(start, Lazy | Poison):
        first = float(np.asarray(start))
        if ops == ["add"] and first == 0:
            return _sum(tracer, equation, values)
        if ops == ["max"] and first == -np.inf:
            return _maximum(tracer, equation, values)
        if ops == ["min"] and first == np.inf:
            return _minimum(tracer, equation, values)
    return Poison("from_jax: found reduce_window of another function, expected average or maximum pooling")


RULES: dict[str, Callable[..., Any]] = {
    "reduce_window_sum": _sum,
    "reduce_window_max": _maximum,
    "reduce_window_min": _minimum,
    "reduce_window": _general,
}
