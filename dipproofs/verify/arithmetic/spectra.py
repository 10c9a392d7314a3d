"""Extreme eigenvalues of K = NNᵀ, by certificates that hold whatever LAPACK proposes (docs/theory.md §8)."""

from __future__ import annotations

import math
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, fmpz_mat

from dipproofs.verify.arithmetic.expressions import between, max_of, norm, root, upper
from dipproofs.verify.arithmetic.extremes import largest
from dipproofs.verify.arithmetic.preconditioned import (
    largest_of_rows,
    least_eigenvalue,
    lower_inverse,
    rounding_of_square,
    triangle_of,
)
from dipproofs.verify.arithmetic.rounded import Rounded, rounded
from dipproofs.verify.arithmetic.splitting import Matrix

_TIGHT, _QUICK = 1e-10, 8e-10
#: Above so many rows a quick arithmetic that does not suffice gives up, and does not try what is hopeless.
_FEW = 300
#: Entries whose squares are added in balls.
_MANY = 2**16


class Gram:
    """Enclosures of the eigenvalues of K = NNᵀ.

    From inside by Rayleigh quotients; from outside, for any lower-triangular L, by λ_max(K) ≤ τ + ‖τI − K − LLᵀ‖,
    since LLᵀ is positive semidefinite. Repeated eigenvalues do not matter.

    Args:
        N: m×n matrix.
        K: NNᵀ, if it is known.
        goal: relative radius of λ_min that suffices in the quick arithmetic; no less than it can give by itself.

    Example:
        >>> float(Gram(Matrix.of(np.diag([1.0, 2.0, 2.0]))).norm.mid())
        2.0
    """

    def __init__(self, N: Any, K: Any = None, goal: float = 0.0) -> None:
        self.N, self._given, self._goal = N, K, goal

    @cached_property
    def K(self) -> Any:
        """NNᵀ."""
        return self.N @ self.N.T if self._given is None else self._given

    @cached_property
    def diagonal(self) -> list[arb] | None:
        """The diagonal of K, if everything else is exactly 0."""
        known = getattr(self.N, "diagonal_of_gram", None)
        if known is None and isinstance(self.N, Rounded):
            return None  # its products have errors
        found: list[arb] | None = self.K.diagonal() if known is None or self._given is not None else known()
        return found

    @property
    def _tall(self) -> bool:
        """Whether NᵀN is smaller, and not yet known in the form NNᵀ."""
        return self._given is None and "K" not in self.__dict__ and self.N.shape[0] > self.N.shape[1]

    @cached_property
    def _proposed(self) -> tuple[arb, Matrix, np.ndarray, np.ndarray, np.ndarray]:
        """K/2^e near 1, which keeps the floats in range; its floats, and their eigenvalues and vectors."""
        unit = arb(2) ** round(float(self.K.size.log() / arb(2).log()))
        K = self.K.times(1 / unit)
        middle = K.floats()
        return unit, K, middle, *np.linalg.eigh((middle + middle.T) / 2)

    def _beyond(self, sign: int, goal: float = math.inf) -> arb:
        """Enclose the largest eigenvalue of ±K; of no use where it is not known to the goal."""
        if isinstance(self.K, Rounded):
            return largest(self.K, sign, goal)
        unit, K, middle, values, vectors = self._proposed
        K, one = K if sign > 0 else -K, np.eye(len(values))
        z = Matrix.of(vectors[:, -1:] if sign > 0 else vectors[:, :1])
        low, high = (z.T @ (K @ z)).entries()[0] / (z.T @ z).entries()[0], K.size
        for slack in (0.5, 8.0, 128.0):
            tau = max(sign * values) + slack * len(values) * 2.0**-53 * max(abs(values))
            try:
                L = Matrix.of(np.tril(np.linalg.cholesky(tau * one - sign * middle)), K.precision)
            except np.linalg.LinAlgError:
                continue
            high = high.min(tau + (Matrix.of(tau * one) - K - L @ L.T).size)
            break
        return between(low, high) * unit

    @cached_property
    def largest(self) -> arb:
        """λ_max(K), which is that of NᵀN."""
        if self._tall:
            return Gram(self.N.T).largest
        if self.diagonal is not None:
            return max_of(self.diagonal)
        return arb(0) if self.K.size.is_zero() else self._beyond(1)

    @cached_property
    def smallest(self) -> arb:
        """λ_min(K): as −λ_max(−K), or through W with ‖WᵀKW − I‖ ≤ β, by (1 ± β)/λ_max(WWᵀ)."""
        if self._tall:
            return arb(0)
        if self.diagonal is not None:
            return -max_of([-x for x in self.diagonal])
        if self.N.shape[0] > self.N.shape[1] or self.N.size.is_zero():
            return arb(0)
        if isinstance(self.N, Rounded):
            return self._quickly_smallest(self.N)
        direct = -self._beyond(-1)
        if direct > 0 and direct.rad() < _TIGHT * direct.mid():
            return direct
        if (found := orthonormalised(self.N, _TIGHT)) is not None:
            return arb(1, found[1]) / Gram(found[0]).largest
        return self._below_of_vector(direct)

    def _quickly_smallest(self, N: Rounded) -> arb:
        """λ_min(K) in the quick arithmetic, to the goal by the cheapest way that reaches it."""
        goal, known = max(self._goal, _QUICK), "K" in self.__dict__ or self._given is not None
        direct = arb(0, upper(N.size) ** 2)
        for way in ("direct", "plain") if known else ("plain", "direct"):
            if way == "direct":
                direct = -self._beyond(-1, goal if N.shape[0] > _FEW else math.inf)
                if direct > 0 and direct.rad() < goal * direct.mid():
                    return direct
            elif (plain := least_eigenvalue(N, goal, self.K.values if known else None)) is not None:
                return plain
        if (found := orthonormalised(N, max(_TIGHT, goal / 4))) is not None:
            W = found[0]
            enough = 4 * rounding_of_square(*W.shape) < goal
            above = largest_of_rows(W.values) if enough else Gram(W).largest
            return arb(1, found[1]) / above
        if N.shape[0] > _FEW:  # what comes now costs more than more bits do
            return between(arb(0), upper(direct))
        return self._below_of_vector(direct)

    def _below_of_vector(self, direct: arb) -> arb:
        """Bound λ_min from above by a vector that Nᵀ nearly maps to 0, and by what is known."""
        z = Matrix.of(np.linalg.svd(self.N.floats())[0][:, -1:])
        above = (frobenius(self.N.T @ z) / frobenius(z)) ** 2
        return between(arb(0), upper(above).min(upper(direct)))

    @property
    def norm(self) -> arb:
        """‖N‖."""
        return root(self.largest)

    @property
    def sigma(self) -> arb:
        """The smallest of as many singular values of N as it has rows."""
        return root(self.smallest)


