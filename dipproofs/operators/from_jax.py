"""Operators written as JAX functions; the adjoint comes from transposition."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from dipproofs.errors import InputError, one_line
from dipproofs.operators.adapters.tabulate import Probe, flat_result, picture_shape, tabulate
from dipproofs.operators.dot_test import dot_test
from dipproofs.operators.kernels import FunctionKernel
from dipproofs.operators.operator import Operator, check_size

_BATCH = 128
_FOR_TORCH = 'for PyTorch the same with convert=torch.from_numpy (and dtype="float32" if its weights are)'


def from_jax(
    function: Callable[[Any], Any], in_shape: tuple[int, ...], dtype: str | None = None, unknowns: str | None = None
) -> Operator:
    """Adapt a linear JAX function of one array.

    Args:
        function: takes an array of shape `in_shape`, gives an array of any shape.
        in_shape: the shape of its argument.
        dtype: the precision in which it is applied, by default float64; 64-bit mode is entered for the time.
        unknowns: "complex" or "real", for functions with complex values; see `as_operator`.

    Raises:
        InputError: the function is not linear or fails.
    """
    import jax

    with jax.enable_x64(True) if dtype != "float32" else nullcontext(), jax.default_matmul_precision("highest"):
        number = np.dtype(dtype or "float64")
        raw = _image(function, in_shape, number)
        m, n = math.prod(raw.shape), math.prod(in_shape)
        if m == 0:
            raise InputError(f"operator: found an empty result of shape {raw.shape}, expected at least one number")
        check_size(m, n)
        if np.dtype(raw.dtype).kind == "c" or unknowns is not None:
            return tabulate(_complex_probe(function, in_shape, number), unknowns)
        return _real(function, in_shape, number, raw.shape)


def _image(function: Callable[[Any], Any], in_shape: tuple[int, ...], number: np.dtype) -> Any:
    """Shape and type of the function's value."""
    import jax

    try:
        raw = jax.eval_shape(function, jax.ShapeDtypeStruct(in_shape, number))
    except Exception as error:
        if "__array__" in str(error) or isinstance(error, jax.errors.TracerArrayConversionError):
            raise InputError(
                "operator: not a JAX function (it makes NumPy arrays or tensors of its argument); for NumPy "
                f"give as_operator((forward, None), in_shape=...), or (forward, adjoint); {_FOR_TORCH}"
            ) from None
        raise InputError(
            f"operator: the function fails on shape {in_shape}: {one_line(error, 160)}; for NumPy give "
            f"(forward, None); {_FOR_TORCH}"
        ) from None
    if not hasattr(raw, "dtype"):
        raise InputError("operator: the function gives several arrays, expected one")
    return raw


def _real(
    function: Callable[[Any], Any], in_shape: tuple[int, ...], number: np.dtype, out_shape: tuple[int, ...]
) -> Operator:
    import jax
    import jax.numpy as jnp

    n, m = math.prod(in_shape), math.prod(out_shape)
    kernel = FunctionKernel(function, in_shape)
    try:
        jax.eval_shape(lambda w: kernel.adjoint((), w), jax.ShapeDtypeStruct((m,), number))
    except Exception as error:
        raise InputError(
            f"operator: JAX cannot transpose the function, expected a linear one: {one_line(error, 160)}"
        ) from None
    # the matrix holds the numbers that the function gave, in the precision in which it gave them
    batched = jax.jit(jax.vmap(lambda x: function(x.reshape(in_shape)).ravel(), out_axes=1))
    blocks = [np.asarray(batched(jnp.asarray(_unit_vectors(n, start), number))) for start in range(0, n, _BATCH)]
    operator = Operator(
        np.concatenate(blocks, axis=1),
        kernel=kernel,
        arrays=(),
        kind="function",
        domain_shape=picture_shape(in_shape),
        range_shape=picture_shape(out_shape),
    )
    dot_test(
        lambda x: np.asarray(kernel.apply((), jnp.asarray(x, number))),
        lambda w: np.asarray(kernel.adjoint((), jnp.asarray(w, number))),
        operator.to_dense(),
        "operator",
        roundoff=2.0**-24 if operator.to_dense().dtype == np.float32 else 2.0**-53,
    )
    return operator


def _complex_probe(function: Callable[[Any], Any], in_shape: tuple[int, ...], number: np.dtype) -> Probe:
    import jax
    import jax.numpy as jnp

    compiled = jax.jit(function)

    def forward(x: np.ndarray) -> np.ndarray:
        kind = np.result_type(number, np.complex64) if np.iscomplexobj(x) else number
        try:
            image = compiled(jnp.asarray(x.reshape(in_shape), kind))
        except Exception as error:
            raise InputError(f"operator: the function fails on {kind} numbers: {one_line(error, 160)}") from None
        return flat_result(np.asarray(image), None, "the function")

    return Probe(forward, None, math.prod(in_shape), in_shape, "function")


def _unit_vectors(n: int, start: int) -> np.ndarray:
    stop = min(n, start + _BATCH)
    block = np.zeros((stop - start, n))
    block[np.arange(stop - start), np.arange(start, stop)] = 1.0
    return block
