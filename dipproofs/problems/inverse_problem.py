"""An inverse problem: recover x̄ from y = A x̄ + ε."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.arguments.arrays import any_array
from dipproofs.errors import InputError, named_arguments
from dipproofs.operators.adapt import as_operator
from dipproofs.operators.adapters.real_stacks import unstack_vector
from dipproofs.operators.adapters.tabulate import picture_shape
from dipproofs.operators.operator import Operator

if TYPE_CHECKING:
    from jaxtyping import Float, Inexact


class InverseProblem:
    """The data of an inverse problem; every array is kept as exactly the numbers that were given.

    Args:
        A: the forward operator, (m, n): anything that `as_operator` accepts.
        y: m numbers, float32, float64 or complex, in an array, tensor or picture of any shape, taken row by row. With
            a mask, n numbers are restricted to the observed pixels.
        x_true: n numbers, the signal x̄, if it is known, in any shape.
        noise: ‖ε‖ if it is known, as a number ≥ 0, or ε itself, m numbers. Left out, it is ‖y − A x̄‖ when x̄ is
            known. It is a nominal value: what is proved about noise uses enclosures made from the arrays.
        image_shape: (height, width) of the signal, for pictures only; by default that of x_true.
        name: what reports call the problem.

    Raises:
        InputError: wrong sizes, values that are not finite, or a zero or empty operator.

    Notes:
        A complex problem becomes the real one of stacked parts: x = a + ib is (a, b), so that m, n count real numbers,
        and its picture is (2·height, width), the real part above the imaginary one. `signal` undoes it.

    Example:
        >>> problem = InverseProblem(np.array([[1.0, 2.0]]), [3.0], x_true=[1.0, 1.0])
        >>> problem
        InverseProblem(matrix, m=1, n=2)
        >>> problem.noise_norm
        0.0
        >>> InverseProblem(np.eye(2), [1.0, 2.0j])
        InverseProblem(matrix, m=4, n=4, complex)
    """

    y: Float[np.ndarray, " m"]
    x_true: Float[np.ndarray, " n"] | None

    @named_arguments
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
        operator = as_operator(A)
        data = any_array(y, "y")
        signal = None if x_true is None else any_array(x_true, "x_true")
        if np.iscomplexobj(data) or (signal is not None and np.iscomplexobj(signal) and not operator.complex_data):
            operator = operator.complexified()
        self.operator: Operator = operator
        self.y = _frozen(operator.data_vector(data, "y"))
        self.x_true = None if signal is None else _frozen(operator.signal_vector(signal, "x_true"))
        shape = image_shape or operator.domain_shape
        if shape is None and signal is not None and signal.size == operator.signal_count:
            shape = picture_shape(signal.shape)
        self.image_shape = _image_shape(shape, operator.signal_count, stacked=operator.complex_signal)
        self.data_shape: tuple[int, ...] | None = operator.range_shape
        if self.data_shape is None and data.size == self.y.size:
            self.data_shape = picture_shape(data.shape)
        self.name = name or operator.kind
        self.noise_norm: float | None = self._noise_norm(noise)

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n) of the operator."""
        return self.operator.shape

    @property
    def is_complex(self) -> bool:
        """Whether the signal is complex, so that vectors of R^n are stacks (Re x, Im x)."""
        return self.operator.complex_signal

    def signal(self, x: Float[np.ndarray, " n"]) -> Inexact[np.ndarray, "..."]:
        """Give a vector of R^n as the signal that it stands for: complex if that is, in its picture's shape.

        Example:
            >>> InverseProblem(np.eye(2), [1.0, 2.0j]).signal(np.array([1.0, 0.0, 0.0, 2.0])).tolist()
            [(1+0j), 2j]
        """
        if not self.is_complex:
            return x if self.image_shape is None else np.asarray(x.reshape(self.image_shape))
        values = unstack_vector(x)
        if self.image_shape is None:
            return values
        return values.reshape((self.image_shape[0] // 2, *self.image_shape[1:]))

    def _noise_norm(self, noise: Any) -> float | None:
        if noise is None:
            if self.x_true is None:
                return None
            return float(np.linalg.norm(self.y - self.operator.matvec(self.x_true)))
        array = any_array(noise, "noise")
        if array.ndim:
            return float(np.linalg.norm(self.operator.data_vector(array, "noise")))
        if not (np.isrealobj(array) and array >= 0):
            raise InputError(
                f"noise: found {array:g}, expected ‖ε‖ ≥ 0 as a number or ε as {self.operator.data_count} numbers"
            )
        return float(array)

    def __repr__(self) -> str:
        m, n = self.operator.shape
        return f"InverseProblem({self.name}, m={m}, n={n}{', complex' if self.is_complex else ''})"


def _frozen(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values


def _image_shape(shape: tuple[int, ...] | None, pixels: int, *, stacked: bool) -> tuple[int, ...] | None:
    if shape is None:
        return None
    if math.prod(shape) != pixels:
        raise InputError(
            f"image_shape: found {tuple(shape)}, {math.prod(shape)} pixels, expected {pixels} (the columns of A)"
        )
    return (2 * shape[0], *shape[1:]) if stacked else tuple(shape)
