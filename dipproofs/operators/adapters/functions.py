"""Functions that are not JAX: a pair (forward, adjoint), or the forward function alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dipproofs.arguments.arrays import to_numpy
from dipproofs.errors import InputError
from dipproofs.operators.adapters.tabulate import Probe, flat_result, guarded, tabulate
from dipproofs.operators.operator import Operator
from dipproofs.operators.structure import Structure


def from_functions(
    forward: Callable[..., Any],
    adjoint: Callable[..., Any] | None,
    in_shape: tuple[int, ...],
    *,
    convert: Callable[[np.ndarray], Any] | None = None,
    dtype: str | None = None,
    unknowns: str | None = None,
    kind: str = "matrix",
    candidate: Structure | None = None,
) -> Operator:
    """Adapt a pair of functions of arrays of shape `in_shape`; adjoint None means that A's transpose is tabulated.

    Args:
        forward, adjoint: take and give NumPy arrays, or what `convert` makes of them.
        in_shape: the shape of forward's argument.
        convert: turns a NumPy array into an argument, for instance `torch.from_numpy`.
        dtype: "float64" (the default) or "float32", the precision of the arguments.
        unknowns: "complex" or "real", for functions with complex values.
        kind: what reports call the operator.
        candidate: a structure that it may have.
    """
    precision = np.dtype(dtype or "float64")
    out_shape: list[tuple[int, ...]] = []

    def argument(values: np.ndarray, shape: tuple[int, ...]) -> Any:
        number = np.result_type(precision, np.complex64) if np.iscomplexobj(values) else precision
        array = values.astype(number).reshape(shape)
        return array if convert is None else convert(array)

    def apply(x: np.ndarray) -> np.ndarray:
        image = _one_array(guarded(forward, "A")(argument(x, in_shape)))
        out_shape[:] = [image.shape]
        return flat_result(image, None, "A")

    def transpose(w: np.ndarray) -> np.ndarray:
        assert adjoint is not None
        image = guarded(adjoint, "A_adjoint")(argument(w, out_shape[0]))
        return flat_result(image, math.prod(in_shape), "A_adjoint")

    probe = Probe(
        apply, None if adjoint is None else transpose, math.prod(in_shape), in_shape, kind, candidate=candidate
    )
    return tabulate(probe, unknowns)


def _one_array(value: Any) -> np.ndarray:
    try:
        return np.asarray(to_numpy(value))
    except ValueError:  # arrays of different shapes, as deepinv's TensorList
        raise InputError(
            f"operator: A gives {type(value).__name__} of arrays of different shapes, expected one array; join them,"
            " as_operator((lambda x: np.concatenate([part.ravel() for part in A(x)]), None), in_shape=…)"
        ) from None


def required_shape(in_shape: Sequence[int] | int | None) -> tuple[int, ...]:
    """Give `in_shape` as a tuple.

    Raises:
        InputError: missing, or not integers ≥ 1.
    """
    if in_shape is None:
        raise InputError("operator: found a function without in_shape; use as_operator(function, in_shape=(64, 64))")
    try:
        shape = tuple(int(size) for size in ([in_shape] if isinstance(in_shape, int) else in_shape))
    except (TypeError, ValueError):
        raise InputError(f"operator: found in_shape {in_shape!r}, expected a tuple of integers ≥ 1") from None
    if not shape or any(size < 1 for size in shape):
        raise InputError(f"operator: found in_shape {shape}, expected integers ≥ 1")
    return shape
