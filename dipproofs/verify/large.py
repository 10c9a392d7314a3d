"""The second path, for matrices too large for Arb: exact integer slices multiplied by BLAS.

A matrix is X = Σ_ℓ 2^{bℓ}·X_ℓ + E with integer-valued float64 matrices |X_ℓ| ≤ 2^{b−1} and a bound of ‖E‖_F.
A product over an inner dimension p ≤ 2^12 of slices with b = 20 has entries, and partial sums of entries, that are
integers of size at most p·2^38 ≤ 2^50, and fewer than eight of them are added. So float64 matrix products of slices
are *exact*, for every order of summation and any threading of the classical algorithm; nothing is assumed about
rounding. Carries between slices are exact for the same reason. What is cut off (less than 2^−64 of the norm; 2^−96 in
`FineSlices`) is
bounded in the Frobenius norm and carried in E, in Arb. The splitting into error-free products is due to Ozaki,
Ogita, Oishi and Rump (2012).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import matmul, mul

import numpy as np
from flint import arb

from .balls import upper

BITS, INNER, MOST = 20, 2**12, 7
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

    kept = 64
    fine: type[Slices]

    def __init__(self, shape: tuple[int, int], levels: Levels, error: arb) -> None:
        levels = _carried(levels)
        self.norms = {level: _norm(x) * _weight(level) for level, x in levels.items()}
        least = sum(self.norms.values(), arb(0)) / 2**self.kept
        small = [level for level, size in self.norms.items() if size < least]
        self.shape, self.levels = shape, {level: x for level, x in levels.items() if level not in small}
        self.error = upper(error + sum((self.norms.pop(level) for level in small), arb(0)))

    @classmethod
    def of(cls, array: np.ndarray) -> Slices:
        """Take a 2-D array of floats as the exact numbers they are; each remainder is exact."""
        rest = np.asarray(array, dtype=np.float64)
        level = math.ceil((int(np.frexp(rest)[1][rest != 0].max(initial=-2000)) + 1) / BITS) - 1
        lost = arb(rest.size if level > 0 else 0) * arb(2) ** -1074 * _weight(level)  # underflow when scaled down
        levels: Levels = {}
        rest = np.ldexp(rest, -BITS * level)
        while len(levels) < MOST and rest.any():
            levels[level] = np.rint(rest)
            rest = np.ldexp(rest - levels[level], BITS)
            level -= 1
        return cls(array.shape, levels, lost + _norm(rest) * _weight(level))

    @classmethod
    def column(cls, entries: list[arb]) -> Slices:
        """One column of balls: two floats each, and a bound of what is left."""
        high = [float(x.mid()) for x in entries]
        low = [float((x - h).mid()) for x, h in zip(entries, high)]
        left = sum((arb(abs(x - h - s).upper()) for x, h, s in zip(entries, high, low)), arb(0))
        total = cls.of(np.array([high]).T) + cls.of(np.array([low]).T)
        return cls(total.shape, total.levels, total.error + left)

    def beside(self, other: Slices) -> Slices:
        """The block matrix [self, other]."""
        shape = (self.shape[0], self.shape[1] + other.shape[1])
        left, right = (
            {**dict.fromkeys(b.levels, np.zeros(x.shape)), **x.levels} for x, b in ((self, other), (other, self))
        )
        levels = {level: np.hstack([left[level], right[level]]) for level in left}
        return type(self)(shape, levels, self.error + other.error)

    @property
    def T(self) -> Slices:
        """Transpose."""
        levels = {level: np.ascontiguousarray(x.T) for level, x in self.levels.items()}
        return type(self)(self.shape[::-1], levels, self.error)

    def _combined(self, other: Slices, shape: tuple[int, int], op: Callable[..., np.ndarray]) -> Slices:
        """X op Y for a bilinear op with ‖X op Y‖_F ≤ ‖X‖_F‖Y‖_F whose integer results are exact."""
        a, b = sum(self.norms.values(), arb(0)), sum(other.norms.values(), arb(0))
        levels: Levels = {}
        error, least = self.error * (b + other.error) + a * other.error, a * b / 2**self.kept
        for i, x in self.levels.items():
            for j, y in other.levels.items():
                size = self.norms[i] * other.norms[j]
                if size < least:
                    error = error + size
                    continue
                product = op(x, y)
                levels[i + j] = levels[i + j] + product if i + j in levels else product
        return type(self)(shape, levels, error)

    def _columns(self, part: slice) -> Slices:
        return type(self)(
            (self.shape[0], len(range(self.shape[1])[part])),
            {level: np.ascontiguousarray(x[:, part]) for level, x in self.levels.items()},
            self.error,
        )

    def __matmul__(self, other: Slices) -> Slices:
        shape = (self.shape[0], other.shape[1])
        if self.shape[1] <= INNER:
            return self._combined(other, shape, matmul)
        parts = [slice(start, start + INNER) for start in range(0, self.shape[1], INNER)]
        turned, total = other.T, type(self)(shape, {}, arb(0))
        for part in parts:
            total = total + self._columns(part)._combined(turned._columns(part).T, shape, matmul)
        return total

    def __add__(self, other: Slices) -> Slices:
        levels = dict(self.levels)
        for level, y in other.levels.items():
            levels[level] = levels[level] + y if level in levels else y
        return type(self)(self.shape, levels, self.error + other.error)

    def __sub__(self, other: Slices) -> Slices:
        return self + type(self)(other.shape, {level: -y for level, y in other.levels.items()}, other.error)

    def times(self, factor: arb) -> Slices:
        """Multiply by a scalar."""
        return self._combined(self.column([factor]), self.shape, mul)

    def scaled(self, factors: list[arb]) -> Slices:
        """Multiply column j by factors[j]."""
        return self._combined(self.column(factors).T, self.shape, mul)

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
        return type(self)(self.shape, self.levels, arb(0))

    def frobenius(self) -> arb:
        """Upper bound of the Frobenius norm."""
        return upper(sum(self.norms.values(), self.error))

    def largest_column(self) -> arb:
        """The largest Euclidean norm of a column."""
        squares = self.of(np.ones((1, self.shape[0]))) @ self._combined(self, self.shape, mul)
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
        return type(self)((self.shape[0], 1), parts, arb(0)).arbs()

    def small_vector(self) -> Slices:
        """A vector that is nearly mapped to 0, a proposal."""
        return Slices.of(np.linalg.svd(self.mid())[0][:, -1:])


class FineSlices(Slices):
    """The same with more bits, for ill-conditioned matrices."""

    kept = 96


Slices.fine = FineSlices.fine = FineSlices
