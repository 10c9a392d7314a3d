"""GELU in its exact form xΦ(x), Φ the normal distribution function."""

import sympy as sp

from dipproofs.theory.activations.base import Activation, standard_normal_cdf, standard_normal_density, x

_root2 = sp.sqrt(2)

GELU = Activation(
    "gelu",
    phi=x * standard_normal_cdf(x),
    dphi=standard_normal_cdf(x) + x * standard_normal_density(x),
    B_1=standard_normal_cdf(_root2) + _root2 * standard_normal_density(_root2),
    B_2=sp.sqrt(2 / sp.pi),
    proof="φ'' = (2−x²)·density vanishes at ±√2, where φ' is extremal; |φ''| is maximal at 0",
)
