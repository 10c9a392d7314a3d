"""Arrays from outside: what is accepted.

A certificate is about the stored numbers, so nothing is rounded on the way in: float32 stays float32,
integers become float64 only when that is exact, and everything else is refused in one line.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from dipproofs.arguments.pictures import grey_values
from dipproofs.errors import InputError, one_line

_SMALL_FLOATS = (np.dtype(np.float16), np.dtype(np.float32))


def to_numpy(value: Any) -> Any:
    """Give a torch tensor, with or without gradient and on any device, as a NumPy array; anything else unchanged.

    Example:
        >>> to_numpy([1, 2])
        [1, 2]
    """
    if not hasattr(value, "detach"):
        return value
    tensor = value.detach().cpu()
    if "bfloat16" in str(getattr(tensor, "dtype", "")):
        tensor = tensor.float()  # exact
    for resolve in ("resolve_conj", "resolve_neg"):
        tensor = getattr(tensor, resolve)() if hasattr(tensor, resolve) else tensor
    return np.asarray(tensor)


def exact_array(value: Any, name: str, *, ndim: int | None = None, complex_allowed: bool = False) -> np.ndarray:
    """Give `value` as a finite, real, non-empty float32 or float64 array holding exactly the same numbers.

    Args:
        value: anything NumPy can read as an array (a NumPy or JAX array, a torch tensor, nested lists).
        name: what messages call it, for instance `"operator.npz: A"`.
        ndim: the number of dimensions asked for, if it matters.
        complex_allowed: complex numbers stay complex64 or complex128.

    Returns:
        A float32 array if `value` was float16 or float32, else a float64 array. Always a C-ordered copy.

    Raises:
        InputError: complex, non-numeric, non-finite, empty or wrongly shaped input, or integers and long
            doubles that float64 cannot hold exactly.

    Example:
        >>> exact_array([1, 2], "y")
        array([1., 2.])
        >>> exact_array([1.0, float("nan")], "y")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: y: found nan at index 1, expected finite numbers
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InputError(f"{name}: found masked entries, expected numbers everywhere; fill them first")
    try:
        array = np.asarray(to_numpy(value))
    except Exception as error:
        raise InputError(f"{name}: expected an array of numbers, found {one_line(error)}") from None
    kind = array.dtype.kind
    if kind == "c" and complex_allowed and array.dtype.itemsize <= 16:
        return _complex(array, name, ndim)
    if kind == "c":
        raise InputError(f"{name}: found complex numbers ({array.dtype}), expected real ones; {_REAL_ADVICE}")
    if kind not in "fiub":
        extension = str(array.dtype) == "bfloat16"
        if not extension:
            raise InputError(f"{name}: found dtype {array.dtype}, expected float32 or float64")
    _require_shape(array, name, ndim)
    target = np.float32 if array.dtype in _SMALL_FLOATS or kind not in "fiub" else np.float64
    with np.errstate(over="ignore"):
        result = np.array(array, dtype=target, order="C")
    _require_finite(result, name)
    if kind in "iu" or array.dtype.itemsize > 8:
        back = result.astype(array.dtype)
        if not np.array_equal(back, array):
            raise InputError(f"{name}: {array.dtype} values that float64 cannot hold exactly; convert them first")
    return result


_REAL_ADVICE = "stack real and imaginary parts as separate rows"


def _require_shape(array: np.ndarray, name: str, ndim: int | None) -> None:
    if ndim is not None and array.ndim != ndim:
        expected = {0: "a number", 1: "a vector", 2: "a matrix"}.get(ndim, f"{ndim} dimensions")
        raise InputError(f"{name}: found shape {array.shape}, expected {expected} ({ndim}-D)")
    if array.size == 0:
        raise InputError(f"{name}: found an empty array of shape {array.shape}, expected at least one number")


def _require_finite(result: np.ndarray, name: str) -> None:
    finite = np.isfinite(result)
    if not finite.all():
        where = np.argwhere(~finite)[0]
        index = int(where[0]) if where.size == 1 else tuple(int(i) for i in where)
        raise InputError(f"{name}: found {result[tuple(where)]} at index {index}, expected finite numbers")


def _complex(array: np.ndarray, name: str, ndim: int | None) -> np.ndarray:
    _require_shape(array, name, ndim)
    result = np.array(array, dtype=np.complex64 if array.dtype.itemsize <= 8 else np.complex128, order="C")
    _require_finite(result, name)
    return result


def any_array(value: Any, name: str) -> np.ndarray:
    """Give numbers of any shape, real or complex; a picture of PIL becomes grey values in [0, 1].

    Example:
        >>> any_array([[1, 2], [3, 4]], "y").shape
        (2, 2)
    """
    if hasattr(value, "convert") and hasattr(value, "getpixel"):
        value = grey_values(value, name)
    return exact_array(value, name, complex_allowed=True)


def size_of(values: np.ndarray) -> str:
    """Say how large an array is.

    Example:
        >>> size_of(np.zeros(3)), size_of(np.zeros((2, 2)))
        ('length 3', 'shape (2, 2), 4 numbers')
    """
    return f"length {values.size}" if values.ndim == 1 else f"shape {values.shape}, {values.size} numbers"


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
