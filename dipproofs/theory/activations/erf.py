"""Gauss error function."""

import sympy as sp

from dipproofs.theory.activations.base import Activation, x

ERF = Activation(
    "erf",
    phi=sp.erf(x),
    dphi=2 / sp.sqrt(sp.pi) * sp.exp(-(x**2)),
    B_1=2 / sp.sqrt(sp.pi),
    B_2=2 * sp.sqrt(2) * sp.exp(-sp.Rational(1, 2)) / sp.sqrt(sp.pi),
    proof="φ'' = −2xφ' has its extrema where 2x² = 1",
)
