"""Activations with proved constants; a new one is one new file and one line here."""

from __future__ import annotations

from dipproofs.theory.activations.base import Activation, x
from dipproofs.theory.activations.erf import ERF
from dipproofs.theory.activations.gelu import GELU
from dipproofs.theory.activations.sigmoid import SIGMOID
from dipproofs.theory.activations.silu import SILU
from dipproofs.theory.activations.sine import SIN
from dipproofs.theory.activations.softplus import SOFTPLUS
from dipproofs.theory.activations.tanh import TANH

#: The activations that are covered, by name.
ACTIVATIONS: dict[str, Activation] = {a.name: a for a in (TANH, SIGMOID, SOFTPLUS, SIN, ERF, GELU, SILU)}

#: Activations that users ask for and that the theorem excludes, with the reason.
EXCLUDED: dict[str, str] = {
    "relu": "its derivative is not Lipschitz, so assumption (A5) fails; use softplus, gelu or silu",
    "leaky-relu": "its derivative is not Lipschitz, so assumption (A5) fails; use softplus, gelu or silu",
}

__all__ = ["ACTIVATIONS", "EXCLUDED", "Activation", "x"]
