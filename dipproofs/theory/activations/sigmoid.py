"""Logistic sigmoid 1/(1+e^{−x})."""

import sympy as sp

from dipproofs.theory.activations.base import Activation, x

SIGMOID = Activation(
    "sigmoid",
    phi=(1 + sp.tanh(x / 2)) / 2,
    dphi=(1 - sp.tanh(x / 2) ** 2) / 4,
    B_1=sp.Rational(1, 4),
    B_2=1 / (6 * sp.sqrt(3)),
    proof="φ(x) = (1+tanh(x/2))/2, so B₁ and B₂ are those of tanh divided by 4 and by 8",
)
