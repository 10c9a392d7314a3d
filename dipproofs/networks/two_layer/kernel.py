"""Forward map and gradient of the two-layer network as pure functions of JAX arrays (a `descent.program.Kernel`).

W moves only along u: W_τ = W_0 + b_τ uᵀ, so the trained state is (V, b) with a = W_0 u + b‖u‖² and
‖W_τ − W_0‖ = ‖b‖‖u‖ (docs/theory.md §4). Sums of past gradients, such as a velocity, are of that form too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from dipproofs.networks.activation import jax_activation
from dipproofs.operators.kernels import matmul


class State(NamedTuple):
    """Trained parameters, None where they are not trained: V (n, k) and the shift b (k,) of W along u."""

    V: Any
    b: Any


class Constants(NamedTuple):
    """What training does not change.

    Args:
        a_0: (k,) W_0 u. norm_u_squared: ‖u‖². V: (n, k), if it is not trained. basis: B, or None. offset: of g.
    """

    a_0: Any
    norm_u_squared: Any
    V: Any = None
    basis: Any = None
    offset: Any = 0.0


class Cache(NamedTuple):
    """φ(a), φ'(a) and the output h before the basis."""

    phi: Any
    dphi: Any
    h: Any


class Factors(NamedTuple):
    """A gradient: its part in V is ``outer`` φ(a)ᵀ, that in W is ``b`` uᵀ."""

    outer: Any
    b: Any


@dataclass(frozen=True)
class TwoLayerKernel:
    """Static description; hashable, so that jitted functions compile once per architecture.

    Args:
        activation: name of φ.
        train: "both", "inner" or "outer".
    """

    activation: str
    train: str
    cheap_progress = True

    def output(self, constants: Constants, theta: State) -> tuple[Any, Cache]:
        """Give g(u, θ), (n,), and φ(a), φ'(a), h for the gradient."""
        a = constants.a_0 if theta.b is None else constants.a_0 + theta.b * constants.norm_u_squared
        phi, dphi = jax_activation(self.activation)(a)
        h = matmul(_outer_layer(constants, theta), phi) / _root_k(constants)
        signal = h if constants.basis is None else matmul(constants.basis, h)
        return signal + constants.offset, Cache(phi, dphi, h)

    def gradient(self, constants: Constants, theta: State, cache: Cache, z: Any) -> tuple[Factors, Any]:
        """Give the gradient of ⟨z, g⟩ in factors, and its squared norm."""
        if constants.basis is not None:
            z = matmul(z, constants.basis)
        z = z / _root_k(constants)
        squared = 0.0
        outer = step_b = None
        if self.train != "inner":
            outer = z
            squared = squared + (z @ z) * (cache.phi @ cache.phi)
        if self.train != "outer":
            step_b = cache.dphi * matmul(z, _outer_layer(constants, theta))
            squared = squared + (step_b @ step_b) * constants.norm_u_squared
        return Factors(outer, step_b), squared

    def expand(self, cache: Cache, factors: Factors, scale: Any) -> State:
        """Give ``scale`` times a gradient as arrays; the compiler fuses the product with its use."""
        V = None if factors.outer is None else (scale * factors.outer)[:, None] * cache.phi[None, :]
        return State(V, None if factors.b is None else scale * factors.b)

    def squared_norm(self, constants: Constants, vector: State) -> Any:
        """Give ‖vector‖²; that of b uᵀ is ‖b‖²‖u‖²."""
        squared = 0.0
        if vector.b is not None:
            squared = squared + (vector.b @ vector.b) * constants.norm_u_squared
        if vector.V is not None:
            flat = vector.V.ravel()  # a dot product is vectorised, a sum of squares is not
            squared = squared + flat @ flat
        return squared

    def progress(self, constants: Constants, theta: State, theta_0: State, cache: Cache, factors: Factors) -> Any:
        """Give ⟨θ − θ_0, ∇f⟩, from which ‖θ_τ − θ_0‖² is carried along: one product with V_0, no difference of V."""
        total = 0.0
        if factors.outer is not None:
            total = factors.outer @ (_root_k(constants) * cache.h - matmul(theta_0.V, cache.phi))
        if factors.b is not None:
            total = total + (theta.b @ factors.b) * constants.norm_u_squared
        return total

    def normal_product(self, constants: Constants, theta: State, z: Any) -> Any:
        """Give J Jᵀ z (docs/theory.md §4)."""
        _, cache = self.output(constants, theta)
        if constants.basis is not None:
            z = matmul(z, constants.basis)
        k = constants.a_0.shape[0]
        result = 0.0
        if self.train != "outer":
            V = _outer_layer(constants, theta)
            result = matmul(V, cache.dphi**2 * matmul(z, V)) * (constants.norm_u_squared / k)
        if self.train != "inner":
            result = result + z * ((cache.phi @ cache.phi) / k)
        return result if constants.basis is None else matmul(constants.basis, result)


@dataclass(frozen=True)
class FullForward:
    """The forward map as a function of the leaves W and V themselves, for methods that leave W_0 + b uᵀ."""

    activation: str

    def __call__(self, constants: Any, leaves: Any) -> Any:
        """Give g(u, θ) for ``constants`` = {u, offset, basis or None, and W or V if it is not trained}."""
        W, V = (leaves.get(name, constants.get(name)) for name in ("W", "V"))
        phi, _ = jax_activation(self.activation)(matmul(W, constants["u"]))
        h = matmul(V, phi) / V.shape[1] ** 0.5
        signal = h if constants["basis"] is None else matmul(constants["basis"], h)
        return signal + constants["offset"]


def _outer_layer(constants: Constants, theta: State) -> Any:
    return constants.V if theta.V is None else theta.V


def _root_k(constants: Constants) -> float:
    return float(constants.a_0.shape[0] ** 0.5)
