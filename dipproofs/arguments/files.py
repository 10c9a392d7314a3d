"""Files that hold arrays, told apart by their first bytes: `.npz`, `.npy`, `.mat`, sparse `.npz`, pictures.

Nothing is unpickled. A file with one array (`.npy`, a picture) gives it under the key `SINGLE`.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dipproofs.arguments.arrays import exact_array
from dipproofs.arguments.pictures import read_grey
from dipproofs.errors import InputError, one_line

Arrays = dict[str, Any]

SINGLE = ""
"""The key of the only array of a file without names."""

_SPARSE_KEYS = {"data", "shape", "format"}
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM", b"GIF8")
_HDF5 = b"\x89HDF\r\n\x1a\n"
READABLE = "an .npz, .npy or .mat file, or a picture (PNG, JPEG, TIFF)"


def read_arrays(path: Path, label: str | None = None) -> Arrays:
    """Read every array of a file.

    Args:
        path: the file.
        label: what messages call it; by default the file's name.

    Returns:
        The arrays by key, as stored (not yet checked; see `take`). A sparse matrix of `scipy.sparse.save_npz` or of
        MATLAB stays sparse; a picture becomes grey values in [0, 1].

    Raises:
        InputError: the file is missing, damaged, of another kind, or holds pickled objects.
    """
    label = label or path.name
    try:
        if not path.exists():
            raise InputError(f"{label}: no such file, expected {READABLE}; paths start at the problem file")
        if path.is_dir():
            raise InputError(f"{label}: found a directory, expected {READABLE}")
        with path.open("rb") as file:
            start = file.read(128)
        return _read(path, label, start)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{label}: cannot be read ({one_line(error)})") from None


def _read(path: Path, label: str, start: bytes) -> Arrays:
    if start.startswith((b"PK", b"\x93NUMPY")):
        with path.open("rb") as file:
            if start.startswith(b"PK"):
                return _npz(file, label)
            return {SINGLE: _guarded(label, ".npy file", lambda: np.load(file, allow_pickle=False))}
    if start.startswith(_PICTURES):
        return {SINGLE: read_grey(path, label)}
    if start.startswith((_HDF5, b"MATLAB 7.3")):
        raise InputError(f"{label}: found an HDF5 file (MATLAB's -v7.3), expected -v7; save('p.mat', 'A', 'y', '-v7')")
    if start.startswith(b"MATLAB 5.0") or path.suffix.lower() == ".mat":
        return _mat(path, label)
    if start.startswith(b"\x80"):
        found = "a pickle, which is never loaded"
    else:
        found = "a file of another kind" if start else "an empty file"
    raise InputError(f"{label}: not an .npz file nor any other that is read: found {found}, expected {READABLE}")


def _npz(file: BinaryIO, label: str) -> Arrays:
    with _guarded(label, ".npz file", lambda: np.load(file, allow_pickle=False)) as loaded:
        arrays = {key: _guarded(label, f".npz file: key {key}", lambda k=key: loaded[k]) for key in loaded.files}
    if set(arrays) >= _SPARSE_KEYS and ("indices" in arrays or "row" in arrays or "offsets" in arrays):
        import scipy.sparse

        file.seek(0)
        return {SINGLE: _guarded(label, "sparse .npz file", lambda: scipy.sparse.load_npz(file))}
    return arrays


def _mat(path: Path, label: str) -> Arrays:
    import scipy.io

    with warnings.catch_warnings():  # SciPy 1.18 announces another class of sparse matrices; either is taken
        warnings.simplefilter("ignore", DeprecationWarning)
        loaded = _guarded(label, ".mat file", lambda: scipy.io.loadmat(path))
    numeric = {k: v for k, v in loaded.items() if not k.startswith("__") and getattr(v, "dtype", None) is not None}
    arrays = {k: v for k, v in numeric.items() if v.dtype.kind in "fiubc"}
    if not arrays:
        others = ", ".join(sorted(numeric)) or "nothing"
        raise InputError(f"{label}: found no arrays of numbers (but {others}), expected matrices saved by MATLAB")
    return arrays


def _guarded(label: str, kind: str, read: Any) -> Any:
    try:
        return read()
    except Exception as error:  # damaged files raise many kinds
        text = one_line(error)
        if "pickle" in text:
            text = "holds pickled objects, which are never loaded; expected plain numeric arrays"
        advice = "; write it with numpy.savez" if kind == ".npz file" else ""
        raise InputError(f"{label}: not {_article(kind)} {kind} ({text}){advice}") from None


def _article(kind: str) -> str:
    return "an" if kind.startswith(".n") else "a"


def take(
    arrays: Arrays,
    key: str,
    label: str,
    *,
    ndim: int | None = None,
    complex_allowed: bool = False,
    sparse: bool = False,
    option: str = 'key = "{}"',
) -> Any:
    """Take one checked array out of `read_arrays`'s result, or say which keys the file has.

    Args:
        arrays, label: the file's arrays, and what messages call it.
        key: the array's name; a file with one unnamed array gives that.
        ndim, complex_allowed: see `exact_array`.
        sparse: a sparse matrix may stay one.
        option: how the user would give another name, {} standing for it.

    Example:
        >>> take({"A": np.eye(2)}, "y", "arrays.npz", ndim=1)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: arrays.npz: key y is missing, found A; expected an array y, or name it: key = "A"
    """
    value = select(arrays, key, label, option)
    if hasattr(value, "tocsr"):
        if sparse:
            return value
        value = value.toarray()
    name = f"{label}: {key}" if key in arrays else label
    return exact_array(value, name, ndim=ndim, complex_allowed=complex_allowed)


def select(arrays: Arrays, key: str, label: str, option: str = 'key = "{}"') -> Any:
    """Give the array called `key`, or the only one of a file without names; see `take`."""
    if set(arrays) == {SINGLE}:
        return arrays[SINGLE]
    if key not in arrays:
        found = ", ".join(sorted(arrays)) or "no keys"
        named = option.format(next(iter(arrays))) if arrays else ""
        hint = f", or name it: {named}" if len(arrays) == 1 else f", or name another, as in {named}" if named else ""
        raise InputError(f"{label}: key {key} is missing, found {found}; expected an array {key}{hint}")
    return arrays[key]
