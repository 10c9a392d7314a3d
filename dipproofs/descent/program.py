"""What a network offers to the descent: pure JAX functions over a pytree θ, and the way back to named arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Kernel(Protocol):
    """Pure functions of JAX arrays; the object is static and hashable, so that each architecture compiles once.

    θ and every vector (gradient, velocity) are pytrees of one structure; training leaves ``constants`` alone.
    """

    #: Whether `progress` gives ⟨θ − θ_0, ∇f⟩ without a pass over θ, so that gradient descent carries ‖θ_τ − θ_0‖ along.
    cheap_progress: bool

    def output(self, constants: Any, theta: Any) -> tuple[Any, Any]:
        """Give the signal g(θ), (n,), and what `gradient` can use again."""
        ...

    def gradient(self, constants: Any, theta: Any, cache: Any, z: Any) -> tuple[Any, Any]:
        """Give Jᵀz in factors that `expand` multiplies out, and ‖Jᵀz‖²."""
        ...

    def expand(self, cache: Any, factors: Any, scale: Any) -> Any:
        """Give ``scale`` times the gradient as a pytree like θ."""
        ...

    def squared_norm(self, constants: Any, vector: Any) -> Any:
        """Give ‖vector‖² in parameter space."""
        ...

    def progress(self, constants: Any, theta: Any, theta_0: Any, cache: Any, factors: Any) -> Any:
        """Give ⟨θ − θ_0, ∇f⟩; only called when `cheap_progress` says so."""
        ...

    def normal_product(self, constants: Any, theta: Any, z: Any) -> Any:
        """Give J Jᵀ z, (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class Program:
    """A kernel with its arrays, and the way between its pytrees and named arrays.

    Args:
        kernel: the static part.
        constants: pytree of what training does not change.
        theta: pytree of NumPy arrays, where the descent starts.
        restore: gives the network at a pytree θ.
        named: gives a vector (such as a velocity) as NumPy arrays by the names of the parameters.
    """

    kernel: Kernel
    constants: Any
    theta: Any
    restore: Callable[[Any], Any]
    named: Callable[[Any], dict[str, np.ndarray]]


@dataclass(frozen=True)
class AutodiffKernel:
    """Named leaves and a forward map; reverse mode gives the gradient.

    Args:
        forward: (constants, leaves by name) ↦ g(θ), (n,), a JAX function; hashable, equal for equal architectures.
    """

    forward: Callable[[Any, Mapping[str, Any]], Any]
    cheap_progress = False

    def output(self, constants: Any, theta: Any) -> tuple[Any, Any]:
        import jax

        return jax.vjp(lambda leaves: self.forward(constants, leaves), theta)

    def gradient(self, constants: Any, theta: Any, cache: Any, z: Any) -> tuple[Any, Any]:
        (gradient,) = cache(z)
        return gradient, self.squared_norm(constants, gradient)

    def expand(self, cache: Any, factors: Any, scale: Any) -> Any:
        import jax

        return jax.tree.map(lambda leaf: scale * leaf, factors)

    def squared_norm(self, constants: Any, vector: Any) -> Any:
        import jax

        return sum(leaf.ravel() @ leaf.ravel() for leaf in jax.tree.leaves(vector))

    def progress(self, constants: Any, theta: Any, theta_0: Any, cache: Any, factors: Any) -> Any:
        raise NotImplementedError("the distance is computed from θ itself")

    def normal_product(self, constants: Any, theta: Any, z: Any) -> Any:
        import jax

        _, pullback = self.output(constants, theta)
        (gradient,) = pullback(z)
        return jax.jvp(lambda leaves: self.forward(constants, leaves), (theta,), (gradient,))[1]


def autodiff_program(
    forward: Callable[[Any, Mapping[str, Any]], Any],
    constants: Any,
    leaves: Mapping[str, np.ndarray],
    restore: Callable[[dict[str, np.ndarray]], Any],
    dtype: np.dtype,
) -> Program:
    """Make the program of a network that is a JAX function of named leaves.

    Args:
        forward: see `AutodiffKernel`. constants: its first argument. leaves: trained arrays by name.
        restore: gives the network with other leaves. dtype: number format of the run.
    """

    def arrays(vector: Any) -> dict[str, np.ndarray]:
        return {name: np.asarray(vector[name]) for name in leaves}

    theta = {name: np.asarray(leaf, dtype) for name, leaf in leaves.items()}
    return Program(AutodiffKernel(forward), constants, theta, lambda theta: restore(arrays(theta)), arrays)
