"""Rules for primitives that only move entries: each is done to an array of places instead of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from dipproofs.graph.trace_jax.bind import bind
from dipproofs.graph.tracing.algebra import Lazy, Poison, Tracer, Value


def _run(equation: Any, arguments: list[Any]) -> np.ndarray:
    return np.asarray(bind(equation, arguments)[0])


def moved(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    """One moved operand first, then constant operands (positions)."""
    operand, *rest = values
    if not isinstance(operand, Lazy) or any(isinstance(v, Lazy) for v in rest):
        return _trained_position(equation)
    others = [jnp.asarray(v, atom.aval.dtype) for v, atom in zip(rest, equation.invars[1:])]
    index = _run(equation, [jnp.asarray(tracer.builder.places_of(operand.source)), *others])
    if index.size and (index.min() < 0 or index.max() >= tracer.builder.nodes[operand.source].size):
        return Poison(f"from_jax: {equation.primitive.name}: found indices out of bounds, expected all inside")
    return tracer.gather([operand], index)


def _plain(make: Callable[[np.ndarray, Mapping[str, Any]], np.ndarray]) -> Callable[..., Value]:
    """A rule in NumPy, for what is met often: no program is compiled."""
    return lambda tracer, equation, values: tracer.move(values[0], lambda index: make(index, equation.params))


def _broadcast(index: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    spread = [1] * len(params["shape"])
    for axis, n in zip(params["broadcast_dimensions"], index.shape):
        spread[axis] = n
    return np.broadcast_to(index.reshape(spread), params["shape"])


def _slice(index: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    steps = params["strides"] or (1,) * index.ndim
    return index[tuple(slice(a, b, s) for a, b, s in zip(params["start_indices"], params["limit_indices"], steps))]


def _reshape(index: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    order = params.get("dimensions")
    return (index if order is None else index.transpose(order)).reshape(params["new_sizes"])


def _trained_position(equation: Any) -> Poison:
    name = equation.primitive.name
    return Poison(f"from_jax: found {name} at positions that depend on parameters, expected constant ones")


def _pad(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    operand, filler = values
    if not isinstance(operand, Lazy) or isinstance(filler, Lazy):
        return _trained_position(equation)
    places = jnp.asarray(tracer.builder.places_of(operand.source))
    return tracer.gather([operand], _run(equation, [places, jnp.asarray(-1, places.dtype)]), float(np.asarray(filler)))


def joined(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    """Operands of which each gives entries: concatenate."""
    sizes = [int(np.prod(tracer.shape(v))) for v in values]
    starts = np.cumsum([0, *sizes])
    places = [np.arange(n).reshape(tracer.shape(v)) + start for v, n, start in zip(values, sizes, starts)]
    return tracer.gather(values, np.concatenate(places, axis=equation.params["dimension"]))


def _updated(positions: int) -> Callable[..., Value]:
    """Operand and update give entries; positions come from argument `positions` on."""

    def rule(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
        if positions == 1:  # scatter: operand, indices, updates
            operand, update, where = values[0], values[2], [values[1]]
        else:
            operand, update, where = values[0], values[1], values[2:]
        if any(isinstance(v, Lazy) for v in where):
            return _trained_position(equation)
        size = int(np.prod(tracer.shape(operand)))
        places = jnp.arange(size).reshape(tracer.shape(operand))
        added = jnp.arange(size, size + int(np.prod(tracer.shape(update)))).reshape(tracer.shape(update))
        atoms = equation.invars[1:2] if positions == 1 else equation.invars[2:]
        known = [jnp.asarray(v, atom.aval.dtype) for v, atom in zip(where, atoms)]
        arguments = [places, *known, added] if positions == 1 else [places, added, *known]
        return tracer.gather([operand, update], _run(equation, arguments))

    return rule


def _split(tracer: Tracer, equation: Any, values: list[Value]) -> list[Value]:
    axis, sizes = equation.params["axis"], equation.params["sizes"]
    ends = np.cumsum(sizes)[:-1]
    parts = np.split(np.arange(tracer.shape(values[0])[axis]), ends)
    return [tracer.move(values[0], partial(np.take, indices=part, axis=axis)) for part in parts]


def _unstack(tracer: Tracer, equation: Any, values: list[Value]) -> list[Value]:
    axis, count = equation.params["axis"], len(equation.outvars)
    return [tracer.move(values[0], partial(np.take, indices=part, axis=axis)) for part in range(count)]


def _stack(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    axis = equation.params["axis"]
    return tracer.move(stacked(tracer, values), lambda index: np.moveaxis(index, 0, axis))


def stacked(tracer: Tracer, values: list[Value]) -> Value:
    """Join values of equal shape along a new first axis."""
    if not any(isinstance(v, Lazy | Poison) for v in values):
        return np.stack([np.asarray(v) for v in values])
    shape = tracer.shape(next(v for v in values if not isinstance(v, Poison)))
    size = int(np.prod(shape))
    return tracer.gather(values, np.arange(size * len(values)).reshape(len(values), *shape))


RULES: dict[str, Callable[..., Any]] = {
    "reshape": _plain(_reshape),
    "transpose": _plain(lambda index, params: index.transpose(params["permutation"])),
    "broadcast_in_dim": _plain(_broadcast),
    "squeeze": _plain(lambda index, params: np.squeeze(index, tuple(params["dimensions"]))),
    "expand_dims": _plain(lambda index, params: np.expand_dims(index, tuple(params["dimensions"]))),
    "slice": _plain(_slice),
    "rev": _plain(lambda index, params: np.flip(index, tuple(params["dimensions"]))),
    "gather": moved,
    "dynamic_slice": moved,
    "pad": _pad,
    "concatenate": joined,
    "scatter": _updated(1),
    "dynamic_update_slice": _updated(2),
    "split": _split,
    "stack": _stack,
    "unstack": _unstack,
    "tile": _plain(lambda index, params: np.tile(index, params["reps"])),
}
