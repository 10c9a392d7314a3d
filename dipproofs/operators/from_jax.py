"""Operators written as JAX functions; the adjoint comes from transposition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dipproofs.errors import InputError
from dipproofs.operators.dot_test import dot_test
from dipproofs.operators.kernels import FunctionKernel
from dipproofs.operators.operator import Operator, check_size

_BATCH = 128


def from_jax(function: Callable[[Any], Any], in_shape: tuple[int, ...], dtype: str = "float64") -> Operator:
    """Adapt a linear JAX function of one array.

    Args:
        function: takes an array of shape `in_shape`, gives an array of any shape.
        in_shape: the shape of its argument.
        dtype: the precision in which it is applied; float64 needs JAX's 64-bit mode.

    Raises:
        InputError: the function is not linear, not real, or fails; or 64-bit mode is off.
    """
    import jax
    import jax.numpy as jnp

    if dtype == "float64" and not jax.config.read("jax_enable_x64"):
        raise InputError(
            "operator: JAX's 64-bit mode is off; call jax.config.update('jax_enable_x64', True) first, "
            "or pass dtype='float32'"
        )
    n = math.prod(in_shape)
    kernel = FunctionKernel(function, in_shape)
    unit = jax.ShapeDtypeStruct((n,), jnp.dtype(dtype))
    try:
        raw = jax.eval_shape(function, jax.ShapeDtypeStruct(in_shape, jnp.dtype(dtype)))
    except Exception as error:
        raise InputError(f"operator: the function fails on shape {in_shape}: {_reason(error)}") from None
    if not hasattr(raw, "dtype"):
        raise InputError("operator: the function gives several arrays, expected one")
    if jnp.issubdtype(raw.dtype, jnp.complexfloating):
        raise InputError(
            f"operator: found a complex result ({raw.dtype}), expected a real one; stack real and imaginary "
            "parts as separate rows"
        )
    m = math.prod(raw.shape)
    if m == 0:
        raise InputError(f"operator: found an empty result of shape {raw.shape}, expected at least one number")
    check_size(m, n)
    try:
        jax.eval_shape(lambda w: kernel.adjoint((), w), jax.ShapeDtypeStruct((m,), unit.dtype))
    except Exception as error:
        raise InputError(
            f"operator: JAX cannot transpose the function, expected a linear one: {_reason(error)}"
        ) from None
    with jax.default_matmul_precision("highest"):
        batched = jax.jit(jax.vmap(lambda x: kernel.apply((), x), out_axes=1))
        blocks = [
            np.asarray(batched(jnp.asarray(_unit_vectors(n, start), unit.dtype))) for start in range(0, n, _BATCH)
        ]
        shape = in_shape if len(in_shape) == 2 else None
        out = raw.shape if len(raw.shape) == 2 else None
        operator = Operator(
            np.concatenate(blocks, axis=1),
            kernel=kernel,
            arrays=(),
            kind="function",
            domain_shape=shape,
            range_shape=out,
        )
        dot_test(
            lambda x: np.asarray(kernel.apply((), jnp.asarray(x, unit.dtype))),
            lambda w: np.asarray(kernel.adjoint((), jnp.asarray(w, unit.dtype))),
            operator.to_dense(),
            "operator",
            roundoff=2.0**-24 if operator.to_dense().dtype == np.float32 else 2.0**-53,
        )
    return operator


def _unit_vectors(n: int, start: int) -> np.ndarray:
    stop = min(n, start + _BATCH)
    block = np.zeros((stop - start, n))
    block[np.arange(stop - start), np.arange(start, stop)] = 1.0
    return block


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
