"""An exact matrix that is made when its entries are looked at, so that masks of large pictures need none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dipproofs.enclosures import IntervalMatrix


class LazyMatrix(IntervalMatrix):
    """The exact matrix that a function gives; its shape is known before.

    Args:
        make: gives the matrix, finite floats. shape: (m, n).

    Example:
        >>> matrix = LazyMatrix(lambda: np.eye(2), (2, 2))
        >>> matrix.shape, (matrix @ IntervalMatrix.from_exact(np.ones(2))).mid.tolist()
        ((2, 2), [1.0, 1.0])
    """

    __slots__ = ("_dense", "_make_dense", "_shape")

    def __init__(self, make: Callable[[], np.ndarray], shape: tuple[int, int]) -> None:
        self._make_dense, self._shape = make, shape
        self._dense: np.ndarray | None = None
        self.rad = None

    @property
    def mid(self) -> np.ndarray:  # type: ignore[override]
        """The entries."""
        if self._dense is None:
            self._dense = IntervalMatrix.from_exact(self._make_dense()).mid
        return self._dense

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, without the entries."""
        return self._shape

    @property
    def ndim(self) -> int:
        """2."""
        return 2

    _make = IntervalMatrix._make
    _make_view = IntervalMatrix._make_view
