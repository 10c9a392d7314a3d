"""Gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from dipproofs.descent.methods.base import Gradient, Method, Update


@dataclass(frozen=True)
class GradientDescent(Method):
    """θ ← θ − γ∇f(θ) (``torch.optim.SGD(lr=γ)``, ``optax.sgd(γ)``).

    Example:
        >>> GradientDescent().to_json()
        {'kind': 'gradient-descent'}
    """

    kind: ClassVar[str] = "gradient-descent"
    monotone: ClassVar[bool] = True
    schedules: ClassVar[tuple[str, ...]] = ("constant", "polynomial", "cosine", "backtracking")

    @staticmethod
    def init(theta: Any) -> Any:
        return ()

    @staticmethod
    def update(gradient: Gradient, state: Any, step: Any, coefficients: Any) -> Update:
        return Update(gradient(-step), state)
