"""Arrays from outside: what is accepted, and reading `.npz` files without surprises.

A certificate is about the stored numbers, so nothing is rounded on the way in: float32 stays float32,
integers become float64 only when that is exact, and everything else is refused in one line.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dipproofs.errors import InputError

_SMALL_FLOATS = (np.dtype(np.float16), np.dtype(np.float32))


def exact_array(value: Any, name: str, *, ndim: int | None = None) -> np.ndarray:
    """Give `value` as a finite, real, non-empty float32 or float64 array holding exactly the same numbers.

    Args:
        value: anything NumPy can read as an array (a NumPy or JAX array, nested lists).
        name: what messages call it, for instance `"operator.npz: A"`.
        ndim: the number of dimensions asked for, if it matters.

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
        array = np.asarray(value)
    except Exception as error:
        raise InputError(f"{name}: expected an array of numbers, found {_one_line(error)}") from None
    kind = array.dtype.kind
    if kind == "c":
        raise InputError(f"{name}: found complex numbers ({array.dtype}), expected real ones; {_REAL_ADVICE}")
    if kind not in "fiub":
        extension = str(array.dtype) == "bfloat16"
        if not extension:
            raise InputError(f"{name}: found dtype {array.dtype}, expected float32 or float64")
    if ndim is not None and array.ndim != ndim:
        expected = {0: "a number", 1: "a vector", 2: "a matrix"}.get(ndim, f"{ndim} dimensions")
        raise InputError(f"{name}: found shape {array.shape}, expected {expected} ({ndim}-D)")
    if array.size == 0:
        raise InputError(f"{name}: found an empty array of shape {array.shape}, expected at least one number")
    target = np.float32 if array.dtype in _SMALL_FLOATS or kind not in "fiub" else np.float64
    with np.errstate(over="ignore"):
        result = np.array(array, dtype=target, order="C")
    finite = np.isfinite(result)
    if not finite.all():
        where = np.argwhere(~finite)[0]
        index = int(where[0]) if where.size == 1 else tuple(int(i) for i in where)
        found = result[tuple(where)]
        raise InputError(f"{name}: found {found} at index {index}, expected finite numbers")
    if kind in "iu" or array.dtype.itemsize > 8:
        back = result.astype(array.dtype)
        if not np.array_equal(back, array):
            raise InputError(f"{name}: {array.dtype} values that float64 cannot hold exactly; convert them first")
    return result


_REAL_ADVICE = "stack real and imaginary parts as separate rows"


def load_npz(path: Path, label: str | None = None) -> dict[str, np.ndarray]:
    """Read every array of an `.npz` file, with `allow_pickle=False`.

    Args:
        path: the file.
        label: what messages call it; by default the file's name.

    Returns:
        The arrays by key, as stored (not yet checked; see `exact_array`).

    Raises:
        InputError: the file is missing, unreadable, not an `.npz`, or holds pickled objects.
    """
    label = label or path.name
    try:
        if not path.exists():
            raise InputError(f"{label}: no such file, expected an .npz file; paths start at the problem file")
        if path.is_dir():
            raise InputError(f"{label}: found a directory, expected an .npz file")
        with path.open("rb") as file:
            return _read_members(file, label)
    except InputError:
        raise
    except Exception as error:  # damaged files raise many kinds
        raise InputError(f"{label}: not an .npz file ({_npz_reason(error)}); write it with numpy.savez") from None


def _read_members(file: BinaryIO, label: str) -> dict[str, np.ndarray]:
    loaded = np.load(file, allow_pickle=False)
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        raise InputError(f"{label}: found a single .npy array, expected an .npz with named arrays")
    arrays: dict[str, np.ndarray] = {}
    for key in loaded.files:
        try:
            arrays[key] = loaded[key]
        except Exception as error:
            raise InputError(f"{label}: key {key}: {_npz_reason(error)}") from None
    return arrays


def take(arrays: dict[str, np.ndarray], key: str, label: str, *, ndim: int) -> np.ndarray:
    """Take one checked array out of `load_npz`'s result, or say which keys the file has.

    Example:
        >>> take({"A": np.eye(2)}, "y", "arrays.npz", ndim=1)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: arrays.npz: key y is missing, found A; expected a 1-D array y
    """
    if key not in arrays:
        found = ", ".join(sorted(arrays)) or "no keys"
        raise InputError(f"{label}: key {key} is missing, found {found}; expected a {ndim}-D array {key}")
    return exact_array(arrays[key], f"{label}: {key}", ndim=ndim)


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _npz_reason(error: Exception) -> str:
    text = _one_line(error)
    if "allow_pickle" in text or "pickle" in text:
        return "holds pickled objects, which are never loaded; expected plain numeric arrays"
    return text


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
