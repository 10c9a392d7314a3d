"""An inverse problem: recover x̄ from y = A x̄ + ε."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dipproofs.errors import InputError
from dipproofs.operators.adapt import as_operator
from dipproofs.operators.operator import Operator
from dipproofs.problems.arrays import exact_array


class InverseProblem:
    """The data of an inverse problem; every array is kept as exactly the numbers that were given.

    Args:
        A: the forward operator, (m, n): anything that `as_operator` accepts.
        y: (m,) float32 or float64, the observation.
        x_true: (n,) the signal x̄, if it is known.
        noise: ‖ε‖ if it is known, as a number ≥ 0, or ε itself, (m,). Left out, it is ‖y − A x̄‖ when x̄ is
            known. It is a nominal value: what is proved about noise uses enclosures made from the arrays.
        image_shape: (height, width) of the signal, for pictures only.
        name: what reports call the problem.

    Raises:
        InputError: wrong shapes, values that are complex or not finite, or a zero or empty operator.

    Example:
        >>> problem = InverseProblem(np.array([[1.0, 2.0]]), [3.0], x_true=[1.0, 1.0])
        >>> problem
        InverseProblem(matrix, m=1, n=2)
        >>> problem.noise_norm
        0.0
    """

    def __init__(
        self,
        A: Any,
        y: Any,
        x_true: Any = None,
        noise: Any = None,
        *,
        image_shape: tuple[int, ...] | None = None,
        name: str | None = None,
    ) -> None:
        self.operator: Operator = as_operator(A)
        m, n = self.operator.shape
        self.y: np.ndarray = _vector(y, "y", m, "the rows of A")
        self.x_true: np.ndarray | None = None if x_true is None else _vector(x_true, "x_true", n, "the columns of A")
        self.image_shape = _image_shape(image_shape or self.operator.domain_shape, n)
        self.name = name or self.operator.kind
        self.noise_norm: float | None = self._noise_norm(noise)

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n) of the operator."""
        return self.operator.shape

    def _noise_norm(self, noise: Any) -> float | None:
        if noise is None:
            if self.x_true is None:
                return None
            return float(np.linalg.norm(self.y - self.operator.matvec(self.x_true)))
        array = exact_array(noise, "noise")
        if array.ndim == 1:
            _length(array, self.operator.rows, "noise", "the rows of A")
            return float(np.linalg.norm(array))
        if array.ndim != 0 or array < 0:
            found = f"shape {array.shape}" if array.ndim else f"{float(array):g}"
            raise InputError(
                f"noise: found {found}, expected ‖ε‖ ≥ 0 as a number or ε as a vector of length {self.operator.rows}"
            )
        return float(array)

    def __repr__(self) -> str:
        m, n = self.operator.shape
        return f"InverseProblem({self.name}, m={m}, n={n})"


def _vector(value: Any, name: str, length: int, what: str) -> np.ndarray:
    array = _length(exact_array(value, name, ndim=1), length, name, what)
    array.setflags(write=False)
    return array


def _length(array: np.ndarray, length: int, name: str, what: str) -> np.ndarray:
    if array.shape[0] != length:
        raise InputError(f"{name}: found length {array.shape[0]}, expected {length} ({what})")
    return array


def _image_shape(shape: tuple[int, ...] | None, columns: int) -> tuple[int, ...] | None:
    if shape is None:
        return None
    if math.prod(shape) != columns:
        raise InputError(
            f"image_shape: found {tuple(shape)}, {math.prod(shape)} pixels, expected {columns} (the columns of A)"
        )
    return tuple(shape)
