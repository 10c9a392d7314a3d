"""The second theorem: bounds of the signal's error, restricted injectivity, early stopping (docs/theory.md §7)."""

from __future__ import annotations

from dipproofs.recovery.cones import on_cone, on_generated_cone
from dipproofs.recovery.restricted import RestrictedInjectivity, gaussian_operator, injective, on_subspace

__all__ = [
    "RestrictedInjectivity",
    "gaussian_operator",
    "injective",
    "on_cone",
    "on_generated_cone",
    "on_subspace",
]
