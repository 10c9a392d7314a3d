"""What Optax keeps of momentum and Adam, handed over as a certificate's state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dipproofs as dp

optax = pytest.importorskip("optax")


def problem() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    A = rng.normal(size=(3, 6))
    network = dp.TwoLayer.init(n=6, width=160, input_dimension=3, seed=1)
    return dp.InverseProblem(A, A @ network.output() + 0.05 * rng.normal(size=3)), network


def trained(optimiser: Any, steps: int) -> tuple[Any, Any, Any]:
    """Train W and V with Optax; give problem, network and the optimiser's state."""
    import jax
    import jax.numpy as jnp

    inverse, network = problem()
    with jax.enable_x64(True):
        A, y, u = jnp.asarray(inverse.operator.to_dense()), jnp.asarray(inverse.y), jnp.asarray(network.u)
        theta = {"W": jnp.asarray(network.W), "V": jnp.asarray(network.V)}

        def loss(theta: Any) -> Any:
            r = A @ (theta["V"] @ jnp.tanh(theta["W"] @ u) / network.width**0.5) - y
            return 0.5 * r @ r

        @jax.jit
        def step(theta: Any, state: Any) -> Any:
            change, state = optimiser.update(jax.grad(loss)(theta), state)
            return optax.apply_updates(theta, change), state

        state = optimiser.init(theta)
        for _ in range(steps):
            theta, state = step(theta, state)
        arrays = {name: np.asarray(array) for name, array in theta.items()}
    return inverse, network.with_parameters(arrays), state


def named(kind: str, tree: Any, factor: float = 1.0) -> dict[str, np.ndarray]:
    return {f"{kind}/{name}": factor * np.asarray(array) for name, array in tree.items()}


def test_momentum() -> None:
    lr, beta = 0.02, 0.6
    inverse, network, state = trained(optax.sgd(lr, momentum=beta), 40)
    velocity = named("velocity", state[0].trace, -lr)
    cert = dp.certify_point(inverse, network, method="heavy-ball", state=velocity, step=lr, momentum=beta)
    assert cert.claims.convergence.verdict == "proved" and dp.verify(cert)
    unscaled = named("velocity", state[0].trace)
    other = dp.certify_point(inverse, network, method="heavy-ball", state=unscaled, step=lr, momentum=beta)
    assert other.quantities != cert.quantities


def test_adam() -> None:
    lr = 2e-4
    inverse, network, state = trained(optax.adam(lr), 300)
    moments = named("m", state[0].mu) | named("v", state[0].nu) | {"t": np.asarray(state[0].count)}
    cert = dp.certify_point(inverse, network, method="adam", state=moments, step=lr, claim_horizon=100)
    assert cert.claims.existence.verdict == "proved"
    assert cert.claims.horizon["verdict"] == "proved" and cert.claims.horizon["iterations"] == 100
    assert dp.verify(cert)
