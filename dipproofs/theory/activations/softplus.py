"""Softplus log(1+e^x)."""

import sympy as sp
from sympy.codegen.cfunctions import log1p

from dipproofs.theory.activations.base import Activation, x

SOFTPLUS = Activation(
    "softplus",
    phi=sp.log(1 + sp.exp(x)),
    dphi=(1 + sp.tanh(x / 2)) / 2,
    B_1=sp.Integer(1),
    B_2=sp.Rational(1, 4),
    proof="φ' is the logistic sigmoid, φ'' its derivative",
    numeric=(sp.Max(x, 0) + log1p(sp.exp(-sp.Abs(x))), (1 + sp.tanh(x / 2)) / 2),
)
