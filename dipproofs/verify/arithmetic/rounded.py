"""Floats known up to an error in the Frobenius norm: the verifier's quick first arithmetic (docs/theory.md §8).

X = H + E, H of float64, ‖E‖_F bounded in Arb. For a product each factor is split, H = H₁ + H₂ exactly, H₁ of so few
bits that H₁K₁ is exact in float64 for every order of summation; the rest, H₁K₂ + H₂K, is smaller by these bits, and so
is the bound γ_p of its rounding. Two or three float64 products in place of the ten of `splitting`; an error near one
rounding of the result. What this cannot decide, `splitting` does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from dipproofs.verify.arithmetic.expressions import upper
from dipproofs.verify.arithmetic.floats import SMALLEST, UNIT, frobenius, gamma, lengths, most

#: What `precision` is for these matrices, in bits below the norm; `Matrix.to` of so few bits gives them.
COARSE = 46
#: Exponents of two between which products neither over- nor underflow by more than `SMALLEST`.
_RANGE = 200
#: Columns that are squared at a time.
_CHUNK = 4096


class Rounded:
    """A matrix of reals: floats and a bound of ‖E‖_F; with the interface of `splitting.Matrix`.

    Args:
        values: (m, n) float64. error: bound of ‖E‖_F. length: `floats.frobenius` of the values, where it is known.

    Raises:
        ValueError: numbers that are not finite, or too large or small to be squared.

    Example:
        >>> X = Rounded(np.array([[0.1, 0.2]]))
        >>> ((X @ X.T).entries()[0] - arb(0.1) ** 2 - arb(0.2) ** 2).contains(0)  # of the floats as they are
        True
    """

    precision = COARSE
    #: What this is the transpose of, if it was made as one: then a product of the two is symmetric.
    _of: Rounded | None = None

    def __init__(self, values: np.ndarray, error: arb | float = 0.0, length: float | None = None) -> None:
        self.values, self.shape = values, (values.shape[0], values.shape[1])
        self.error = arb(error) if isinstance(error, float) else upper(error)
        self.length = frobenius(values) if length is None else length
        if not self.error.is_finite() or not (self.length == 0 or 2.0**-_RANGE < self.length < 2.0**_RANGE):
            raise ValueError("found numbers too large or too small for the first arithmetic")

    @property
    def size(self) -> arb:
        """Upper bound of the Frobenius norm."""
        return upper(arb(self.length) + self.error)

    def like(self, array: np.ndarray) -> Rounded:
        """Take floats as the numbers they are."""
        return Rounded(np.asarray(array, np.float64))

    def to(self, precision: int) -> Rounded:
        """The same; there are no fewer bits to keep."""
        return self

    def inflated(self, error: arb) -> Rounded:
        """The same with a larger error."""
        return Rounded(self.values, self.error + error, self.length)

    def exact(self) -> Rounded:
        """The matrix of the floats themselves."""
        return Rounded(self.values, 0.0, self.length)

    @property
    def T(self) -> Rounded:
        """Transpose."""
        turned = Rounded(self.values.T, self.error, self.length)
        turned._of = self
        return turned

    def square(self) -> Rounded:
        """X Xᵀ."""
        return self @ self.T

    def _split(self, inner: int) -> tuple[np.ndarray, np.ndarray]:
        """H₁ + H₂ = H exactly; entries of H₁ are multiples of one unit, at most 2^bits of them."""
        bits = (53 - max(inner - 1, 1).bit_length()) // 2
        shift = math.frexp(most(self.values))[1]
        high = self.values * 2.0 ** (bits - shift)  # where that is inexact, it becomes 0 now
        np.rint(high, out=high)
        high *= 2.0 ** (shift - bits)
        return high, self.values - high

    def _chunks(self) -> list[Rounded] | None:
        """H some columns at a time, so that their halves take little memory; None if one is too small by itself."""
        try:
            return [Rounded(self.values[:, start : start + _CHUNK]) for start in range(0, self.shape[1], _CHUNK)]
        except ValueError:
            return None

    def __matmul__(self, right: Any) -> Rounded:
        other = rounded(right)
        inner = self.shape[1]
        carried = self.error * (other.length + other.error) + self.length * other.error + SMALLEST
        if other._of is self:
            return self._gram(carried)
        one, two = self._split(inner)
        first, second = other._split(inner)
        low = one @ second
        small = gamma(inner + 2) * (frobenius(one) * frobenius(second) + frobenius(two) * other.length)
        low += two @ other.values
        return _sum(one @ first, low, carried + small * (1 + 2.0**-40))

    def _gram(self, carried: arb) -> Rounded:
        """HHᵀ = H₁H₁ᵀ + C + Cᵀ with C = (H₁ + H₂/2)H₂ᵀ, exactly symmetric."""
        if self.shape[1] > _CHUNK and (parts := self._chunks()):
            total = parts[0] @ parts[0].T
            for part in parts[1:]:
                total = total + part @ part.T
            total.error = upper(total.error + carried)
            return total
        one, two = self._split(self.shape[1])
        product = one @ one.T
        one += two / 2  # a rounding of each entry
        low = one @ two.T
        small = 2 * gamma(self.shape[1] + 4) * frobenius(one) * frobenius(two)
        return _sum(product, low + low.T, carried + small * (1 + 2.0**-40))

    def __add__(self, other: Any) -> Rounded:
        other = rounded(other)
        return _sum(self.values, other.values, self.error + other.error)

    def __sub__(self, other: Any) -> Rounded:
        other = rounded(other)
        values = self.values - other.values
        length = frobenius(values)
        return Rounded(values, self.error + other.error + 2 * UNIT * arb(length), length)

    def times(self, factor: arb) -> Rounded:
        """Multiply by a scalar."""
        return self._by(np.array([float(factor.mid())]), [factor])

    def scaled(self, factors: list[arb]) -> Rounded:
        """Multiply column j by factors[j]."""
        return self._by(np.array([float(factor.mid()) for factor in factors]), factors)

    def _by(self, middles: np.ndarray, factors: list[arb]) -> Rounded:
        values = self.values * middles
        off, most_factor = arb(0), arb(0)
        for middle, factor in zip(middles.tolist(), factors, strict=True):
            off, most_factor = off.max(upper(abs(factor - middle))), most_factor.max(upper(abs(factor)))
        length = frobenius(values)
        error = off * self.length + self.error * most_factor + 2 * UNIT * arb(length) + SMALLEST
        return Rounded(values, error, length)

    def hstack(self, other: Any) -> Rounded:
        """The block matrix [self, other]."""
        other = rounded(other)
        return Rounded(np.hstack([self.values, other.values]), self.error + other.error)

    def entries(self) -> list[arb]:
        """Entries, row by row."""
        return [arb(x, self.error) for x in self.values.ravel().tolist()]

    def floats(self) -> np.ndarray:
        """Nearby floats, without guarantee."""
        return self.values

    def largest_column(self) -> arb:
        """The largest Euclidean norm of a column."""
        above = arb(float(lengths(np.ascontiguousarray(self.values.T)).max(initial=0.0)))
        return arb(above, above * (2 * gamma(self.shape[0] + 16) + 2.0**-43) + self.error + SMALLEST)

    def frobenius(self) -> arb:
        """Enclose the Frobenius norm."""
        above = arb(frobenius(lengths(self.values)))
        terms = self.shape[0] + self.shape[1]
        return arb(above, above * (2 * gamma(terms + 32) + 2.0**-42) + self.error + SMALLEST).nonnegative_part()

    def diagonal(self) -> list[arb] | None:
        """The diagonal, if everything else is exactly 0."""
        middle = np.diag(self.values)
        if not self.error.is_zero() or np.count_nonzero(self.values) != np.count_nonzero(middle):
            return None
        return [arb(x) for x in middle.tolist()]


def rounded(matrix: Any) -> Rounded:
    """Give any matrix of the verifier as floats and an error."""
    if isinstance(matrix, Rounded):
        return matrix
    if matrix.source is not None:
        return Rounded(matrix.source)
    middle: np.ndarray = matrix.floats()
    return Rounded(middle, (matrix - matrix.like(middle)).size)


def _sum(x: np.ndarray, y: np.ndarray, error: arb) -> Rounded:
    values = x + y
    length = frobenius(values)
    return Rounded(values, error + 2 * UNIT * arb(length), length)