def frobenius(X: Any) -> arb:
    """Enclose the Frobenius norm, entry by entry (`Matrix.size` bounds it); of many entries in floats, row by row.

    Example:
        >>> float(frobenius(Matrix.of(np.array([[3.0, 4.0]]))).mid())
        5.0
        >>> frobenius(Matrix.of(np.zeros((300, 300)))).is_zero()
        True
    """
    if X.size.is_zero():
        return arb(0)
    if X.shape[0] * X.shape[1] > _MANY:
        with suppress(ValueError):  # out of the range of plain floats
            return rounded(X).frobenius()
    return (norm(X.exact().entries()) + arb(0, X.error)).nonnegative_part()


def orthonormalised(N: Any, goal: float | None = None) -> tuple[Any, arb] | None:
    """Return W and β < goal (by default nearly all bits kept) with ‖WᵀNNᵀW − I‖ ≤ β, or None if that fails.

    W is proposed by QR, once more of WᵀN where that is not yet near orthonormal (condition numbers beyond 1e15). A step
    W' = W(3I−H)/2 with H = WᵀNNᵀW = I − E has H' − I = −¾E² − ¼E³ exactly.

    Example:
        >>> W, beta = orthonormalised(Matrix.of(np.diag([1.0, 0.5])))
        >>> bool(beta < 1e-30), orthonormalised(Matrix.of(np.zeros((2, 2)))) is None
        (True, True)
    """
    goal = 2.0 ** (8 - N.precision) if goal is None else goal
    one, three = (N.like(c * np.eye(N.shape[0])) for c in (1.0, 3.0))
    W, Z, H, beta, tries = one, N, one, arb(1), 2
    for _ in range(6):
        if beta < 0.5:
            W, beta = W @ (three - H).times(arb(0.5)), upper(beta**2 * (3 + beta) / 4)
            if beta < goal:
                return W, beta
        elif tries > 0:
            tries -= 1
            inverse = lower_inverse(triangle_of(Z.floats()))
            if inverse is None:
                return None
            W = N.like(inverse.T) if Z is N else W @ N.like(inverse.T)
        else:
            return None
        W = W.exact()
        Z = W.T @ N
        H = Z @ Z.T
        beta = (H - one).size
        if beta < goal:
            return W, beta
    return None


def exact_rank(A: np.ndarray) -> int:
    """The rank of a matrix of floats, in exact arithmetic.

    Example:
        >>> exact_rank(np.array([[0.1, 0.2], [0.2, 0.4]]))
        1
    """
    ratios = [value.as_integer_ratio() for value in A.ravel().tolist()]
    common = max(bottom for _, bottom in ratios)  # all are powers of two
    return int(fmpz_mat(*A.shape, [top * (common // bottom) for top, bottom in ratios]).rank())
