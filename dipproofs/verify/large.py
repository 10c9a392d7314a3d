"""The second path, for matrices too large for Arb: exact integer slices multiplied by BLAS.

A matrix is X = Σ_ℓ 2^{bℓ}·X_ℓ + E with integer-valued float64 matrices |X_ℓ| ≤ 2^{b−1} and a bound of ‖E‖_F.
A product over an inner dimension p ≤ 2^12 of slices with b = 20 has entries, and partial sums of entries, that are
integers of size at most p·2^38 ≤ 2^50, and up to five of them are added. So float64 matrix products of slices
are *exact*, for every order of summation and any threading of the classical algorithm; nothing is assumed about
rounding. Carries between slices are exact for the same reason. What is cut off (100 bits are kept, counted from
the largest entry and in whole slices) is bounded in the Frobenius norm and carried in E, in Arb. The splitting into
error-free products is due to Ozaki, Ogita, Oishi and Rump (2012). Good to 1e-10 up to condition numbers of 1e5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import matmul, mul

import numpy as np
from flint import arb

from .balls import upper

COUNT, BITS, INNER = 5, 20, 2**12
Levels = dict[int, np.ndarray]


def _weight(level: int) -> arb:
    return arb(2) ** (BITS * level)


def _norm(x: np.ndarray) -> arb:
    """Upper bound of the Frobenius norm: the float sum of 2^30 squares of numbers ≤ 1 errs by less than 2⁻²⁰."""
    top = float(np.abs(x).max(initial=0.0))
    if top == 0.0:
        return arb(0)
    return upper(arb(float(np.sum(np.square(x / top)))).sqrt() * top * (1 + arb(2) ** -19))


def _carried(levels: Levels) -> Levels:
    """The same sum of integers with every |slice| ≤ 2^{b−1}; carries go upwards and are exact below 2^53."""
    done, pending = {}, dict(levels)
    while pending:
        level = min(pending)
        x = pending.pop(level)
        carry = np.rint(x * 2.0**-BITS)
        if carry.any():
            x = x - carry * 2.0**BITS
            pending[level + 1] = pending[level + 1] + carry if level + 1 in pending else carry
        if x.any():
            done[level] = x
    return done


class Slices:
    """A matrix as exact integer slices with a bound of what was cut off (the methods of `balls.Balls`)."""

    def __init__(self, shape: tuple[int, int], levels: Levels, error: arb) -> None:
        levels = _carried(levels)
        top = max(levels, default=0)
        for level in [x for x in levels if x <= top - COUNT]:
            error = error + _norm(levels.pop(level)) * _weight(level)
        self.shape, self.levels, self.error = shape, levels, upper(error)

    @classmethod
    def of(cls, array: np.ndarray) -> Slices:
        """Take a 2-D array of floats as the exact numbers they are; each remainder is exact."""
        rest = np.asarray(array, dtype=np.float64)
        top = math.ceil((int(np.frexp(rest)[1][rest != 0].max(initial=-2000)) + 1) / BITS) - 1
        rest, levels = np.ldexp(rest, -BITS * top), {}
        lost = arb(rest.size if top > 0 else 0) * arb(2) ** -1074 * _weight(top)  # underflow when scaled down
        for level in range(top, top - COUNT, -1):
            levels[level] = np.rint(rest)
            rest = np.ldexp(rest - levels[level], BITS)
        return cls(array.shape, levels, lost + _norm(rest) * _weight(top - COUNT))

    @classmethod
    def column(cls, entries: list[arb]) -> Slices:
        """One column of balls: two floats each, and a bound of what is left."""
        high = [float(x.mid()) for x in entries]
        low = [float((x - h).mid()) for x, h in zip(entries, high)]
        left = sum((arb(abs(x - h - s).upper()) for x, h, s in zip(entries, high, low)), arb(0))
        total = cls.of(np.array([high]).T) + cls.of(np.array([low]).T)
        return cls(total.shape, total.levels, total.error + left)

    @property
    def T(self) -> Slices:
        """Transpose."""
        levels = {level: np.ascontiguousarray(x.T) for level, x in self.levels.items()}
        return Slices(self.shape[::-1], levels, self.error)

    def _combined(self, other: Slices, shape: tuple[int, int], op: Callable[..., np.ndarray]) -> Slices:
        """X op Y for a bilinear op with ‖X op Y‖_F ≤ ‖X‖_F‖Y‖_F whose integer results are exact."""
        cut = max(self.levels, default=0) + max(other.levels, default=0) - COUNT
        left = {i: _norm(x) * _weight(i) for i, x in self.levels.items()}
        right = {j: _norm(y) * _weight(j) for j, y in other.levels.items()}
        a, b = sum(left.values(), arb(0)), sum(right.values(), arb(0))
        levels: Levels = {}
        error = self.error * (b + other.error) + a * other.error
        for i, x in self.levels.items():
            for j, y in other.levels.items():
                if i + j > cut:
                    product = op(x, y)
                    levels[i + j] = levels[i + j] + product if i + j in levels else product
                else:
                    error = error + left[i] * right[j]
        return Slices(shape, levels, error)

    def _columns(self, part: slice) -> Slices:
        return Slices(
            (self.shape[0], len(range(self.shape[1])[part])),
            {level: np.ascontiguousarray(x[:, part]) for level, x in self.levels.items()},
            self.error,
        )

    def __matmul__(self, other: Slices) -> Slices:
        shape = (self.shape[0], other.shape[1])
        if self.shape[1] <= INNER:
            return self._combined(other, shape, matmul)
        parts = [slice(start, start + INNER) for start in range(0, self.shape[1], INNER)]
        turned, total = other.T, Slices(shape, {}, arb(0))
        for part in parts:
            total = total + self._columns(part)._combined(turned._columns(part).T, shape, matmul)
        return total

    def __add__(self, other: Slices) -> Slices:
        levels = dict(self.levels)
        for level, y in other.levels.items():
            levels[level] = levels[level] + y if level in levels else y
        return Slices(self.shape, levels, self.error + other.error)

    def __sub__(self, other: Slices) -> Slices:
        return self + Slices(other.shape, {level: -y for level, y in other.levels.items()}, other.error)

    def times(self, factor: arb) -> Slices:
        """Multiply by a scalar."""
        return self._combined(Slices.column([factor]), self.shape, mul)

    def scaled(self, factors: list[arb]) -> Slices:
        """Multiply column j by factors[j]."""
        return self._combined(Slices.column(factors).T, self.shape, mul)

    def arbs(self) -> list[arb]:
        """Entries, row by row."""
        result = [arb(0, self.error)] * (self.shape[0] * self.shape[1])
        for level, x in self.levels.items():
            weight = _weight(level)
            result = [total + arb(int(n)) * weight for total, n in zip(result, x.ravel().tolist())]
        return result

    def mid(self) -> np.ndarray:
        """Nearby floats, without guarantee."""
        return sum((np.ldexp(x, BITS * i) for i, x in sorted(self.levels.items())), np.zeros(self.shape))

    def exact(self) -> Slices:
        """The matrix of the slices themselves."""
        return Slices(self.shape, self.levels, arb(0))

    def frobenius(self) -> arb:
        """Upper bound of the Frobenius norm."""
        return upper(sum((_norm(x) * _weight(i) for i, x in self.levels.items()), self.error))

    def largest_column(self) -> arb:
        """The largest Euclidean norm of a column."""
        squares = Slices.of(np.ones((1, self.shape[0]))) @ self._combined(self, self.shape, mul)
        largest = arb(0)
        for x in squares.arbs():
            largest = largest.max(x)
        return largest.sqrt()

    def diagonal(self) -> list[arb] | None:
        """The diagonal, if everything else is exactly 0."""
        exact = self.error.is_zero() and all(
            np.count_nonzero(x - np.diag(np.diag(x))) == 0 for x in self.levels.values()
        )
        if not exact:
            return None
        parts = {level: np.diag(x)[:, None] for level, x in self.levels.items()}
        return Slices((self.shape[0], 1), parts, arb(0)).arbs()

    def small_vector(self) -> Slices:
        """A vector that is nearly mapped to 0, a proposal."""
        return Slices.of(np.linalg.svd(self.mid())[0][:, -1:])

    def inverse(self) -> Slices:
        """Enclose the inverse: K⁻¹ = X + XR + XR²(I−R)⁻¹ with R = I − KX; raises where ‖R‖ < 1 is not reached."""
        identity, X = Slices.of(np.eye(self.shape[0])), Slices.of(np.linalg.inv(self.mid()))
        for _ in range(4):
            R = identity - self @ X
            defect = R.frobenius()
            if not defect < 1:
                raise ZeroDivisionError("invertibility is not proved")
            better = X + X @ R
            if defect < 1e-7:
                break
            X = better.exact()
        return Slices(self.shape, better.levels, better.error + X.frobenius() * defect**2 / (1 - defect))
