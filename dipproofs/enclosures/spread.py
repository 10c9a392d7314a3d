"""How far the members of a symmetric interval matrix are from its midpoint, in the three ways eigenvalues need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dipproofs.enclosures.norms import euclidean, operator_upper
from dipproofs.enclosures.rounding import TINY, Array, inflation


class Radius(Protocol):
    """Radii R ≥ 0 of a symmetric matrix: every member E + mid has |E| ≤ R."""

    @property
    def is_finite(self) -> bool:
        """Whether every radius is."""

    def spread(self, weights: Array) -> Array:
        """A vector s with −diag(s) ⪯ E ⪯ diag(s): s = (R d)/d for positive weights d."""

    def quadratic(self, x: Array) -> float:
        """Upper bound of |x|ᵀR|x|."""

    def diagonal(self) -> Array:
        """Upper bounds of the diagonal of R."""

    def norm(self) -> float:
        """Upper bound of ‖E‖."""

    def shifted(self, exponent: int) -> Radius:
        """The radii times 2^exponent, rounded up."""


@dataclass(frozen=True)
class Entrywise:
    """Radii as a matrix (n, n)."""

    rad: Array

    @property
    def is_finite(self) -> bool:
        return bool(np.isfinite(self.rad).all())

    def spread(self, weights: Array) -> Array:
        n = weights.size
        with np.errstate(over="ignore", invalid="ignore"):
            underflow = TINY * (n + 1) * (1 + 1 / weights.min())
            return np.asarray((self.rad @ weights) / weights * inflation(n + 6) + underflow)

    def quadratic(self, x: Array) -> float:
        absolute = np.abs(x)
        return float(absolute @ (self.rad @ absolute)) * inflation(2 * x.size + 6)

    def diagonal(self) -> Array:
        return np.diagonal(self.rad)

    def norm(self) -> float:
        return operator_upper(self.rad)

    def shifted(self, exponent: int) -> Entrywise:
        return Entrywise(np.ldexp(self.rad, exponent) + TINY)


@dataclass(frozen=True)
class RankOne:
    """Radii R_ij = factor·b_i·b_j + absolute: what a Gram matrix of exact rows has, without a matrix of radii.

    Args:
        factor: from 0 to 1. weights: (n,) b ≥ 0. absolute: ≥ 0, covers underflow.

    Notes:
        Every sum below has n non-negative terms, hence a relative error below γ_{n+2}, whatever the order; an
        underflow loses at most `TINY` per operation. Proved.

    Example:
        >>> import numpy as np
        >>> radius = RankOne(0.5, np.array([1.0, 2.0]), 0.0)
        >>> dense = Entrywise(0.5 * np.outer([1.0, 2.0], [1.0, 2.0]))
        >>> bool((radius.spread(np.ones(2)) >= [1.5, 3.0]).all()), radius.norm() >= 2.5, dense.norm() >= 2.5
        (True, True, True)
    """

    factor: float
    weights: Array
    absolute: float

    @property
    def is_finite(self) -> bool:
        return bool(np.isfinite(self.weights).all() and np.isfinite(self.factor) and np.isfinite(self.absolute))

    def spread(self, weights: Array) -> Array:
        n = weights.size
        with np.errstate(over="ignore", invalid="ignore"):
            product = float(self.weights @ weights) * self.factor
            rest = self.absolute * float(weights.sum())
            underflow = TINY * (n + 4) * (1 + 1 / weights.min()) * (2 + float(self.weights.max(initial=0.0)))
            return np.asarray((self.weights * product + rest) / weights * inflation(n + 8) + underflow)

    def quadratic(self, x: Array) -> float:
        absolute = np.abs(x)
        n = x.size
        first = (float(self.weights @ absolute) + n * TINY) ** 2 * self.factor
        second = float(absolute.sum()) ** 2 * self.absolute
        return (first + second) * inflation(2 * n + 10) + 4 * TINY

    def diagonal(self) -> Array:
        return (self.factor * self.weights * self.weights + self.absolute) * inflation(6) + 4 * TINY

    def norm(self) -> float:
        size = float(euclidean(self.weights)[1])
        return (self.factor * size * size + self.weights.size * self.absolute) * inflation(8) + 4 * TINY

    def shifted(self, exponent: int) -> RankOne:
        with np.errstate(under="ignore", over="ignore"):
            b = np.ldexp(self.weights, -(-exponent // 2)) + TINY
            return RankOne(self.factor, b, float(np.ldexp(self.absolute, exponent)) + TINY)
