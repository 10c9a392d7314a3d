"""The arrays of a certificate whose operator has structure: no dense matrix is kept or written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

PREFIX = "operator/"


class StoredArrays(Mapping[str, np.ndarray]):
    """Arrays by name, with the operator's matrix "A" made when it is asked for.

    Args:
        arrays: all but A.
        operator: the operator's structure as JSON (docs/reference/certificate.md).
        parts: the arrays that it consists of, by name.
        matrix: gives A.

    Example:
        >>> arrays = StoredArrays({}, {"kind": "mask", "columns": 2}, {"indices": np.array([1])}, lambda: np.eye(2)[1:])
        >>> sorted(arrays), sorted(arrays.written()), arrays["A"].tolist()
        (['A'], ['operator/indices'], [[0.0, 1.0]])
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        operator: Mapping[str, Any],
        parts: Mapping[str, np.ndarray],
        matrix: Callable[[], np.ndarray],
    ) -> None:
        self._arrays, self.operator, self._parts, self._matrix = dict(arrays), dict(operator), dict(parts), matrix

    def __getitem__(self, name: str) -> np.ndarray:
        return self._matrix() if name == "A" else self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        yield "A"
        yield from self._arrays

    def __len__(self) -> int:
        return 1 + len(self._arrays)

    def written(self) -> dict[str, np.ndarray]:
        """Give what a file holds: the parts of the operator in place of its matrix."""
        return self._arrays | {PREFIX + name: array for name, array in self._parts.items()}
