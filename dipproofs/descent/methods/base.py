"""What a first-order method is: its state, one update, its options, and the arrays a certificate stores of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

#: A gradient that is made when it is needed: gradient(scale) gives scale·∇f as a pytree like θ.
Gradient = Callable[[Any], Any]


class Update(NamedTuple):
    """What one iteration adds to θ, and the method's state after it."""

    displacement: Any
    state: Any


@dataclass(frozen=True)
class Method(ABC):
    """A first-order method θ_{τ+1} = θ_τ + displacement.

    The class with its options is what a run and a certificate name; `init` and `update` are pure JAX functions that get
    the options as traced numbers, so that other options need no other compilation.
    """

    kind: ClassVar[str]
    #: Whether iterates differ from θ_0 by multiples of gradients (then a two-layer network needs only V and W's shift).
    in_span: ClassVar[bool] = True
    #: Whether the loss of a good run falls in every iteration.
    monotone: ClassVar[bool] = False
    #: Whether the step size "auto" comes from the curvature (else it is `default_step`).
    curvature_step: ClassVar[bool] = True
    default_step: ClassVar[float | None] = None
    schedules: ClassVar[tuple[str, ...]] = ("constant", "polynomial", "cosine")

    def coefficients(self, momentum: float | None) -> tuple[float, ...]:
        """Give the traced options; ``momentum`` stands for "auto"."""
        return ()

    @staticmethod
    @abstractmethod
    def init(theta: Any) -> Any:
        """Give the state before the first iteration, for a pytree θ."""

    @staticmethod
    @abstractmethod
    def update(gradient: Gradient, state: Any, step: Any, coefficients: Any) -> Update:
        """Do one iteration with step size ``step``."""

    def state_arrays(
        self, state: Any, step: float, named: Callable[[Any], dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """Give what certificates store as ``state/…``, for the next iteration's ``step``; ``named`` lists a vector."""
        return {}

    def to_json(self, momentum: float | None = None) -> dict[str, Any]:
        """Return kind and options; ``momentum`` replaces "auto"."""
        found = {"kind": self.kind, **asdict(self)}
        if found.get("momentum") == "auto" and momentum is not None:
            found["momentum"] = momentum
        return found


def added(left: Any, right: Any) -> Any:
    """Add two pytrees."""
    import jax

    return jax.tree.map(lambda a, b: a + b, left, right)


def scaled(tree: Any, factor: Any) -> Any:
    """Multiply a pytree by a number."""
    import jax

    return jax.tree.map(lambda a: factor * a, tree)


def zeros(theta: Any) -> Any:
    """Give a pytree of zeros like θ."""
    import jax
    import jax.numpy as jnp

    return jax.tree.map(jnp.zeros_like, theta)


def state_names(kind: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Put ``state/KIND/`` before the names of the parameters."""
    return {f"state/{kind}/{name}": array for name, array in arrays.items()}
