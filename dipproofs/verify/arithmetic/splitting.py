"""Matrices as sums of integer parts, multiplied exactly by BLAS, and what is cut off (docs/theory.md §8).

X = Σ_ℓ 2^{20ℓ}·X_ℓ + E with integer-valued float64 matrices |X_ℓ| ≤ 2^19 and a bound of ‖E‖_F in Arb. A product of
parts over an inner dimension of at most 2^11 has entries, and partial sums of entries, that are integers of size at
most 2^49, and fewer than sixteen of them are added: float64 matrix products of parts are *exact*, for every order of
summation. Nothing is assumed about rounding, only that BLAS adds products of entries (no Strassen). What is below
2^−``precision`` of the norm is cut off and its Frobenius norm carried in E. Splitting into error-free products: Ozaki,
Ogita, Oishi, Rump (2012).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from operator import matmul, mul
from typing import Any, cast

import numpy as np
from flint import arb

from dipproofs.verify.arithmetic.expressions import upper
from dipproofs.verify.arithmetic.rounded import COARSE, Rounded, rounded

BITS, INNER, MOST, FINE = 20, 2**11, 7, 128
#: As many products of parts may be added to one level and stay below 2^53.
ADDED = 15
Levels = dict[int, np.ndarray]
_SLACK = 1 + 2.0**-18
#: Entries of a column that are smaller are error: exponents without a bound take as much memory as they say.
_LEAST = arb(2) ** -4096


@lru_cache(maxsize=512)
def _weight(level: int) -> arb:
    return arb(2) ** (BITS * level)


def _norm(x: np.ndarray) -> arb:
    """Upper bound of the Frobenius norm of integers ≤ 2^19: a float sum of 2^30 squares errs by less than 2⁻²⁰."""
    return arb(math.sqrt(np.vdot(x, x)) * _SLACK)


def _carried(levels: Levels) -> Levels:
    """The same sum of integers with every |part| ≤ 2^19; carries go upwards and are exact below 2^53."""
    done, pending = {}, dict(levels)
    while pending:
        x = pending.pop(level := min(pending))
        if (most := np.maximum.reduce(np.abs(x), axis=None, initial=0.0)) > 2.0 ** (BITS - 1):
            carry = np.rint(x * 2.0**-BITS)
            x = x - carry * 2.0**BITS
            pending[level + 1] = pending[level + 1] + carry if level + 1 in pending else carry
            most = np.maximum.reduce(np.abs(x), axis=None)
        if most:
            done[level] = x
    return done


def _split(rest: np.ndarray) -> tuple[Levels, arb]:
    """The parts of floats, and a bound of what is lost; each remainder is exact."""
    level = math.ceil((int(np.frexp(rest)[1][rest != 0].max(initial=-2000)) + 1) / BITS) - 1
    lost = arb(rest.size if level > 0 else 0) * arb(2) ** -1074 * _weight(level)  # underflow when scaled down
    levels: Levels = {}
    rest = np.ldexp(rest, -BITS * level)
    while len(levels) < MOST and rest.any():
        levels[level] = np.rint(rest)
        rest = np.ldexp(rest - levels[level], BITS)
        level -= 1
    return levels, lost + arb(rest.size).sqrt() * float(np.abs(rest).max(initial=0.0)) * _weight(level)


class Matrix:
    """A matrix of reals, known up to an error in the Frobenius norm.

    Args:
        shape: rows, columns.
        levels: integer-valued float64 parts by level.
        error: bound of ‖E‖_F.
        precision: bits below the norm that are kept.

    Example:
        >>> X = Matrix.of(np.array([[0.1, 0.2]]))
        >>> ((X @ X.T).entries()[0] - arb(0.1) ** 2 - arb(0.2) ** 2).contains(0)  # of the floats as they are
        True
    """

    #: The floats that this is exactly, where it was made of some.
    source: np.ndarray | None = None

    def __init__(self, shape: tuple[int, int], levels: Levels, error: arb, precision: int) -> None:
        levels = _carried(levels)
        self.norms = {level: _norm(x) * _weight(level) for level, x in levels.items()}
        least = sum(self.norms.values(), arb(0)) / 2**precision
        small = [level for level, size in self.norms.items() if size < least]
        self.shape, self.precision = shape, precision
        self.levels = {level: x for level, x in levels.items() if level not in small}
        self.error = upper(error + sum((self.norms.pop(level) for level in small), arb(0)))

    @property
    def size(self) -> arb:
        """Upper bound of the Frobenius norm."""
        return upper(sum(self.norms.values(), self.error))

    @classmethod
    def of(cls, array: np.ndarray, precision: int = FINE) -> Matrix:
        """Take an array of floats as the numbers they are (a vector as a column); each remainder is exact."""
        values = np.asarray(array, dtype=np.float64).reshape(len(array), -1)
        found = cls(values.shape, *_split(values), precision)
        found.source = values if found.error.is_zero() else None
        return found

    def like(self, array: np.ndarray) -> Matrix:
        """Take floats as the numbers they are, with as many bits kept."""
        return Matrix.of(array, self.precision)

    @classmethod
    def column(cls, entries: list[arb], precision: int = FINE) -> Matrix:
        """A column of balls: three floats each, scaled into their range, and a bound of what is left.

        Raises:
            ValueError: an entry that is not finite.
        """
        if not all(x.is_finite() for x in entries):
            raise ValueError("found numbers beyond every bound, expected finite ones")
        top = max((upper(abs(x)).max(_LEAST) for x in entries if not x.is_zero()), default=arb(1))
        shift = math.ceil(float(top.log() / arb(2).log()) / BITS)
        levels: Levels = {}
        error, rest = arb(0), [x / _weight(shift) for x in entries]
        for _ in range(3):
            part = [float(x.mid()) for x in rest]
            found, lost = _split(np.array(part)[:, None])
            for level, x in found.items():
                levels[level + shift] = levels[level + shift] + x if level + shift in levels else x
            error, rest = error + lost, [x - f for x, f in zip(rest, part)]
        error = sum((upper(abs(x)) for x in rest), error) * _weight(shift)
        return cls((len(entries), 1), levels, error if error.is_zero() else error.max(_LEAST), precision)

    @classmethod
    def stacked(cls, parts: list[Matrix]) -> Matrix:
        """The matrices below each other."""
        levels: Levels = {}
        for level in sorted({level for part in parts for level in part.levels}):
            levels[level] = np.vstack([part.levels.get(level, np.zeros(part.shape)) for part in parts])
        shape = (sum(part.shape[0] for part in parts), parts[0].shape[1])
        return cls(shape, levels, sum((part.error for part in parts), arb(0)), min(part.precision for part in parts))

    def _with(self, levels: Levels, error: arb, shape: tuple[int, int] | None = None) -> Matrix:
        return Matrix(shape or self.shape, levels, error, self.precision)

    def _but(self, **attributes: Any) -> Matrix:
        """The same parts, whose norms are known, with other attributes."""
        changed = object.__new__(type(self))
        changed.__dict__.update(self.__dict__, **attributes, source=None)
        return changed

    def to(self, precision: int) -> Matrix:
        """The same with fewer bits; a product keeps as many as its coarser factor. Of few bits, as `Rounded`."""
        return self._but(precision=precision) if precision > COARSE else cast("Matrix", rounded(self))

    def inflated(self, error: arb) -> Matrix:
        """The same with a larger error."""
        return self._but(error=upper(self.error + error))

    def exact(self) -> Matrix:
        """The matrix of the parts themselves."""
        return self._but(error=arb(0))

    @property
    def T(self) -> Matrix:
        """Transpose."""
        turned = {level: np.ascontiguousarray(x.T) for level, x in self.levels.items()}
        return self._but(levels=turned, shape=self.shape[::-1])

    def square(self) -> Matrix:
        """X Xᵀ."""
        return self @ self.T

    def _part(self, columns: slice) -> Matrix:
        levels = {level: np.ascontiguousarray(x[:, columns]) for level, x in self.levels.items()}
        return self._with(levels, self.error, (self.shape[0], len(range(self.shape[1])[columns])))

    def _combined(self, other: Matrix, shape: tuple[int, int], op: Callable[..., np.ndarray]) -> Matrix:
        """X op Y for a bilinear op with ‖X op Y‖_F ≤ ‖X‖_F‖Y‖_F whose integer results are exact."""
        if min(len(self.levels), len(other.levels)) > ADDED:
            raise ValueError(f"found {len(self.levels)} and {len(other.levels)} parts, expected at most {ADDED}")
        a, b = sum(self.norms.values(), arb(0)), sum(other.norms.values(), arb(0))
        levels: Levels = {}
        precision = min(self.precision, other.precision)
        error, least = self.error * (b + other.error) + a * other.error, a * b / 2**precision
        for i, x in self.levels.items():
            enough = least / self.norms[i]
            for j, y in other.levels.items():
                if other.norms[j] < enough:
                    error = error + self.norms[i] * other.norms[j]
                elif i + j in levels:
                    levels[i + j] += op(x, y)
                else:
                    levels[i + j] = op(x, y)
        return Matrix(shape, levels, error, precision)

    def __matmul__(self, other: Matrix) -> Matrix:
        if isinstance(other, Rounded):
            return cast("Matrix", rounded(self) @ other)
        shape, inner = (self.shape[0], other.shape[1]), self.shape[1]
        if inner <= INNER:
            return self._combined(other, shape, matmul)
        total, turned = self._with({}, arb(0), shape), other.T
        for part in (slice(start, start + INNER) for start in range(0, inner, INNER)):
            total = total + self._part(part)._combined(turned._part(part).T, shape, matmul)
        return total

    def __neg__(self) -> Matrix:
        turned = Matrix.__new__(Matrix)  # the norms are known
        turned.shape, turned.precision, turned.error, turned.norms = self.shape, self.precision, self.error, self.norms
        turned.levels = {level: -x for level, x in self.levels.items()}
        return turned

    def __add__(self, other: Matrix) -> Matrix:
        if isinstance(other, Rounded):
            return cast("Matrix", rounded(self) + other)
        levels = dict(self.levels)
        for level, y in other.levels.items():
            levels[level] = levels[level] + y if level in levels else y
        return self._with(levels, self.error + other.error)

    def __sub__(self, other: Matrix) -> Matrix:
        if isinstance(other, Rounded):
            return cast("Matrix", rounded(self) - other)
        return self + -other

    def times(self, factor: arb) -> Matrix:
        """Multiply by a scalar."""
        return self._combined(Matrix.column([factor]), self.shape, mul)

    def scaled(self, factors: list[arb]) -> Matrix:
        """Multiply column j by factors[j]."""
        return self._combined(Matrix.column(factors).T, self.shape, mul)

    def hstack(self, other: Matrix) -> Matrix:
        """The block matrix [self, other]."""
        pairs = {i: [x.levels.get(i, np.zeros(x.shape)) for x in (self, other)] for i in self.levels | other.levels}
        levels = {level: np.hstack(blocks) for level, blocks in pairs.items()}
        return self._with(levels, self.error + other.error, (self.shape[0], self.shape[1] + other.shape[1]))

    def entries(self) -> list[arb]:
        """Entries, row by row."""
        result = [arb(0, self.error)] * math.prod(self.shape)
        for level, x in self.levels.items():
            weight = _weight(level)
            result = [total + arb(int(n)) * weight for total, n in zip(result, x.ravel().tolist())]
        return result

    def floats(self) -> np.ndarray:
        """Nearby floats, without guarantee."""
        return sum((np.ldexp(x, BITS * i) for i, x in sorted(self.levels.items())), np.zeros(self.shape))

    def largest_column(self) -> arb:
        """The largest Euclidean norm of a column."""
        squares = Matrix.of(np.ones((1, self.shape[0]))) @ self._combined(self, self.shape, mul)
        largest = arb(0)
        for x in squares.entries():
            largest = largest.max(x)
        return largest.sqrt()

    def diagonal(self) -> list[arb] | None:
        """The diagonal, if everything else is exactly 0."""
        if not self.error.is_zero() or any((x != np.diag(np.diag(x))).any() for x in self.levels.values()):
            return None
        parts = {level: np.diag(x)[:, None] for level, x in self.levels.items()}
        return self._with(parts, arb(0), (self.shape[0], 1)).entries()


def rows_times(array: np.ndarray, right: Matrix, entries: int = 2**22) -> Matrix:
    """Multiply an array of exact floats with few columns, some rows at a time: their parts take four times its memory.

    Example:
        >>> product = rows_times(np.array([[0.5], [2.0]]), Matrix.of(np.array([[3.0]])), 1)
        >>> product.floats().tolist()
        [[1.5], [6.0]]
    """
    count = max(1, entries // array.shape[1])
    parts = [Matrix.of(array[start : start + count]) @ right for start in range(0, len(array), count)]
    return parts[0] if len(parts) == 1 else Matrix.stacked(parts)
