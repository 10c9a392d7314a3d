"""The arrays of a certificate whose operator has structure: no dense matrix is kept or written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from dipproofs.certificate.structure import SelectedRows, operator_of

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

    @property
    def forward(self) -> np.ndarray | SelectedRows:
        """The operator's matrix, which is not made for a mask."""
        mask = self.operator.get("kind") == "mask"
        return operator_of(self.operator, self._parts) if mask else self._matrix()

    def written(self) -> dict[str, np.ndarray]:
        """Give what a file holds: the parts of the operator in place of its matrix."""
        return self._arrays | {PREFIX + name: array for name, array in self._parts.items()}


def forward_of(arrays: Mapping[str, np.ndarray]) -> np.ndarray | SelectedRows | None:
    """Give the operator of a certificate's arrays, if it is known: its matrix, or a mask's rows.

    Example:
        >>> forward_of({"A": np.eye(2)}).shape, forward_of({})
        ((2, 2), None)
    """
    return arrays.forward if isinstance(arrays, StoredArrays) else arrays.get("A")
