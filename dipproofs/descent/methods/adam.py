"""Adam with bias correction, ε outside the root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from dipproofs.descent.methods.base import Gradient, Method, Update, state_names, zeros
from dipproofs.errors import InputError
from dipproofs.problems.method_options import fraction, refuse_beta2


class Moments(NamedTuple):
    """Running means of the gradient and of its square, and the number t of completed iterations."""

    m: Any
    v: Any
    t: Any


@dataclass(frozen=True)
class Adam(Method):
    """m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − γ m̂/(√v̂ + ε) (``torch.optim.Adam``, ``optax.adam``).

    Args:
        momentum: β₁ in [0, 1[. beta2: β₂ in [0, 1[, above β₁². epsilon: ε > 0.

    Raises:
        InputError: an option out of range.

    Notes:
        m̂ = m/(1 − β₁^t), v̂ = v/(1 − β₂^t) after t iterations. Certificates store ``state/m/NAME``, ``state/v/NAME`` and
        ``state/t``, all before the gradient at the stored parameters.

    Example:
        >>> Adam(beta2=0.5)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: descent.beta2: found 0.5, expected more than momentum² = 0.81
    """

    momentum: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    kind: ClassVar[str] = "adam"
    in_span: ClassVar[bool] = False
    curvature_step: ClassVar[bool] = False
    default_step: ClassVar[float | None] = 1e-3

    def __post_init__(self) -> None:
        from dipproofs.arguments.schema import finite, show

        object.__setattr__(self, "momentum", fraction(self.momentum, "momentum"))
        object.__setattr__(self, "beta2", fraction(self.beta2, "beta2"))
        epsilon = finite(self.epsilon, above=0.0)
        if epsilon is None:
            raise InputError(f"descent.epsilon: found {show(self.epsilon)}, expected a finite number > 0")
        object.__setattr__(self, "epsilon", epsilon)
        refuse_beta2(self.momentum, self.beta2)

    def coefficients(self, momentum: float | None) -> tuple[float, ...]:
        return self.momentum, self.beta2, self.epsilon

    @staticmethod
    def init(theta: Any) -> Any:
        import jax.numpy as jnp

        return Moments(zeros(theta), zeros(theta), jnp.asarray(0))

    @staticmethod
    def update(gradient: Gradient, state: Any, step: Any, coefficients: Any) -> Update:
        import jax
        import jax.numpy as jnp

        beta1, beta2, epsilon = coefficients
        g, t = gradient(1.0), state.t + 1
        m = jax.tree.map(lambda old, new: beta1 * old + (1 - beta1) * new, state.m, g)
        v = jax.tree.map(lambda old, new: beta2 * old + (1 - beta2) * new * new, state.v, g)
        power = jnp.asarray(t, jnp.asarray(step).dtype)
        first, second = 1 - beta1**power, 1 - beta2**power
        moved = jax.tree.map(lambda a, b: -step * (a / first) / (jnp.sqrt(b / second) + epsilon), m, v)
        return Update(moved, Moments(m, v, t))

    def state_arrays(
        self, state: Any, step: float, named: Callable[[Any], dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        moments = state_names("m", named(state.m)) | state_names("v", named(state.v))
        return moments | {"state/t": np.asarray(state.t, np.int64)}
