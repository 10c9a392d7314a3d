"""What the verifier asks of a network about a method with a state: M = A ∂g/∂θ at the stored parameters.

A network that was read gives it (`verify.networks.base`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from flint import arb

from dipproofs.verify.arithmetic.expressions import root, upper
from dipproofs.verify.arithmetic.spectra import frobenius
from dipproofs.verify.arithmetic.splitting import Matrix

Balls = list[list[arb]]
ByEntry = dict[str, Callable[[int, int], Any]]
#: Up to this many rows a hint w ≈ K⁻¹r is made.
_ROWS = 2048


class State(Protocol):
    """M at the arrays of a certificate, and the residual r = v − y.

    Attributes:
        trained: names of the parameters. residual: (m, 1).
    """

    trained: tuple[str, ...]
    residual: Matrix

    def parameter(self, name: str) -> np.ndarray:
        """Return the stored array of a parameter."""

    def rows(self, array: np.ndarray) -> list[list[float]]:
        """Return the entries of an array of a parameter's shape as rows; what is by entry is by row and column."""

    def forward(self, D: Mapping[str, np.ndarray]) -> Matrix:
        """M D for exact arrays by parameter."""

    def normal(self, w: Matrix) -> Matrix:
        """M Mᵀw."""

    @property
    def gram(self) -> Matrix:
        """M Mᵀ, where Im(A) is everything."""

    def gradient(self, scale: arb) -> dict[str, Balls]:
        """scale·Mᵀr by parameter, as balls."""

    def column_norms(self) -> ByEntry:
        """‖M_{:,i}‖ by parameter and entry."""

    def idle(self) -> ByEntry:
        """Whether a column of M vanishes for every θ, by parameter and entry."""

    def ends_in_metric(self, P: Mapping[str, Balls]) -> tuple[arb, arb]:
        """σ_min on Im(A) and the norm of M P^{1/2}."""


def dot(left: Matrix, right: Matrix) -> arb:
    """⟨left, right⟩ of columns."""
    return (left.T @ right).entries()[0]


def gradient_norm(state: State) -> arb:
    """‖Mᵀr‖ = √⟨r, MMᵀr⟩."""
    return root(dot(state.residual, state.normal(state.residual)))


def newton_hint(state: State) -> np.ndarray | None:
    """w with M Mᵀw ≈ r, in floats."""
    if state.residual.shape[0] > _ROWS:
        return None
    try:
        return np.linalg.solve(state.gram.floats(), state.residual.floats().ravel())
    except np.linalg.LinAlgError:
        return None


def scalars(state: State, D: Mapping[str, np.ndarray], residual: arb, sigma: arb) -> tuple[arb, arb, arb]:
    """‖D‖, ⟨r,MD⟩, ⟨M⁺r,D⟩; for any w, |⟨M⁺r,D⟩ − ⟨w,MD⟩| ≤ ‖r − Kw‖‖D‖/s_A."""
    size = root(sum((frobenius(Matrix.of(D[name].ravel())) ** 2 for name in state.trained), arb(0)))
    moved = state.forward(D)
    slope = dot(state.residual, moved)
    away = upper(residual * size / sigma)
    newton = arb(0, away) if away.is_finite() else arb.nan()
    w = newton_hint(state) if size > 0 else None
    if w is not None and np.isfinite(w).all():
        hint = Matrix.of(w)
        error = upper(frobenius(state.residual - state.normal(hint)) * size / sigma)
        better = dot(hint, moved) + arb(0, error) if error.is_finite() else arb.nan()
        if better.is_finite() and better.rad() < newton.rad():
            newton = better
    return size, slope, newton
