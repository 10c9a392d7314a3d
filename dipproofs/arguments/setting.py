"""What the parts of a problem file share while they are built."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from dipproofs.arguments.files import Arrays, read_arrays
from dipproofs.errors import InputError


@dataclass
class Setting:
    """Where files are looked up, and the image shape that the problem states.

    Args:
        directory: relative paths start here (the problem file's directory).
        shape: `signal.shape`, or None.
        operator_path: the operator's file when its kind is `file`, else None.
        dtype: the number format in which networks are initialised.
    """

    directory: Path
    shape: tuple[int, ...] | None = None
    operator_path: str | None = None
    dtype: str = "float64"
    _loaded: dict[str, Arrays] = field(default_factory=dict)

    def load(self, path: str) -> Arrays:
        """Give the arrays of a file named in the problem file; read once."""
        if path not in self._loaded:
            self._loaded[path] = read_arrays(self.directory / path, path)
        return self._loaded[path]

    def columns(self, columns: int | None) -> int:
        """Give n from `operator.columns` or `signal.shape`; they must agree."""
        if columns is None and self.shape is None:
            raise InputError("operator.columns: missing, expected an integer ≥ 1 (or signal.shape = [height, width])")
        if columns is None or self.shape is None:
            return columns if columns is not None else math.prod(self.shape or ())
        if math.prod(self.shape) != columns:
            raise InputError(
                f"operator.columns: found {columns}, but signal.shape = {list(self.shape)} has "
                f"{math.prod(self.shape)} entries; make them agree or leave one out"
            )
        return columns

    def image_shape(self, columns: int | None) -> tuple[int, ...]:
        """Give the signal's shape from `signal.shape`, or as a square of `operator.columns` pixels."""
        n = self.columns(columns)
        if self.shape is not None:
            return self.shape
        return square(n)


def square(n: int) -> tuple[int, int]:
    """Give (√n, √n).

    Example:
        >>> square(4096)
        (64, 64)
    """
    side = math.isqrt(n)
    if side * side != n:
        raise InputError(f"operator.columns: found {n}, not a perfect square; give signal.shape = [height, width]")
    return side, side
