"""`as_operator`: adapt what people already have to a forward operator."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from dipproofs.errors import InputError
from dipproofs.operators.dot_test import dot_test
from dipproofs.operators.operator import Operator
from dipproofs.operators.sparse import sparse_operator
from dipproofs.problems.arrays import exact_array

Map = Callable[[np.ndarray], np.ndarray]


def as_operator(
    A: Any,
    *,
    in_shape: Sequence[int] | None = None,
    convert: Callable[[np.ndarray], Any] | None = None,
    dtype: str = "float64",
) -> Operator:
    """Adapt a forward operator.

    Args:
        A: one of
            an `Operator` (given back as it is);
            a matrix (m, n): NumPy, JAX, nested lists, `scipy.sparse`;
            a SciPy or PyLops `LinearOperator`;
            a pair (A, A_adjoint) of functions, or an object with methods `A` and `A_adjoint` such as a
            deepinv physics;
            a function written in JAX, whose adjoint is found by transposition.
        in_shape: for functions, the shape of their argument, for instance (1, 1, 64, 64).
        convert: for pairs, what turns a NumPy array into their argument, for instance `torch.from_numpy`.
        dtype: for functions, "float64" or "float32": the precision in which they are applied.

    Returns:
        The operator. Its matrix holds the numbers that the functions gave on the unit vectors.

    Raises:
        InputError: a complex, non-finite, zero or empty operator, one that is not linear, or an adjoint that
            fails the dot test.

    Example:
        >>> as_operator([[1.0, 2.0]])
        Operator(matrix, 1×2)
        >>> as_operator((lambda x: 2 * x, lambda w: 3 * w), in_shape=(4,))
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: operator: the adjoint fails the dot test: ...
    """
    if isinstance(A, Operator):
        return A
    if sp.issparse(A):
        return sparse_operator(A)
    if dtype not in ("float64", "float32"):
        raise InputError(f"operator: found dtype {dtype!r}, expected float64 or float32")
    if hasattr(A, "matvec") and hasattr(A, "shape"):
        return _from_linear_operator(A)
    if isinstance(A, tuple | list) and len(A) == 2 and callable(A[0]) and callable(A[1]):
        return _from_pair(A[0], A[1], _shape(in_shape), convert, dtype)
    if callable(getattr(A, "A", None)) and callable(getattr(A, "A_adjoint", None)):
        return _from_pair(A.A, A.A_adjoint, _shape(in_shape), convert, dtype)
    if callable(A):
        from dipproofs.operators.from_jax import from_jax

        return from_jax(A, _shape(in_shape), dtype)
    return Operator(A)


def _from_linear_operator(A: Any) -> Operator:
    if getattr(A, "dtype", None) is not None and np.dtype(A.dtype).kind == "c":
        raise InputError(
            f"operator: found a complex linear operator ({np.dtype(A.dtype)}), expected a real one; "
            "stack real and imaginary parts as separate rows"
        )
    m, n = (int(size) for size in A.shape)
    if m < 1 or n < 1:
        raise InputError(f"operator: found an empty linear operator of shape {(m, n)}, expected at least 1×1")

    def forward(x: np.ndarray) -> np.ndarray:
        return _real(_call(A.matvec, x, "matvec"), m, "matvec")

    def adjoint(w: np.ndarray) -> np.ndarray:
        return _real(_call(A.rmatvec, w, "rmatvec"), n, "rmatvec")

    has_adjoint = True
    try:
        A.rmatvec(np.zeros(m))
    except NotImplementedError:
        has_adjoint = False
    except Exception:  # reported by the test below
        pass
    single = getattr(A, "dtype", None) is not None and np.dtype(A.dtype) == np.float32
    working = np.dtype(np.float32 if single else np.float64)
    return _materialise(forward, adjoint if has_adjoint else None, n, working, (n,))


def _from_pair(
    forward: Callable[..., Any],
    adjoint: Callable[..., Any],
    in_shape: tuple[int, ...],
    convert: Callable[[np.ndarray], Any] | None,
    dtype: str,
) -> Operator:
    number_type = np.dtype(dtype)
    n = math.prod(in_shape)
    out_shape: list[tuple[int, ...]] = []

    def apply(x: np.ndarray) -> np.ndarray:
        argument = x.astype(number_type).reshape(in_shape)
        image = _to_numpy(_call(forward, argument if convert is None else convert(argument), "A"))
        out_shape[:] = [image.shape]
        return _real(image, None, "A")

    def transpose(w: np.ndarray) -> np.ndarray:
        argument = w.astype(number_type).reshape(out_shape[0])
        return _real(_call(adjoint, argument if convert is None else convert(argument), "A_adjoint"), n, "A_adjoint")

    return _materialise(apply, transpose, n, number_type, in_shape)


def _materialise(forward: Map, adjoint: Map | None, n: int, dtype: np.dtype, in_shape: tuple[int, ...]) -> Operator:
    unit = np.zeros(n)
    columns = []
    for j in range(n):
        unit[j] = 1.0
        columns.append(forward(unit.copy()))
        unit[j] = 0.0
        if len(columns[j]) != len(columns[0]):
            raise InputError("operator: A gives results of different lengths, expected m numbers each time")
    operator = Operator(np.stack(columns, axis=1), domain_shape=in_shape if len(in_shape) == 2 else None)
    coarse = dtype == np.float32 or operator.to_dense().dtype == np.float32
    dot_test(forward, adjoint, operator.to_dense(), "operator", roundoff=2.0**-24 if coarse else 2.0**-53)
    return operator


def _shape(in_shape: Sequence[int] | None) -> tuple[int, ...]:
    if in_shape is None:
        raise InputError("operator: found a function without in_shape; use as_operator(function, in_shape=(64, 64))")
    try:
        shape = tuple(int(size) for size in ([in_shape] if isinstance(in_shape, int) else in_shape))
    except (TypeError, ValueError):
        raise InputError(f"operator: found in_shape {in_shape!r}, expected a tuple of integers ≥ 1") from None
    if not shape or any(size < 1 for size in shape):
        raise InputError(f"operator: found in_shape {shape}, expected integers ≥ 1")
    return shape


def _call(function: Callable[..., Any], argument: Any, name: str) -> Any:
    try:
        return function(argument)
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"operator: {name} failed on an argument of shape {np.shape(argument)}: {reason}") from None


def _to_numpy(value: Any) -> np.ndarray:
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _real(value: Any, length: int | None, name: str) -> np.ndarray:
    array = exact_array(_to_numpy(value), f"operator: result of {name}").ravel()
    if length is not None and array.size != length:
        raise InputError(f"operator: {name} gave {array.size} numbers, expected {length}")
    return array
