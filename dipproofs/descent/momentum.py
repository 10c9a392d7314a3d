"""``momentum = "auto"`` for heavy ball and Nesterov, from s_A and M."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dipproofs.descent.stepsize import put

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


def automatic_momentum(step: float, least: float) -> float:
    """Return β = (1 − 0.9√(γλ))², λ the smallest curvature of the loss along the observed directions.

    Args:
        step: γ, at most 1 over the largest curvature. least: λ; for ½‖·‖² it is s_A(θ)².

    Notes:
        With κ = λ_max/λ and γ = 1/λ_max this is about (1 − 1/√κ)². (The textbook's ((√κ−1)/(√κ+1))² belongs to the step
        4/(√λ_max + √λ)², which leaves no room for a Jacobian that moves.) A mode of curvature μ is underdamped, and its
        residual decreases like √β, when 1 − √β < √(γμ); the margin keeps all modes there on the ball of a certificate
        (docs/theory-methods.md §1). At most 0.998.

    Example:
        >>> round(automatic_momentum(1.0, 0.01), 4), automatic_momentum(1.0, 0.0)
        (0.8281, 0.998)
    """
    product = step * least
    if not (0 < product < math.inf):
        return LARGEST if product == 0 else 0.0
    return float(min(max(1 - MARGIN * math.sqrt(product), 0.0) ** 2, LARGEST))


@dataclass
class AutoMomentum:
    """The controller: looks at the spectrum at iterations 0, 1, 2, 4, 8, … until a certificate is found.

    Args:
        matrices: gives MMᵀ and ∇²L(v) at θ. product: w ↦ MMᵀ∇²L(v)w at θ. m: rows.
        chosen: receives (iteration, β) whenever β is set.
    """

    matrices: Callable[[Any], tuple[Any, Any]]
    product: Callable[[Any, Any], Any]
    m: int
    frozen: bool = False
    chosen: list[tuple[int, float]] = field(default_factory=list)
    least: float = math.nan
    next_check: int = 0

    def propose(self, tau: int, theta: Any, step: float) -> float:
        """Return β for the step from iteration ``tau`` on."""
        if self.frozen and self.chosen:
            return self.chosen[-1][1]
        if tau >= self.next_check:
            self.least = self._least(theta)
            self.next_check = max(1, 2 * tau)
        beta = automatic_momentum(step, self.least)
        if self.chosen:
            now, best = 1 - math.sqrt(self.chosen[-1][1]), 1 - math.sqrt(beta)
            if _OFF[0] * now <= best <= _OFF[1] * now:
                return self.chosen[-1][1]
        put(self.chosen, tau, beta)
        return beta

    def _least(self, theta: Any) -> float:
        """Estimate the smallest eigenvalue that is not 0 (evidence: estimated)."""
        if self.m <= _DENSE:
            normal, hessian = (np.asarray(part, np.float64) for part in self.matrices(theta))
            if not (np.isfinite(normal).all() and np.isfinite(hessian).all()):
                return math.nan
            values = np.linalg.eigvals(normal @ hessian).real
        else:
            values = self._ritz(theta)
        values = np.sort(values)
        positive = values[values > _ZERO * values[-1]]
        return float(positive[0]) if positive.size else 0.0

    def _ritz(self, theta: Any) -> np.ndarray:
        """Ritz values of Arnoldi's method: the smallest is not below the smallest eigenvalue, so that β is cautious."""
        rng = np.random.default_rng(0)
        basis = [rng.standard_normal(self.m)]
        basis[0] /= np.linalg.norm(basis[0])
        H = np.zeros((_LANCZOS + 1, _LANCZOS))
        for j in range(_LANCZOS):
            w = np.asarray(self.product(theta, basis[j]), np.float64)
            if not np.isfinite(w).all():
                return np.array([math.nan])
            for _ in range(2):  # twice is enough
                part = np.array([q @ w for q in basis])
                w = w - part @ np.array(basis)
                H[: j + 1, j] += part
            H[j + 1, j] = np.linalg.norm(w)
            if H[j + 1, j] <= 1e-13 * np.abs(H[: j + 1, j]).max():
                return np.linalg.eigvals(H[: j + 1, : j + 1]).real
            basis.append(w / H[j + 1, j])
        return np.linalg.eigvals(H[:_LANCZOS, :_LANCZOS]).real
