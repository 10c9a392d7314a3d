"""What the structures of an operator in a certificate mean: from JSON and arrays to the matrix, without trust.

This is the definition of the format, read by the verifier; the producer has classes of its own
(`dipproofs.operators.structure`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]

_LARGEST = 2**28


@dataclass(frozen=True, eq=False)
class SelectedRows:
    """Rows of the identity, which NumPy takes for the matrix that it makes where it needs one.

    Args:
        indices: (m,) the columns of the ones. columns: n.

    Example:
        >>> rows = SelectedRows(np.array([2, 0]), 3)
        >>> rows.shape, np.asarray(rows).tolist()
        ((2, 3), [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    """

    indices: np.ndarray
    columns: int
    dtype = np.dtype(np.float64)
    ndim = 2

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return self.indices.size, self.columns

    @property
    def size(self) -> int:
        """How many entries the matrix has."""
        return self.indices.size * self.columns

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        matrix = np.zeros(_allowed(*self.shape), dtype or np.float64)
        matrix[np.arange(self.indices.size), self.indices] = 1.0
        return matrix


def operator_of(described: Any, arrays: Arrays) -> np.ndarray | SelectedRows:
    """Give a described operator: a mask without its matrix, everything else as `dense_matrix`.

    Raises:
        ValueError: what was found and expected.
    """
    mask = isinstance(described, dict) and described.get("kind") == "mask"
    return _selection(described, arrays) if mask else dense_matrix(described, arrays)


_MOST_BLOCKS = 4096


def dense_matrix(described: Any, arrays: Arrays) -> np.ndarray:
    """Give the matrix (m, n) float64 of a described operator.

    Args:
        described: JSON value with key kind.
        arrays: its arrays by name, floats as float64, indices as int64.

    Raises:
        ValueError: what was found and expected.

    Example:
        >>> dense_matrix({"kind": "mask", "columns": 3}, {"indices": np.array([2, 0])}).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
        >>> dense_matrix({"kind": "circulant"}, {"kernel": np.array([[1.0, 2.0, 0.0]])}).tolist()
        [[1.0, 0.0, 2.0], [2.0, 1.0, 0.0], [0.0, 2.0, 1.0]]
    """
    kind = described.get("kind") if isinstance(described, dict) else None
    if not isinstance(kind, str) or kind not in _READERS:
        raise ValueError(f"operator.kind: found {kind!r}, expected one of {', '.join(_READERS)}")
    return _READERS[kind](described, arrays)


def _take(arrays: Arrays, kind: str, **dimensions: int) -> list[np.ndarray]:
    if set(arrays) != set(dimensions):
        raise ValueError(f"operator: found arrays {', '.join(sorted(arrays))}, expected {', '.join(dimensions)}")
    for name, ndim in dimensions.items():
        if arrays[name].ndim != ndim or arrays[name].dtype.kind != ("i" if name.startswith("ind") else "f"):
            raise ValueError(f"operator.{name}: found another type or dimension than {kind} has")
    return [arrays[name] for name in dimensions]


def _allowed(rows: int, columns: int) -> tuple[int, int]:
    if not (rows > 0 and columns > 0 and rows * columns <= _LARGEST):
        raise ValueError(f"operator: found {rows}×{columns}, expected at most {_LARGEST} entries, at least one")
    return rows, columns


def _columns(described: Mapping[str, Any]) -> int:
    columns = described.get("columns")
    if not isinstance(columns, int) or isinstance(columns, bool) or not 0 < columns <= _LARGEST:
        raise ValueError(f"operator.columns: found {columns!r}, expected an integer ≥ 1")
    return columns


def _selection(described: Mapping[str, Any], arrays: Arrays) -> SelectedRows:
    (indices,) = _take(arrays, "a mask", indices=1)
    columns = _columns(described)
    if not 0 < indices.size <= _LARGEST:
        raise ValueError(f"operator.indices: found {indices.size}, expected at least one, at most {_LARGEST}")
    if not ((indices >= 0) & (indices < columns)).all():
        raise ValueError("operator.indices: found indices outside the columns")
    return SelectedRows(indices, columns)


def _mask(described: Mapping[str, Any], arrays: Arrays) -> np.ndarray:
    return np.asarray(_selection(described, arrays))


def _diagonal(described: Mapping[str, Any], arrays: Arrays) -> np.ndarray:
    (entries,) = _take(arrays, "a diagonal", entries=1)
    _allowed(entries.size, entries.size)
    return np.diag(entries)


def _circulant(described: Mapping[str, Any], arrays: Arrays) -> np.ndarray:
    (kernel,) = _take(arrays, "a circular convolution", kernel=2)
    matrix = np.empty(_allowed(kernel.size, kernel.size))
    width = kernel.shape[1]
    for column in range(kernel.size):  # the response to a unit there is the kernel, moved
        matrix[:, column] = np.roll(kernel, divmod(column, width), (0, 1)).ravel()
    return matrix


def _separable(described: Mapping[str, Any], arrays: Arrays) -> np.ndarray:
    vertical, horizontal = _take(arrays, "a separable operator", vertical=2, horizontal=2)
    (p, height), (q, width) = vertical.shape, horizontal.shape
    _allowed(p * q, height * width)
    products = _finite(vertical[:, None, :, None], horizontal[None, :, None, :])
    return np.ascontiguousarray(products.reshape(p * q, height * width))


def _finite(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Products of entries, each rounded once, by IEEE 754."""
    with np.errstate(over="ignore"):
        products = first * second
    if not np.isfinite(products).all():
        raise ValueError("operator: found products of entries that are not finite")
    return np.asarray(products)


def _sparse(described: Mapping[str, Any], arrays: Arrays) -> np.ndarray:
    data, indices, ends = _take(arrays, "a sparse matrix", data=1, indices=1, indptr=1)
    shape = _allowed(ends.size - 1, _columns(described))
    steps = np.diff(ends)
    if ends[0] != 0 or ends[-1] != data.size or indices.size != data.size or (steps < 0).any():
        raise ValueError("operator.indptr: found row ends that do not fit the entries")
    if not ((indices >= 0) & (indices < shape[1])).all():
        raise ValueError("operator.indices: found indices outside the columns")
    rows, matrix = np.repeat(np.arange(shape[0]), steps), np.zeros(shape)
    if np.unique(rows * shape[1] + indices).size != data.size:
        raise ValueError("operator.indices: found an entry twice")
    matrix[rows, indices] = data
    return matrix


def _blocks(described: Mapping[str, Any], arrays: Arrays) -> list[np.ndarray]:
    """The matrices of the blocks of a structure."""
    blocks = described.get("blocks")
    if not isinstance(blocks, list) or not 0 < len(blocks) <= _MOST_BLOCKS:
        raise ValueError(f"operator.blocks: found {type(blocks).__name__}, expected a list of structures")
    parts: list[dict[str, np.ndarray]] = [{} for _ in blocks]
    for name, array in arrays.items():
        number, _, rest = name.partition("/")
        if not number.isdecimal() or int(number) >= len(blocks) or not rest:
            raise ValueError(f"operator: found the array {name!r}, which belongs to no block")
        parts[int(number)][rest] = array
    return [dense_matrix(block, part) for block, part in zip(blocks, parts)]


def _block_diagonal(described: Mapping[str, Any], arrays: Arrays) -> np.ndarray:
    matrices = _blocks(described, arrays)
    sizes = np.cumsum([(0, 0), *(m.shape for m in matrices)], axis=0)
    matrix = np.zeros(_allowed(int(sizes[-1, 0]), int(sizes[-1, 1])))
    for part, (top, left) in zip(matrices, sizes):
        matrix[top : top + part.shape[0], left : left + part.shape[1]] = part
    return matrix


def _stack(described: Mapping[str, Any], arrays: Arrays) -> np.ndarray:
    matrices = _blocks(described, arrays)
    if len({matrix.shape[1] for matrix in matrices}) != 1:
        raise ValueError("operator.blocks: found different numbers of columns above one another")
    _allowed(sum(matrix.shape[0] for matrix in matrices), matrices[0].shape[1])
    return np.concatenate(matrices)


def _product(described: Mapping[str, Any], arrays: Arrays) -> np.ndarray:
    parts: dict[str, dict[str, np.ndarray]] = {"left": {}, "right": {}}
    for name, array in arrays.items():
        side, _, rest = name.partition("/")
        if side not in parts or not rest:
            raise ValueError(f"operator: found the array {name!r}, which belongs to no factor")
        parts[side][rest] = array
    left, right = (described.get(side) for side in parts)
    if (weights := _one_entry_each(left, parts["left"])) is not None:
        (places, factors, width), matrix = weights, dense_matrix(right, parts["right"])
        if matrix.shape[0] != width:
            raise ValueError(
                f"operator: found factors of {width} columns and {matrix.shape[0]} rows, expected equal ones"
            )
        return _finite(matrix[places], factors[:, None])
    if (weights := _one_entry_each(right, parts["right"])) is None:
        raise ValueError("operator: found a product in which no factor picks or weighs, expected a mask or a diagonal")
    (places, factors, width), matrix = weights, dense_matrix(left, parts["left"])
    if matrix.shape[1] != places.size or np.unique(places).size != places.size:
        raise ValueError("operator.right: found rows that do not fit the left factor, or repeat")
    product = np.zeros(_allowed(matrix.shape[0], width))
    product[:, places] = _finite(matrix, factors)
    return product


def _one_entry_each(described: Any, arrays: Arrays) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Place and value of the one entry in each row of a mask or a diagonal, and the columns; None for other kinds."""
    kind = described.get("kind") if isinstance(described, dict) else None
    if kind == "mask":
        rows = _selection(described, arrays)
        return rows.indices, np.ones(rows.indices.size), rows.columns
    if kind == "diagonal":
        (entries,) = _take(arrays, "a diagonal", entries=1)
        return np.arange(entries.size), entries, entries.size
    return None


def _dense(described: Mapping[str, Any], arrays: Arrays) -> np.ndarray:
    (matrix,) = _take(arrays, "a matrix", A=2)
    _allowed(*matrix.shape)
    return matrix


_READERS: dict[str, Callable[[Mapping[str, Any], Arrays], np.ndarray]] = {
    "mask": _mask,
    "diagonal": _diagonal,
    "circulant": _circulant,
    "separable": _separable,
    "sparse": _sparse,
    "block-diagonal": _block_diagonal,
    "stack": _stack,
    "product": _product,
    "dense": _dense,
}
