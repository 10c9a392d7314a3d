"""Bounds on balls that are known without a network: what theorems about methods are told where they are attacked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.certify.methods.setting import Ball
from dipproofs.enclosures import Bound, Evidence
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import inexact_gradient as theory


@dataclass(frozen=True)
class ConstantBall:
    """s = s_0 − ℓρ, M_ρ = M_0 + ℓρ with one ℓ for all radii: the observation profile.

    Args:
        sigma: lower bound of s_A(θ_0). norm: upper bound of ‖M(θ_0)‖. lipschitz: ℓ. radius: where ℓ is valid.
    """

    sigma: float
    norm: float
    lipschitz: float
    radius: float = np.inf

    def floats(self, rho: np.ndarray) -> tuple[Any, Any, Any]:
        """As `Ball.floats`."""
        inside = np.where(rho <= self.radius, self.sigma - self.lipschitz * rho, -np.inf)
        return inside, self.norm + self.lipschitz * rho, np.broadcast_to(self.lipschitz, np.shape(rho))

    def balls(self, rho: float) -> tuple[flint.arb, flint.arb, flint.arb]:
        """As `Ball.balls`."""
        r, ell = flint.arb(rho), flint.arb(self.lipschitz)
        s = flint.arb(self.sigma) - ell * r if rho <= self.radius else flint.arb.nan()
        return s, flint.arb(self.norm) + ell * r, ell


@dataclass(frozen=True)
class ConstantError:
    """The same a, b on every ball; profile s_{A0} − ℓt.

    Args:
        residual, sigma, gamma: as in `Told`. ball: bounds on balls. absolute, relative: ‖e‖ ≤ a + b‖∇f‖.
    """

    residual: Bound
    sigma: Bound
    gamma: Bound
    ball: Ball
    absolute: Bound
    relative: Bound

    @property
    def evidence(self) -> Evidence:
        """As in `Told`."""
        return Evidence.weakest(
            bound.evidence for bound in (self.residual, self.sigma, self.gamma, self.absolute, self.relative)
        )

    def floats(self, rho: np.ndarray) -> Mapping[sp.Symbol, Any]:
        """As in `Told`."""
        _, norm, lipschitz = self.ball.floats(rho)
        return {
            s.psi_0: self.residual.upper, s.sigma_AJ: self.sigma.lower, s.lipschitz_AJ: lipschitz,
            s.norm_AJ_ball: norm, s.gamma: self.gamma.upper, theory.error_absolute: self.absolute.upper,
            theory.error_relative: self.relative.upper,
        }  # fmt: skip

    def balls(self, rho: float) -> Mapping[sp.Symbol, Any]:
        """As in `Told`."""
        _, norm, lipschitz = self.ball.balls(rho)
        return {
            s.psi_0: flint.arb(self.residual.upper), s.sigma_AJ: flint.arb(self.sigma.lower),
            s.lipschitz_AJ: lipschitz, s.norm_AJ_ball: norm, s.gamma: self.gamma.arb(),
            theory.error_absolute: flint.arb(self.absolute.upper),
            theory.error_relative: flint.arb(self.relative.upper),
        }  # fmt: skip
