"""Activations with proved constants; a new one is one new file and one line here."""

from __future__ import annotations

from .base import Activation, x
from .erf import ERF
from .gelu import GELU
from .sigmoid import SIGMOID
from .silu import SILU
from .sine import SIN
from .softplus import SOFTPLUS
from .tanh import TANH

#: The activations that are covered, by name.
ACTIVATIONS: dict[str, Activation] = {a.name: a for a in (TANH, SIGMOID, SOFTPLUS, SIN, ERF, GELU, SILU)}

#: Activations that users ask for and that the theorem excludes, with the reason.
EXCLUDED: dict[str, str] = {
    "relu": "its derivative is not Lipschitz, so assumption (A5) fails; use softplus, gelu or silu",
    "leaky-relu": "its derivative is not Lipschitz, so assumption (A5) fails; use softplus, gelu or silu",
}

__all__ = ["ACTIVATIONS", "EXCLUDED", "Activation", "x"]
