"""Parameters and nodes without axes: a learned scale, a sum of everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import dipproofs as dp
from dipproofs.certificate.write import save
from dipproofs.verify import verify

RNG = np.random.default_rng(0)
LEAVES = {"a": RNG.standard_normal((12, 5)), "b": RNG.standard_normal((12, 6)), "c": np.array(0.7)}
A = RNG.standard_normal((4, 6))
Y = A @ RNG.standard_normal(6)


def layers(p: Any) -> Any:
    return jnp.tanh(p["a"] @ jnp.ones(5)) @ p["b"]


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "scale": lambda p: p["c"] * layers(p),
    "offset": lambda p: layers(p) + p["c"] + 0.01 * jnp.sum(p["a"]),
}


def certified(name: str, y: np.ndarray, **options: Any) -> dp.Certificate:
    return dp.certify(dp.InverseProblem(A, y), dp.from_jax(NETWORKS[name], LEAVES), max_iterations=2000, **options)


@pytest.mark.parametrize(("name", "options"), [("scale", {"method": "heavy-ball"}), ("offset", {})])
def test_they_are_certified_stored_and_verified(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    cert = certified(name, Y, **options)
    assert cert.proved and cert.arrays["theta/c"].shape == ()
    assert verify(save(cert, tmp_path)).valid


def test_a_method_at_rest_is_verified(tmp_path: Path) -> None:
    """The first velocity is exactly 0, and so is what it does to the residual."""
    y = A @ dp.from_jax(NETWORKS["scale"], LEAVES).output() * (1 + 1e-9)
    cert = certified("scale", y, method="nesterov")
    assert cert.proved and cert.iteration == 0 and not cert.arrays["state/velocity/c"].any()
    assert verify(save(cert, tmp_path)).valid
