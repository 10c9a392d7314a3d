"""Heavy ball: gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dipproofs.descent.methods.base import Gradient, Method, Update, added, scaled, state_names, zeros
from dipproofs.problems.method_options import fraction


@dataclass(frozen=True)
class HeavyBall(Method):
    """buf ← β·buf + ∇f(θ), θ ← θ − γ·buf (``torch.optim.SGD(lr=γ, momentum=β)``, ``optax.sgd(γ, momentum=β)``).

    Args:
        momentum: β in [0, 1[, or "auto": (1 − 0.9√γ·s_A)² for ½‖·‖², see `descent.momentum.automatic_momentum`.

    Raises:
        InputError: a momentum out of range.

    Notes:
        Certificates store ``state/velocity/NAME`` = −γ·buf, the displacement that the momentum multiplies in the next
        iteration, γ being that iteration's step (docs/theory-methods.md §1, R10).

    Example:
        >>> HeavyBall(0.9).to_json()
        {'kind': 'heavy-ball', 'momentum': 0.9}
    """

    momentum: float | str = "auto"

    kind: ClassVar[str] = "heavy-ball"

    def __post_init__(self) -> None:
        object.__setattr__(self, "momentum", fraction(self.momentum, "momentum", word="auto"))

    def coefficients(self, momentum: float | None) -> tuple[float, ...]:
        chosen = momentum if self.momentum == "auto" else self.momentum
        return (0.0 if chosen is None else float(chosen),)

    @staticmethod
    def init(theta: Any) -> Any:
        return zeros(theta)

    @staticmethod
    def update(gradient: Gradient, state: Any, step: Any, coefficients: Any) -> Update:
        buffer = added(scaled(state, coefficients[0]), gradient(1.0))
        return Update(scaled(buffer, -step), buffer)

    def state_arrays(
        self, state: Any, step: float, named: Callable[[Any], dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        return state_names("velocity", {name: -np.asarray(step, a.dtype) * a for name, a in named(state).items()})
