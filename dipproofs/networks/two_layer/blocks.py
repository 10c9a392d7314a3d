"""X J JᵀXᵀ of the two-layer network, enclosed: the blocks that its singular values are read from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dipproofs.enclosures import Bound, Gram, IntervalMatrix, lambda_max, lambda_min, sigma_min
from dipproofs.enclosures.norms import max_abs, operator_upper
from dipproofs.enclosures.threads import both
from dipproofs.networks.two_layer.enclosure import HiddenLayer

#: A Gram matrix whose λ_min is known less well than this is replaced by its factor.
_GRAM_WIDTH = 1e-7


@dataclass(frozen=True, eq=False)
class Blocks:
    """X J JᵀXᵀ = N N ᵀ + w² X Xᵀ, N = (‖u‖/√k) X V diag(φ'), w = ‖φ(a)‖/√k, for a given X.

    Args:
        train: which of the two blocks there are.
        hidden: the hidden layer.
        XV: (r, k) X V.
        X: (r, n) X; not needed when its rows are orthonormal.
        orthonormal: X Xᵀ = I exactly, so that the outer block only shifts the spectrum of the inner one.
    """

    train: str
    hidden: HiddenLayer
    XV: IntervalMatrix
    X: IntervalMatrix | None
    orthonormal: bool

    @property
    def _root_k(self) -> Bound:
        return Bound.exact(self.XV.shape[1]).sqrt()

    @property
    def outer_factor(self) -> Bound:
        """w, or 0 when V is not trained."""
        return Bound.exact(0) if self.train == "inner" else self.hidden.norm_phi / self._root_k

    @cached_property
    def inner_factor(self) -> IntervalMatrix:
        """N."""
        return self.XV.scale_columns(self.hidden.dphi).scale(self.hidden.norm_u / self._root_k)

    @cached_property
    def inner_gram(self) -> IntervalMatrix:
        """N Nᵀ."""
        return self.inner_factor.gram()

    @cached_property
    def inner_smallest(self) -> Bound:
        """σ_min of N: exactly 0 when k is below the number of rows, or W is not trained."""
        rows, k = self.XV.shape
        if self.train == "outer" or k < rows:
            return Bound.exact(0)
        least = lambda_min(self.inner_gram)
        return least.sqrt() if _accurate(least) else _intersection(sigma_min(self.inner_factor), least)

    @cached_property
    def inner_largest(self) -> Bound:
        """‖N‖, through the smaller Gram matrix."""
        if self.train == "outer":
            return Bound.exact(0)
        rows, k = self.XV.shape
        if k >= rows:
            return lambda_max(self.inner_gram).nonnegative().sqrt()
        # with D = diag(φ'), its midpoint D₀ and XV within E of its midpoint X₀:
        # |‖XV·D‖ − ‖X₀D₀‖| ≤ ‖E‖·max|d_j| + ‖X₀‖·max|d_j − d_0j|
        d = self.hidden.dphi
        away = Bound.exact(0 if d.rad is None else max_abs(d.rad))
        whole, centre = self._narrow_norms
        slack = self._slack * (Bound.exact(max_abs(d.mid)) + away) + whole * away
        return (centre + Bound(-slack.upper, slack.upper)).nonnegative() * (self.hidden.norm_u / self._root_k)

    @cached_property
    def norm_XV(self) -> Bound:
        """‖XV‖, through the k×k Gram matrix: radii move a singular value by at most their norm."""
        slack = self._slack.upper
        return (self._narrow_norms[0] + Bound(-slack, slack)).nonnegative()

    @cached_property
    def _narrow_norms(self) -> tuple[Bound, Bound]:
        """‖X₀‖ and ‖X₀D₀‖ for the midpoints, through one k×k Gram matrix."""
        gram, factors, k = Gram.of_rows(self.XV.mid.T), self.hidden.dphi.mid, self.XV.shape[1]
        if self.train == "outer":
            return gram.largest().nonnegative().sqrt(), Bound.exact(0)
        squares = both(gram.largest, lambda: gram.scaled(factors).largest(), k**3 / 6)
        return squares[0].nonnegative().sqrt(), squares[1].nonnegative().sqrt()

    @cached_property
    def _slack(self) -> Bound:
        return Bound.exact(operator_upper(self.XV.rad))

    @cached_property
    def gram(self) -> IntervalMatrix:
        """The sum of both blocks, as a matrix."""
        outer = self.X.gram().scale(self.outer_factor * self.outer_factor) if self.X is not None else None
        if self.train == "outer" and outer is not None:
            return outer
        return self.inner_gram if outer is None or self.train == "inner" else self.inner_gram + outer

    def smallest(self) -> Bound:
        """σ_min of the factor of X J JᵀXᵀ."""
        if self.orthonormal:
            return (self.inner_smallest * self.inner_smallest + self.outer_factor * self.outer_factor).sqrt()
        if self.train == "inner":
            return self.inner_smallest
        least = lambda_min(self.gram)
        return least.sqrt() if _accurate(least) else _intersection(sigma_min(self._factor()), least)

    def largest(self) -> Bound:
        """Operator norm of the factor of X J JᵀXᵀ."""
        if self.orthonormal:
            return (self.inner_largest * self.inner_largest + self.outer_factor * self.outer_factor).sqrt()
        return self.inner_largest if self.train == "inner" else lambda_max(self.gram).nonnegative().sqrt()

    def _factor(self) -> IntervalMatrix:
        """[N, wX], whose singular values are the square roots."""
        if self.X is None:
            return self.inner_factor
        outer = self.X.scale(self.outer_factor)
        if self.train == "outer":
            return outer
        left = self.inner_factor
        return IntervalMatrix(np.hstack([left.mid, outer.mid]), np.hstack([left.radius(), outer.radius()]))


def _accurate(least: Bound) -> bool:
    return least.lower > 0 and least.relative_width < _GRAM_WIDTH


def _intersection(direct: Bound, square: Bound) -> Bound:
    return direct.intersect(square.nonnegative().sqrt())
