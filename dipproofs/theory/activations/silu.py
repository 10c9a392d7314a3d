"""SiLU (swish) x/(1+e^{−x})."""

import sympy as sp

from dipproofs.theory.activations.base import Activation, x

_y = sp.tanh(x / 2)

SILU = Activation(
    "silu",
    phi=x * (1 + _y) / 2,
    dphi=(1 + _y) / 2 + x * (1 - _y**2) / 4,
    B_1=sp.Rational(10999, 10000),
    B_2=sp.Rational(1, 2),
    proof="B₁ by interval subdivision (the supremum is 1.09983…); |φ''| ≤ φ''(0) = 1/2 likewise",
)
