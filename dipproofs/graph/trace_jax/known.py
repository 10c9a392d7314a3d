"""Compute what does not depend on parameters: common primitives in NumPy (nothing is compiled), others in JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dipproofs.graph.trace_jax.bind import bind

_FLOATS: dict[str, Callable[..., Any]] = {
    "div": np.divide,
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
    "sqrt": np.sqrt,
}
_ANY: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "abs": np.abs,
    "neg": np.negative,
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_SHAPED: dict[str, Callable[[np.ndarray, Mapping[str, Any]], np.ndarray]] = {
    "squeeze": lambda a, params: np.squeeze(a, tuple(params["dimensions"])),
    "transpose": lambda a, params: a.transpose(params["permutation"]),
    "convert_element_type": lambda a, params: a,
    "copy": lambda a, params: a,
}


def computed(equation: Any, values: list[Any]) -> list[Any]:
    """Return the results of an equation whose arguments are all known, in the program's number format."""
    name = equation.primitive.name
    simple = not any(isinstance(v, jax.Array) and jnp.issubdtype(v.dtype, jax.dtypes.extended) for v in values)
    if simple and len(equation.outvars) == 1:
        aval = equation.outvars[0].aval
        arrays = [np.asarray(v, atom.aval.dtype) for v, atom in zip(values, equation.invars)]
        with np.errstate(all="ignore"):
            if name in _ANY or (name in _FLOATS and jnp.issubdtype(aval.dtype, jnp.floating)):
                return [np.asarray((_ANY | _FLOATS)[name](*arrays), aval.dtype)]
            if name in _SHAPED:
                return [np.asarray(_SHAPED[name](arrays[0], equation.params), aval.dtype)]
            if name == "broadcast_in_dim":
                spread = [1] * len(aval.shape)
                for axis, n in zip(equation.params["broadcast_dimensions"], arrays[0].shape):
                    spread[axis] = n
                return [np.broadcast_to(arrays[0].reshape(spread), aval.shape)]
            if name == "select_n" and arrays[0].dtype == bool and len(arrays) == 3:
                return [np.where(arrays[0], arrays[2], arrays[1])]
    with jax.ensure_compile_time_eval():  # inside of jit, results would be traced otherwise
        arguments = [_as_jax(v, atom.aval) for v, atom in zip(values, equation.invars)]
        return bind(equation, arguments)


def _as_jax(value: Any, aval: Any) -> Any:
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.extended):
        return value
    return jnp.asarray(value, aval.dtype)
