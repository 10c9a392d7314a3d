"""Nesterov's momentum, in the form of torch and Optax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from dipproofs.descent.methods.base import Gradient, Update, added, scaled
from dipproofs.descent.methods.heavy_ball import HeavyBall


@dataclass(frozen=True)
class Nesterov(HeavyBall):
    """buf ← β·buf + g, θ ← θ − γ(g + β·buf), g = ∇f(θ) (``SGD(…, nesterov=True)`` of torch and Optax).

    Args:
        momentum: β in [0, 1[, or "auto", as for the heavy ball.

    Raises:
        InputError: a momentum out of range.

    Notes:
        The stored parameters are the points at which gradients are taken (y in docs/theory-methods.md §2), and
        ``state/velocity/NAME`` = −γ·buf.
    """

    kind: ClassVar[str] = "nesterov"

    @staticmethod
    def update(gradient: Gradient, state: Any, step: Any, coefficients: Any) -> Update:
        buffer = added(scaled(state, coefficients[0]), gradient(1.0))
        return Update(scaled(added(gradient(1.0), scaled(buffer, coefficients[0])), -step), buffer)
