"""Floating-point activations, derived from the SymPy ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from dipproofs.theory import ACTIVATIONS
from dipproofs.theory.activations import x
from dipproofs.theory.numeric import float_function


@cache
def _activation(name: str, library: str) -> Callable[[Any], tuple[Any, Any]]:
    pair = float_function(x, list(ACTIVATIONS[name].float_forms), library)

    def evaluate(a: Any) -> tuple[Any, Any]:
        value, derivative = pair(a)
        return value, derivative

    return evaluate


def jax_activation(name: str) -> Callable[[Any], tuple[Any, Any]]:
    """Return the function a ↦ (φ(a), φ'(a)), entrywise, for JAX arrays.

    Notes:
        Evidence level: estimated. Proofs use the SymPy expressions enclosed by Arb instead.
    """
    return _activation(name, "jax")


def numpy_activation(name: str) -> Callable[[Any], tuple[Any, Any]]:
    """Return the same function for NumPy arrays (no guarantee: for estimates only)."""
    return _activation(name, "numpy")
