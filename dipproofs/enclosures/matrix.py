"""Matrices with error bounds: a midpoint and a radius for every entry, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import flint
import numpy as np
from numpy.typing import ArrayLike

from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.norms import euclidean, frobenius_upper, max_abs
from dipproofs.enclosures.radii import as_column, as_row, exact_array, outward, radius_norms, rounding_of_product
from dipproofs.enclosures.rounding import TINY, UNIT, Array
from dipproofs.errors import InputError


class IntervalMatrix:
    """All matrices (or vectors) X with |X − mid| ≤ rad entrywise.

    Args:
        mid: (m, n) or (n,) finite floats; float32 and integers up to 2⁵³ count as the exact numbers they are.
        rad: None (exact), or non-negative array of the same shape; inf means "unknown".

    Raises:
        InputError: Non-finite, complex or non-numeric entries, more than two dimensions, a bad radius.

    Notes:
        Operations return enclosures of the exact result over all members: proved, for IEEE 754 double
        precision with round-to-nearest and for every BLAS that computes an entry of a product as a sum of
        rounded (or fused) products in some order (Strassen-like products are excluded). Rounding errors of
        products are bounded by γ_p‖x_i‖‖y_j‖ (Higham, *Accuracy and Stability*, §3.5, with Cauchy–Schwarz),
        which costs no second product. Underflow is included, flushed to zero or not (`docs/theory.md §8`).

    Example:
        >>> import numpy as np
        >>> X = IntervalMatrix.from_exact(np.array([[0.1, 0.2], [0.3, 0.4]]))
        >>> G = X @ X.T
        >>> G.shape, bool((G.rad < 1e-15).all()), X.is_exact
        ((2, 2), True, True)
    """

    __slots__ = ("mid", "rad")
    __array_ufunc__ = None

    def __init__(self, mid: ArrayLike, rad: ArrayLike | None = None) -> None:
        self.mid: Array = exact_array(mid, "matrix")
        self.rad: Array | None = None
        if rad is not None:
            radius = np.asarray(rad, dtype=np.float64)
            if radius.shape != self.mid.shape or not bool((radius >= 0).all()):
                raise InputError(
                    f"matrix radius: found shape {radius.shape}, expected shape {self.mid.shape}, numbers ≥ 0"
                )
            self.rad = radius

    @classmethod
    def from_exact(cls, array: ArrayLike) -> IntervalMatrix:
        """The stored numbers, exactly (float32 or float64, finite)."""
        return cls(array)

    @classmethod
    def _make(cls, mid: Array, rad: Array | None) -> IntervalMatrix:
        """Wrap computed arrays; entries that overflowed become unknown."""
        result = cls.__new__(cls)
        if rad is not None and not (math.isfinite(float(rad.sum())) and math.isfinite(float(mid.sum()))):
            bad = ~(np.isfinite(mid) & np.isfinite(rad))
            if bad.any():
                mid, rad = np.where(bad, 0.0, mid), np.where(bad, math.inf, rad)
        result.mid, result.rad = mid, rad
        return result

    # --- looking at one ---------------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the matrix."""
        return self.mid.shape

    @property
    def ndim(self) -> int:
        """1 for a vector, 2 for a matrix."""
        return self.mid.ndim

    @property
    def is_exact(self) -> bool:
        """Whether every radius is 0."""
        return self.rad is None or not self.rad.any()

    @property
    def T(self) -> IntervalMatrix:
        """The transpose (a view)."""
        return self._make_view(self.mid.T, None if self.rad is None else self.rad.T)

    def __getitem__(self, index: Any) -> IntervalMatrix:
        """A part with at least one dimension left (a view where NumPy gives one)."""
        mid = self.mid[index]
        if np.ndim(mid) == 0:
            raise InputError("matrix: found an index of one entry, expected a row, column or block; use entry(i, j)")
        return self._make_view(mid, None if self.rad is None else self.rad[index])

    def entry(self, *index: int) -> Bound:
        """One entry as a Bound."""
        mid = Bound.exact(float(self.mid[index]))
        radius = 0.0 if self.rad is None else float(self.rad[index])
        return mid + Bound(-radius, radius)

    def bounds(self) -> tuple[Array, Array]:
        """Arrays of lower and upper bounds of the entries."""
        if self.rad is None:
            return self.mid, self.mid
        return np.nextafter(self.mid - self.rad, -np.inf), np.nextafter(self.mid + self.rad, np.inf)

    def radius(self) -> Array:
        """The radius as an array (zeros when exact)."""
        return np.zeros(self.shape) if self.rad is None else self.rad

    def __repr__(self) -> str:
        largest = 0.0 if self.rad is None or not self.rad.size else float(self.rad.max())
        return f"IntervalMatrix(shape={self.shape}, max radius={largest:.3g})"

    # --- sums and scalings ------------------------------------------------------------------------------
    def __neg__(self) -> IntervalMatrix:
        return self._make_view(-self.mid, self.rad)

    def __add__(self, other: IntervalMatrix) -> IntervalMatrix:
        return self._sum(other, 1)

    def __sub__(self, other: IntervalMatrix) -> IntervalMatrix:
        return self._sum(other, -1)

    def _sum(self, other: IntervalMatrix, sign: int) -> IntervalMatrix:
        if self.shape != other.shape:
            raise InputError(f"matrix sum: found shapes {self.shape} and {other.shape}, expected equal shapes")
        with np.errstate(over="ignore", invalid="ignore"):
            mid = self.mid + other.mid if sign > 0 else self.mid - other.mid
            rad = np.abs(mid)
            rad *= UNIT
            for part in (self.rad, other.rad):
                if part is not None:
                    rad += part
            return self._make(mid, outward(rad))

    def scale(self, factor: Bound | float | int) -> IntervalMatrix:
        """The matrix times an enclosed number."""
        number = Bound.coerce(factor)
        if number.is_point and number.lower == 1.0:
            return self
        vector = np.asarray(number.mid)
        rad = 0.0 if number.is_point else max((number - number.mid).upper, (number.mid - number).upper)
        return self._scaled(vector, np.asarray(rad) if rad else None)

    def scale_columns(self, factors: IntervalMatrix) -> IntervalMatrix:
        """X·diag(v): column j times v_j.

        Args:
            factors: (n,) vector.
        """
        self._need_factors(factors, 1)
        return self._scaled(factors.mid, factors.rad)

    def scale_rows(self, factors: IntervalMatrix) -> IntervalMatrix:
        """diag(v)·X: row i times v_i.

        Args:
            factors: (m,) vector.
        """
        self._need_factors(factors, 0)
        rad = None if factors.rad is None else factors.rad[:, None]
        return self._scaled(factors.mid[:, None], rad)

    def _need_factors(self, factors: IntervalMatrix, axis: int) -> None:
        if self.ndim != 2 or factors.shape != (self.shape[axis],):
            expected = f"({self.shape[axis]},)" if self.ndim == 2 else "a matrix to scale"
            raise InputError(f"matrix scaling: found factors of shape {factors.shape}, expected {expected}")

    def _scaled(self, mid: Array, rad: Array | None) -> IntervalMatrix:
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            product = self.mid * mid
            error = np.abs(product)
            error *= UNIT
            if rad is not None:
                error += np.abs(self.mid) * rad
            if self.rad is not None:
                error += self.rad * (np.abs(mid) if rad is None else np.abs(mid) + rad)
            # Four roundings above at most; a flushed input may lose TINY times the other factor.
            error = outward(error, 8, TINY * (2 + max_abs(np.atleast_1d(mid)) + max_abs(self.mid)))
            return self._make(product, error)

    # --- products ---------------------------------------------------------------------------------------
    def __matmul__(self, other: IntervalMatrix) -> IntervalMatrix:
        if not isinstance(other, IntervalMatrix):
            other = IntervalMatrix.from_exact(other)
        if self.shape[-1] != other.shape[0]:
            raise InputError(f"matrix product: found shapes {self.shape} and {other.shape}, expected (·, p) and (p, ·)")
        left = self if self.ndim == 2 else self._make_view(self.mid[None, :], as_row(self.rad))
        right = other if other.ndim == 2 else self._make_view(other.mid[:, None], as_column(other.rad))
        return _product(left, right)._reshaped(self.shape[:-1] + other.shape[1:])

    def gram(self) -> IntervalMatrix:
        """X Xᵀ, exactly symmetric in its midpoint."""
        return _product(self, self.T)

    def row_norms(self) -> tuple[Array, Array]:
        """Lower and upper bounds of the Euclidean norms of the rows."""
        return self._norms(1)

    def column_norms(self) -> tuple[Array, Array]:
        """Lower and upper bounds of the Euclidean norms of the columns (of a vector: its norm)."""
        return self._norms(0)

    def _norms(self, axis: int) -> tuple[Array, Array]:
        axis = 0 if self.ndim == 1 else axis
        lower, upper = euclidean(self.mid, axis)
        if self.rad is None:
            return lower, upper
        with np.errstate(over="ignore", invalid="ignore"):
            slack = radius_norms(self.rad, axis)
            return np.maximum(np.nextafter(lower - slack, -np.inf), 0.0), np.nextafter(upper + slack, np.inf)

    def norm_fro_upper(self) -> float:
        """Upper bound of the Frobenius norm."""
        upper = frobenius_upper(self.mid)
        if self.rad is None:
            return upper
        return math.nextafter(upper + float(radius_norms(self.rad, None)), math.inf)

    def apply_arb(self, function: Callable[[flint.arb], flint.arb], bits: int = 80) -> IntervalMatrix:
        """Apply a function of Arb balls to every entry, see `dipproofs.enclosures.elementwise.apply_arb`."""
        from dipproofs.enclosures.elementwise import apply_arb

        return apply_arb(function, self, bits)

    # --- inside -----------------------------------------------------------------------------------------
    @classmethod
    def _make_view(cls, mid: Array, rad: Array | None) -> IntervalMatrix:
        result = cls.__new__(cls)
        result.mid, result.rad = mid, rad
        return result

    def _reshaped(self, shape: tuple[int, ...]) -> IntervalMatrix:
        shape = shape or (1,)
        if self.shape == shape:
            return self
        return self._make_view(self.mid.reshape(shape), None if self.rad is None else self.rad.reshape(shape))


IntervalVector = IntervalMatrix
"""A one-dimensional `IntervalMatrix`."""


def _product(left: IntervalMatrix, right: IntervalMatrix) -> IntervalMatrix:
    """Enclosure of a product of two-dimensional interval matrices; one product of midpoints."""
    terms = left.shape[1]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        mid = left.mid @ right.mid
        rows, columns = euclidean(left.mid, 1)[1], euclidean(right.mid, 0)[1]
        parts_left, parts_right = [rows], [rounding_of_product(left.mid, right.mid) * columns]
        if right.rad is not None:
            slack = radius_norms(right.rad, 0)
            parts_right[0] = parts_right[0] + slack
            columns = columns + slack
        if left.rad is not None:
            parts_left.append(radius_norms(left.rad, 1))
            parts_right.append(columns)
        rad = np.stack(parts_left, axis=1) @ np.stack(parts_right)
        biggest = float(rows.max(initial=0.0)) + float(columns.max(initial=0.0))
        return IntervalMatrix._make(mid, outward(rad, 10, (terms + 2) * TINY * (2 + biggest)))
