"""What a theorem about a method is told: bounds on balls around the iterate, and its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import flint
import numpy as np

from dipproofs.enclosures import Bound, Evidence

_ONE = Bound.exact(1)


class Ball(Protocol):
    """Bounds on B(θ_0, ρ), from a profile and an architecture."""

    def floats(self, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Estimate (s, M_ρ, ℓ_A(ρ)) at many radii, for the search."""

    def balls(self, rho: float) -> tuple[flint.arb, flint.arb, flint.arb]:
        """Bound s from below, M_ρ and ℓ_A(ρ) from above, as points."""


@dataclass(frozen=True)
class Direction:
    """Enclosed scalars of a displacement D at parameters θ with residual r.

    Args:
        norm: ‖D‖.
        slope: ⟨r, MD⟩.
        newton: ⟨M⁺r, D⟩.
    """

    norm: Bound
    slope: Bound
    newton: Bound

    @classmethod
    def zero(cls) -> Direction:
        """The state of a method that starts afresh."""
        return cls(Bound.exact(0), Bound.exact(0), Bound.exact(0))


@dataclass(frozen=True)
class Setting:
    """One iterate of a run of heavy ball or Nesterov's method.

    Args:
        residual: R_0 = ‖r‖.
        gradient: ‖Mᵀr‖.
        ball: bounds on balls.
        direction: the state.
        step: lr of the run, exact.
        scale: 2c for the loss c‖r‖²: the theorem's γ is scale·step.
        momentum: β, exact.
    """

    residual: Bound
    gradient: Bound
    ball: Ball
    direction: Direction
    step: float
    momentum: float
    scale: Bound = _ONE

    @property
    def evidence(self) -> Evidence:
        """The weakest evidence of what is given."""
        parts = (self.residual, self.gradient, self.scale, self.direction.norm, self.direction.slope)
        return max(part.evidence for part in (*parts, self.direction.newton))
