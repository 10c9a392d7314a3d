"""The forward operator A: an exact matrix, and a fast way to apply it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.arguments.arrays import exact_array, size_of
from dipproofs.errors import InputError
from dipproofs.operators.adapters.real_stacks import stack_vector
from dipproofs.operators.kernels import Arrays, DenseKernel, Kernel
from dipproofs.operators.structure import BlockDiagonal, Dense, Selection, Structure
from dipproofs.operators.structure.kernels import kernel_of

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped

LARGEST_MATRIX = 2**28
"""Entries of the largest matrix accepted (2 GiB in float64)."""


class Operator:
    """A real linear forward operator A: R^n → R^m.

    `to_dense()` is *the* operator: certificates are about exactly these stored numbers. `matvec` and
    `adjoint` are fast and work inside JAX transformations; their rounding never enters a proof.

    Args:
        matrix: (m, n) float32 or float64, or a function without arguments that gives it when first needed, or a
            `Structure`, from which norms, products and storage follow without a matrix.
        shape: (m, n).
        kernel: how JAX applies it; by default the dense matrix.
        arrays: the arrays the kernel works on.
        kind: a name for messages and reports.
        domain_shape: the shape of the signal as an image, or None.
        range_shape: the shape of a picture of the data, or None.
        range_indices: (m,) where each measurement belongs in that picture; by default it is full.
        complex_signal: x is a stack (Re x, Im x) of n/2 complex numbers.
        complex_data: y is a stack (Re y, Im y) of m/2 complex numbers.

    Raises:
        InputError: the matrix is empty, complex, not finite, zero, or not of the stated shape.

    Example:
        >>> operator = Operator(np.array([[1.0, 2.0], [0.0, 3.0]]))
        >>> operator.shape
        (2, 2)
        >>> operator.matvec(np.array([1.0, 1.0])), operator.adjoint(np.array([1.0, 1.0]))
        (array([3., 3.]), array([1., 5.]))
    """

    def __init__(
        self,
        matrix: Any,
        shape: tuple[int, int] | None = None,
        *,
        kernel: Kernel | None = None,
        arrays: Arrays | None = None,
        kind: str = "matrix",
        domain_shape: tuple[int, ...] | None = None,
        range_shape: tuple[int, ...] | None = None,
        range_indices: np.ndarray | None = None,
        complex_signal: bool = False,
        complex_data: bool = False,
    ) -> None:
        self.kind = kind
        self.complex_signal, self.complex_data = complex_signal, complex_data
        self._dense: np.ndarray | None = None
        self._structure: Structure | None = None
        if hasattr(matrix, "spectrum"):
            self._structure = _nonzero(matrix, kind)
            shape, kernel, arrays = _applied(matrix, kernel, arrays)
            matrix = matrix.dense
        self._make: Callable[[], Any] = matrix if callable(matrix) else lambda: matrix
        if callable(matrix):
            if shape is None:
                raise InputError("operator: a matrix given as a function needs its shape (rows, columns)")
            self.shape = (int(shape[0]), int(shape[1]))
        else:
            self._dense = _checked(matrix, kind, shape)
            self.shape = (self._dense.shape[0], self._dense.shape[1])
        if self._structure is None:
            check_size(*self.shape)
        self.domain_shape = domain_shape
        self.range_indices = None if range_indices is None else np.array(range_indices)
        self.range_shape = range_shape
        self.kernel: Kernel = DenseKernel() if kernel is None else kernel
        self._arrays = arrays

    @property
    def rows(self) -> int:
        """The number of measurements m."""
        return self.shape[0]

    @property
    def columns(self) -> int:
        """The number of unknowns n."""
        return self.shape[1]

    @property
    def data_count(self) -> int:
        """How many numbers, real or complex, the data have."""
        return self.rows // 2 if self.complex_data else self.rows

    @property
    def signal_count(self) -> int:
        """How many numbers, real or complex, a signal has."""
        return self.columns // 2 if self.complex_signal else self.columns

    @property
    def observed(self) -> np.ndarray | None:
        """The indices of the observed pixels if the operator is a mask, else None."""
        found = self._structure
        return found.indices if isinstance(found, Selection) and found.distinct else None

    @property
    def structure(self) -> Structure:
        """What is known beyond the entries; `Dense` where that is nothing."""
        return Dense(self.to_dense()) if self._structure is None else self._structure

    @property
    def is_dense(self) -> bool:
        """Whether the matrix is all that there is."""
        return self._structure is None

    @property
    def arrays(self) -> Arrays:
        """The arrays of `kernel`: pass them as traced arguments to jitted functions."""
        if self._arrays is None:
            self._arrays = (self.to_dense(),)
        return self._arrays

    def to_dense(self) -> Float[np.ndarray, "m n"]:
        """Give the exact matrix, (m, n) float32 or float64, read-only; built once."""
        if self._dense is None:
            check_size(*self.shape)
            self._dense = _checked(self._make(), self.kind, self.shape)
        return self._dense

    def matvec(self, x: Float[Any, " n *columns"]) -> Float[Any, " m *columns"]:
        """Apply A to x of shape (n,) or (n, j): NumPy in, NumPy out; JAX in, JAX out (also inside jit)."""
        if isinstance(x, np.ndarray):
            return self.structure.matvec(x)
        return _columnwise(self.kernel.apply, self.arrays, x)

    def adjoint(self, w: Float[Any, " m *columns"]) -> Float[Any, " n *columns"]:
        """Apply Aᵀ to w of shape (m,) or (m, j); see `matvec`."""
        if isinstance(w, np.ndarray):
            return self.structure.rmatvec(w)
        return _columnwise(self.kernel.adjoint, self.arrays, w)

    def signal_vector(self, values: Shaped[np.ndarray, "..."], name: str) -> Shaped[np.ndarray, " n"]:
        """Give a signal of any shape as a vector of R^n: row by row, and a complex one as its stack (Re x, Im x).

        Raises:
            InputError: another number of entries, or complex ones where the signal is real.
        """
        if self.complex_signal and values.ndim == 1 and values.size == self.columns and np.isrealobj(values):
            return values  # a stack already
        if values.size != self.signal_count:
            raise InputError(f"{name}: found {size_of(values)}, expected {self.signal_count} (the columns of A)")
        if np.iscomplexobj(values) and not self.complex_signal:
            raise InputError(
                f"{name}: found complex numbers, but the operator takes real signals; use "
                'as_operator(A, unknowns="complex")'
            )
        return stack_vector(values) if self.complex_signal else np.asarray(values.reshape(-1))

    def data_vector(self, values: Shaped[np.ndarray, "..."], name: str) -> Shaped[np.ndarray, " m"]:
        """Give data of any shape as a vector of R^m; for a mask also from a whole picture, of which it is seen.

        Raises:
            InputError: another number of entries.

        Example:
            >>> Operator(np.eye(2)).data_vector(np.array([[1.0], [2.0]]), "y")
            array([1., 2.])
        """
        if self.complex_data and values.ndim == 1 and values.size == self.rows and np.isrealobj(values):
            return values  # a stack already
        if values.size == self.data_count:
            flat = values.reshape(-1)
        elif self.observed is not None and values.size == self.signal_count:
            flat = values.reshape(-1)[self.observed]
        else:
            raise InputError(f"{name}: found {size_of(values)}, expected {self._data_wanted(values)}")
        if np.iscomplexobj(flat) and not self.complex_data:
            raise InputError(f"{name}: found complex numbers, expected real ones")
        return stack_vector(flat) if self.complex_data else np.asarray(flat)

    def _data_wanted(self, values: np.ndarray) -> str:
        m, n, shape = self.data_count, self.signal_count, self.range_shape
        if self.observed is None:
            wanted = f"{m} (the rows of A)"
        else:
            wanted, shape = f"{m} (the observed pixels) or {n} (the whole picture)", self.domain_shape
        if shape is None or values.ndim != 2 or math.prod(shape) not in (m, n):
            return wanted
        return f"{wanted}; the picture must be {' × '.join(map(str, shape))}, so resize or crop it before"

    def data_image(self, y: np.ndarray) -> np.ndarray | None:
        """Give y as a picture, NaN where nothing is measured; None if the data have no such form."""
        if self.range_shape is None:
            return None
        if self.range_indices is None:
            return np.asarray(y).reshape(self.range_shape)
        picture = np.full(self.range_shape, np.nan)
        picture.ravel()[self.range_indices] = y
        return picture

    def complexified(self) -> Operator:
        """Give the same map of complex signals: A of the real and of the imaginary part, (2m, 2n)."""
        if self.complex_signal or self.complex_data:
            return self
        return Operator(
            BlockDiagonal((self.structure, self.structure)),
            kind=self.kind,
            domain_shape=self.domain_shape,
            complex_signal=True,
            complex_data=True,
        )

    def __repr__(self) -> str:
        notes = ""
        if self.complex_data:
            n = self.columns // 2 if self.complex_signal else self.columns
            notes = f", complex {self.rows // 2}×{n}"
        elif self._dense is not None and self._dense.dtype == np.float32:
            notes = ", float32"
        return f"Operator({self.kind}, {self.rows}×{self.columns}{notes})"


def check_size(rows: int, columns: int) -> None:
    """Refuse matrices that no certificate could be made for, before memory runs out.

    Example:
        >>> check_size(10**6, 10**6)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: operator: found 1000000×1000000, expected at most 268435456 entries
    """
    if rows * columns > LARGEST_MATRIX:
        raise InputError(f"operator: found {rows}×{columns}, expected at most {LARGEST_MATRIX} entries")


def _nonzero(structure: Structure, kind: str) -> Structure:
    """Refuse the zero operator, and numbers that are not finite."""
    for name, array in structure.arrays().items():
        if array.dtype.kind != "f":
            continue
        if not exact_array(array, f"{kind} operator: {name}").any():
            raise InputError(f"{kind} operator: found the zero operator, expected at least one entry different from 0")
    return structure


def _applied(
    structure: Structure, kernel: Kernel | None, arrays: Arrays | None
) -> tuple[tuple[int, int], Kernel | None, Arrays | None]:
    """Shape of a structure, and how JAX applies it."""
    if kernel is None and (found := kernel_of(structure)) is not None:
        kernel, arrays = found
    return structure.shape, kernel, arrays


def _checked(matrix: Any, kind: str, shape: tuple[int, int] | None) -> np.ndarray:
    dense = exact_array(matrix, f"{kind} operator", ndim=2)
    if shape is not None and dense.shape != tuple(shape):
        raise InputError(f"{kind} operator: found a matrix of shape {dense.shape}, expected {tuple(shape)}")
    if not dense.any():
        raise InputError(f"{kind} operator: found the zero operator, expected at least one entry different from 0")
    dense.setflags(write=False)
    return dense


def _columnwise(function: Callable[[Arrays, Any], Any], arrays: Arrays, x: Any) -> Any:
    if x.ndim == 1:
        return function(arrays, x)
    import jax

    return jax.vmap(lambda column: function(arrays, column), in_axes=1, out_axes=1)(x)
