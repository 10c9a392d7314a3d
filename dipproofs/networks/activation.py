"""Floating-point activations for JAX, derived from the SymPy ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import sympy as sp

from dipproofs.theory import ACTIVATIONS
from dipproofs.theory.activations import x


@cache
def jax_activation(name: str) -> Callable[[Any], tuple[Any, Any]]:
    """Return the function a ↦ (φ(a), φ'(a)), entrywise, for JAX arrays.

    Notes:
        Evidence level: estimated. Proofs use the SymPy expressions enclosed by Arb instead.
    """
    import jax.numpy as jnp
    from jax.scipy.special import erf

    names: dict[str, Any] = {"erf": erf, "log1p": jnp.log1p, "tanh": jnp.tanh, "exp": jnp.exp, "log": jnp.log}
    names |= {"sin": jnp.sin, "cos": jnp.cos, "sqrt": jnp.sqrt, "Abs": jnp.abs}
    names |= {"amax": jnp.maximum, "Max": jnp.maximum, "select": jnp.select}
    pair = sp.lambdify(x, list(ACTIVATIONS[name].float_forms), modules=[names, "jax"], cse=True)

    def evaluate(a: Any) -> tuple[Any, Any]:
        value, derivative = pair(a)
        return value, derivative

    return evaluate


@cache
def numpy_activation(name: str) -> Callable[[Any], tuple[Any, Any]]:
    """Return the same function for NumPy arrays (no guarantee: for estimates only)."""
    import numpy as np
    from scipy.special import erf

    names = {"erf": erf, "log1p": np.log1p, "Max": np.maximum, "Abs": np.abs}
    pair = sp.lambdify(x, list(ACTIVATIONS[name].float_forms), modules=[names, "numpy"], cse=True)

    def evaluate(a: Any) -> tuple[Any, Any]:
        value, derivative = pair(a)
        return value, derivative

    return evaluate
