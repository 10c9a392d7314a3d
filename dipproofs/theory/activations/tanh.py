"""Hyperbolic tangent."""

import sympy as sp

from dipproofs.theory.activations.base import Activation, x

TANH = Activation(
    "tanh",
    phi=sp.tanh(x),
    dphi=1 - sp.tanh(x) ** 2,
    B_1=sp.Integer(1),
    B_2=4 / (3 * sp.sqrt(3)),
    proof="with y = tanh x: φ' = 1−y² ≤ 1; |φ''| = 2|y|(1−y²), maximal at y² = 1/3",
)
