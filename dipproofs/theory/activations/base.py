"""What an activation must provide (docs/theory.md §4)."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dipproofs.theory.core import define, symbol

x = symbol("x", "argument of an activation", real=True)


@dataclass(frozen=True)
class Activation:
    """An activation φ with proved constants.

    Args:
        name: name in problem files.
        phi: φ as an expression in `x`, written so that it can be enclosed on any interval.
        dphi: φ', likewise.
        B_1: sup|φ'|, a closed form or an upper bound that is proved in the checks.
        B_2: sup|φ''|, likewise (the Lipschitz constant of φ').
        proof: how the two are known, in a few words.
        numeric: (φ, φ') for floating-point evaluation, where the exact forms would overflow.
    """

    name: str
    phi: sp.Expr
    dphi: sp.Expr
    B_1: sp.Expr
    B_2: sp.Expr
    proof: str
    numeric: tuple[sp.Expr, sp.Expr] | None = None

    def __post_init__(self) -> None:
        for key in ("phi", "dphi", "B_1", "B_2"):
            define(f"activations.{self.name}.{key}", getattr(self, key), f"{self.name}: {key}", "§4")

    @property
    def ddphi(self) -> sp.Expr:
        """φ'', derived from φ'."""
        return sp.diff(self.dphi, x)

    @property
    def float_forms(self) -> tuple[sp.Expr, sp.Expr]:
        """(φ, φ') as expressions that are stable in floating point."""
        return self.numeric or (self.phi, self.dphi)


def standard_normal_density(z: sp.Expr) -> sp.Expr:
    """Density of N(0,1) at z."""
    return sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def standard_normal_cdf(z: sp.Expr) -> sp.Expr:
    """Distribution function of N(0,1) at z."""
    return (1 + sp.erf(z / sp.sqrt(2))) / 2
