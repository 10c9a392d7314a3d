"""Read a float32 program as one of real numbers: run it in float64, with its constants as they were written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from dipproofs.graph.trace_jax.interpreter import Interpreter
from dipproofs.graph.tracing.algebra import Tracer

_IRRATIONAL = [math.sqrt(2 / math.pi), math.sqrt(2), math.sqrt(0.5), math.pi, 2 * math.pi, math.log(2), math.e]
_IRRATIONAL += [math.sqrt(math.pi), 1 / math.sqrt(2 * math.pi), math.sqrt(3), 1 / 3, 1 / 6, 2 / 3, math.pi / 2]


def decimal(value: Any) -> np.ndarray:
    """Return the number that a float32 constant was rounded from: a familiar one, or the shortest decimal.

    Example:
        >>> float(decimal(np.float32(0.044715))), float(decimal(np.float32(2**0.5))) == 2**0.5
        (0.044715, True)
    """
    array = np.asarray(value)
    if array.dtype != np.float32 or array.size != 1:
        return array
    number = np.float32(array.reshape(-1)[0])
    known = next((c for c in _IRRATIONAL if np.float32(c) == abs(number)), None)
    exact = math.copysign(known, number) if known is not None else float(str(number))
    return np.full(array.shape, exact)


@dataclass(frozen=True)
class _Live:
    """A float64 array that depends on parameters."""

    array: Any


class _Widened(Interpreter):
    """Evaluates a program with every operation on trained values in float64."""

    traced: ClassVar[type] = _Live

    def apply(self, equation: Any, values: list[Any]) -> Sequence[Any]:
        """Run the primitive on float64 arrays."""
        arguments = [
            v.array if isinstance(v, _Live) else _wide(v, atom.aval.dtype) for v, atom in zip(values, equation.invars)
        ]
        params = {key: _wide_type(value) for key, value in equation.params.items()}
        found = equation.primitive.get_bind_params(params)
        functions, params = found if isinstance(found, tuple) else ((), found)
        result = equation.primitive.bind(*functions, *arguments, **params)
        return [_Live(r) for r in (result if equation.primitive.multiple_results else [result])]

    def slice(self, value: Any, step: int) -> Any:
        """One entry along the first axis."""
        return _Live(value.array[step]) if isinstance(value, _Live) else np.asarray(value)[step]

    def stack(self, values: list[Any]) -> Any:
        """Values side by side along a new first axis."""
        return _Live(jnp.stack([v.array if isinstance(v, _Live) else jnp.asarray(v) for v in values]))


def widened(closed: Any) -> Callable[..., Any]:
    """Return a closed jaxpr as a function of float64 arrays, differentiable."""

    def function(*arrays: Any) -> Any:
        inputs = [_Live(array) for array in arrays]
        (result,) = _Widened(Tracer(), decimal).run(closed.jaxpr, closed.consts, inputs)
        return result.array if isinstance(result, _Live) else jnp.asarray(result, jnp.float64)

    return function


def _wide(value: Any, dtype: Any) -> Any:
    return jnp.asarray(value, jnp.float64 if jnp.issubdtype(dtype, jnp.floating) else dtype)


def _wide_type(value: Any) -> Any:
    is_type = isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic))
    return np.dtype(np.float64) if is_type and np.dtype(value) == np.float32 else value
