"""Forward map and gradient of the two-layer network as pure functions of JAX arrays.

W moves only along u: W_τ = W_0 + b_τ uᵀ, so the trained state is (V, b) with a = W_0 u + b‖u‖² and
‖W_τ − W_0‖ = ‖b‖‖u‖ (docs/theory.md §4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from dipproofs.networks.activation import jax_activation


class State(NamedTuple):
    """Trained parameters: V (n, k) and the shift b (k,) of W along u."""

    V: Any
    b: Any


class Fixed(NamedTuple):
    """What training does not change: a_0 = W_0 u (k,) and ‖u‖² ()."""

    a_0: Any
    norm_u_squared: Any


@dataclass(frozen=True)
class TwoLayerKernel:
    """Static description; hashable, so that jitted functions compile once per architecture.

    Args:
        activation: name of φ.
        train: "both", "inner" or "outer".
    """

    activation: str
    train: str

    def forward(self, fixed: Fixed, state: State) -> tuple[Any, tuple[Any, Any]]:
        """Give h(u, θ), (n,), and (φ(a), φ'(a)) for the gradient."""
        a = fixed.a_0 if self.train == "outer" else fixed.a_0 + state.b * fixed.norm_u_squared
        phi, dphi = jax_activation(self.activation)(a)
        root_k = state.b.shape[0] ** 0.5
        return _matvec(state.V, phi) / root_k, (phi, dphi)

    def gradient(self, fixed: Fixed, state: State, cache: tuple[Any, Any], z: Any) -> tuple[Any, Any, Any]:
        """Give the gradient of ⟨z, h⟩ as factors (z/√k or None, φ), the step of b, and its squared norm."""
        phi, dphi = cache
        root_k = state.b.shape[0] ** 0.5
        z = z / root_k
        squared = 0.0
        step_b = None
        if self.train != "inner":
            squared = squared + (z @ z) * (phi @ phi)
        if self.train != "outer":
            step_b = dphi * _rmatvec(state.V, z)
            squared = squared + (step_b @ step_b) * fixed.norm_u_squared
        return (z if self.train != "inner" else None), step_b, squared

    def move(self, state: State, cache: tuple[Any, Any], gradient: tuple[Any, Any], gamma: Any) -> State:
        """Give the state after one step of size γ along the negative gradient."""
        outer, step_b = gradient
        V = state.V if outer is None else state.V - (gamma * outer)[:, None] * cache[0][None, :]
        b = state.b if step_b is None else state.b - gamma * step_b
        return State(V, b)

    def progress(self, fixed: Fixed, state: State, V_0: Any, h: Any, cache: Any, gradient: Any) -> Any:
        """Give ⟨θ − θ_0, ∇f⟩, from which ‖θ_τ − θ_0‖² is carried along: one product with V_0, no difference of V."""
        outer, step_b = gradient
        total = 0.0
        if outer is not None:
            root_k = state.b.shape[0] ** 0.5
            total = outer @ (root_k * h - _matvec(V_0, cache[0]))
        if step_b is not None:
            total = total + (state.b @ step_b) * fixed.norm_u_squared
        return total

    def normal_product(self, fixed: Fixed, state: State, z: Any) -> Any:
        """Give J Jᵀ z (docs/theory.md §4)."""
        _, (phi, dphi) = self.forward(fixed, state)
        k = state.b.shape[0]
        result = 0.0
        if self.train != "outer":
            result = _matvec(state.V, dphi**2 * _rmatvec(state.V, z)) * (fixed.norm_u_squared / k)
        if self.train != "inner":
            result = result + z * ((phi @ phi) / k)
        return result

    def distance(self, fixed: Fixed, state: State, V_0: Any) -> Any:
        """Give ‖θ − θ_0‖."""
        squared = (state.b @ state.b) * fixed.norm_u_squared
        if self.train != "inner":
            # a dot product is vectorised, a sum of squares is not
            difference = (state.V - V_0).ravel()
            squared = squared + difference @ difference
        return squared**0.5


def _matvec(matrix: Any, vector: Any) -> Any:
    import jax.numpy as jnp

    return jnp.matmul(matrix, vector, precision="highest")


def _rmatvec(matrix: Any, vector: Any) -> Any:
    import jax.numpy as jnp

    return jnp.matmul(vector, matrix, precision="highest")
