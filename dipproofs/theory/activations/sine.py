"""Sine."""

import sympy as sp

from dipproofs.theory.activations.base import Activation, x

SIN = Activation(
    "sin",
    phi=sp.sin(x),
    dphi=sp.cos(x),
    B_1=sp.Integer(1),
    B_2=sp.Integer(1),
    proof="|cos| ≤ 1 and |sin| ≤ 1, both attained",
)
