"""``momentum = "auto"`` for heavy ball and Nesterov, from s_A and M."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dipproofs.descent.stepsize import SAFETY, put

#: 1 − √β = MARGIN·√γ·s: a little more momentum than critical, so that every mode oscillates and decreases like √β.
MARGIN = 0.9
#: Largest automatic momentum; the spectrum cannot be trusted below what it would need.
LARGEST = 0.998
#: Up to this many observations the spectrum is that of a matrix, beyond it comes from Lanczos' method.
_DENSE = 256
_LANCZOS = 48
#: Eigenvalues below this part of the largest belong to directions that A does not see.
_ZERO = 1e-11
#: √β is changed only when 1 − √β is off by more than these factors.
_OFF = (0.8, 1.25)


def automatic_momentum(product: float) -> float:
    """Return β = (1 − 0.9√x)², x the step times the smallest curvature along the observed directions.

    Args:
        product: x; for ½‖·‖² it is γ·s_A(θ)².

    Notes:
        With κ = (‖M‖/s_A)² and γ = 1/‖M‖² this is about (1 − 1/√κ)². (The textbook's ((√κ−1)/(√κ+1))² belongs to the
        step 4/(‖M‖ + s_A)², which leaves no room for a Jacobian that moves.) A mode with singular value σ is
        underdamped, and its residual decreases like √β, when 1 − √β < √γ·σ; the margin keeps all modes there on the
        ball of a certificate (docs/theory-methods.md §1). At most 0.998.

    Example:
        >>> round(automatic_momentum(0.01), 4), automatic_momentum(0.0)
        (0.8281, 0.998)
    """
    if not 0 < product < math.inf:
        return LARGEST if product == 0 else 0.0
    return float(min(max(1 - MARGIN * math.sqrt(product), 0.0) ** 2, LARGEST))


@dataclass
class AutoMomentum:
    """The controller: looks at the spectrum of MMᵀ at iterations 0, 1, 2, 4, 8, … until a certificate is found.

    Args:
        matrix: gives MMᵀ at θ. product: w ↦ MMᵀw at θ. m: rows.
        curvature: 2c of the squared loss c‖·‖²; None for other losses, of which the curvature changes along the run:
            the momentum is then that of the step `SAFETY` over the largest curvature.
        chosen: receives (iteration, β) whenever β is set.
    """

    matrix: Callable[[Any], Any]
    product: Callable[[Any, Any], Any]
    m: int
    curvature: float | None = None
    frozen: bool = False
    chosen: list[tuple[int, float]] = field(default_factory=list)
    ends: tuple[float, float] = (math.nan, math.nan)
    next_check: int = 0

    def propose(self, tau: int, theta: Any, step: float) -> float:
        """Return β for the step from iteration ``tau`` on."""
        if self.frozen and self.chosen:
            return self.chosen[-1][1]
        if tau >= self.next_check:
            self.ends = self._ends(theta)
            self.next_check = max(1, 2 * tau)
        least, largest = self.ends
        scale = step * self.curvature if self.curvature is not None else SAFETY / largest if largest > 0 else math.nan
        beta = automatic_momentum(scale * least)
        if self.chosen:
            now, best = 1 - math.sqrt(self.chosen[-1][1]), 1 - math.sqrt(beta)
            if _OFF[0] * now <= best <= _OFF[1] * now:
                return self.chosen[-1][1]
        put(self.chosen, tau, beta)
        return beta

    def _ends(self, theta: Any) -> tuple[float, float]:
        """Estimate the smallest eigenvalue that is not 0, and the largest (evidence: estimated)."""
        if self.m <= _DENSE:
            matrix = np.asarray(self.matrix(theta), np.float64)
            values = np.linalg.eigvalsh(matrix) if np.isfinite(matrix).all() else np.full(1, math.nan)
        else:
            values = self._ritz(theta)
        positive = values[values > _ZERO * values[-1]]
        return (float(positive[0]), float(values[-1])) if positive.size else (math.nan, math.nan)

    def _ritz(self, theta: Any) -> np.ndarray:
        """Ritz values of Lanczos' method: the smallest is above the smallest eigenvalue, so that β is cautious."""
        rng = np.random.default_rng(0)
        q = rng.standard_normal(self.m)
        basis, H = [q / np.linalg.norm(q)], np.zeros((_LANCZOS + 1, _LANCZOS + 1))
        for j in range(_LANCZOS):
            w = np.asarray(self.product(theta, basis[j]), np.float64)
            if not np.isfinite(w).all():
                return np.full(1, math.nan)
            for _ in range(2):  # twice is enough
                part = np.array([q @ w for q in basis])
                w = w - part @ np.array(basis)
                H[: j + 1, j] += part
            size = float(np.linalg.norm(w))
            if size <= 1e-12 * np.abs(H).max() or j == _LANCZOS - 1:
                break
            basis.append(w / size)
        projected = H[: j + 1, : j + 1]
        return np.linalg.eigvalsh(np.triu(projected) + np.triu(projected, 1).T)
