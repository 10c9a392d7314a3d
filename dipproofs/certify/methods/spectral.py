"""A forecast of the residual of gradient descent that follows the spectrum of MMᵀ (docs/theory-methods.md §7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.enclosures import Bound, Evidence, IntervalMatrix

#: Every entry of the recursion is raised by this much: more than its few hundred roundings, and the powers, can lose.
_UP = 1 + 2.0**-40


@dataclass(frozen=True)
class Forecast:
    """Bounds of the residual after each iteration.

    Args:
        proved: b_0 … b_T, R_{t+τ} ≤ b_τ (evidence as of what was given).
        frozen: ‖(I−γK_t)^τ r_t‖, what would happen with a constant Jacobian (estimated).
        evidence: of ``proved``.
    """

    proved: np.ndarray
    frozen: np.ndarray
    evidence: Evidence

    def first_below(self, residual: float) -> int | None:
        """The first iteration at which the bound is at most that; None if the curve ends before."""
        below = self.proved <= residual
        return int(np.argmax(below)) if below.any() else None


def smoothing(count: int, gamma: float, low: float, high: float) -> np.ndarray:
    """φ_j for j < count, from above: max of √γ√w(1−w)^j over w in [low, high] ⊂ [0, 1]."""
    j = np.arange(count, dtype=np.float64)
    w = np.clip(1 / (2 * j + 1), low, high)
    return np.sqrt(gamma * w) * np.exp(j * np.log1p(-np.minimum(w, 1 - 1e-16))) * (1 + 1e-9)


def forecast(
    frozen: np.ndarray,
    *,
    residual: float,
    gamma: float,
    lipschitz: float,
    norm_ball: float,
    sigma: float,
    norm: float,
    path: float,
    net: float,
    contraction: float,
    evidence: Evidence = Evidence.PROVED,
    estimated: np.ndarray | None = None,
) -> Forecast:
    """Bound R_{t+τ} for τ < len(frozen).

    Args:
        frozen: upper bounds of ‖(I−γK_t)^τ r_t‖, τ = 0, 1, ….
        residual: upper bound of R_t. gamma: 2c·step, upper bound. lipschitz, norm_ball: ℓ_A, M_ρ of the certificate.
        sigma: lower bound of s_A(θ_t). norm: upper bound of ‖M(θ_t)‖, γ·norm² ≤ 1.
        path: upper bound of S. net: lower bound of F_∞ − x. contraction: upper bound of 1 − γF_∞(F_∞−x).
        estimated: the frozen curve to show; ``frozen`` itself if it is not given.

    Notes:
        The sums are sums of non-negative numbers in float64: each is raised by `_UP`, which exceeds (T+8)·2⁻⁵³ for
        the lengths T ≤ 2¹² that are asked for; longer curves use a factor that grows with T.
    """
    count = len(frozen)
    up = 1 + (count + 64) * 2.0**-51
    up = max(up, _UP)
    low, high = gamma * sigma**2 * (1 - 1e-12), min(1.0, gamma * norm**2 * (1 + 1e-12))
    rate0 = (1 - low) * up
    phi = smoothing(count, gamma, low, high) * up
    b, T, H, Tb = (np.zeros(count) for _ in range(4))
    b[0], H[0], Q = residual, path * path / 2 * up, 0.0
    for tau in range(1, count):
        Tb[tau - 1] = T[tau - 1] * b[tau - 1] * up
        moved = float(phi[tau - 1 :: -1] @ Tb[:tau]) if tau > 1 else 0.0
        perturbed = (frozen[tau] + lipschitz * (rate0 * Q + H[tau - 1] + moved * up) * up) * up
        b[tau] = min(contraction * b[tau - 1] * up, perturbed)
        T[tau] = min(path, (T[tau - 1] + gamma * norm_ball * b[tau - 1] * up) * up)
        H[tau] = min(path, b[tau] / net * up) * (path + T[tau]) / 2 * up
        H[tau] = min(H[tau], H[tau - 1])  # what is left of the path only shrinks
        Q = (rate0 * Q + (H[tau - 1] - H[tau])) * up
    shown = frozen if estimated is None else estimated
    return Forecast(b, shown, evidence)


def frozen_curve(gram: IntervalMatrix, r: IntervalMatrix, gamma: Bound, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Bound ‖(I−γK)^τ r‖ from above for τ < count, and estimate it.

    Args:
        gram: (m, m) K = MMᵀ, with γK ⪯ I. r: (m,) the residual.
        gamma: 2c·step.

    Returns:
        Upper bounds (evidence proved), and the norms of the computed iterates (estimated).

    Notes:
        v₊ = v − γKv in floats; with ‖I − γK‖ ≤ 1 the errors of the steps add up. The error of one is at most κ‖v‖:
        (m+4)u·γ‖K‖_F for the product, 4u for the rest, γ‖K − mid‖_F for the radius.
    """
    m, u = gram.shape[0], 2.0**-53
    G, g = gram.mid, gamma.mid
    size = float(np.linalg.norm(G)) * (1 + 1e-10)
    away = float(np.linalg.norm(gram.radius())) * (1 + 1e-10) if gram.rad is not None else 0.0
    spread = gamma.width * (size + away)
    kappa = ((m + 8) * u * g * size + 8 * u + gamma.upper * away + spread) * (1 + 1e-8)
    v = r.mid.astype(np.float64)
    error = float(np.linalg.norm(r.radius())) * (1 + 1e-10)
    tiny = 2.0**-1060 * m
    upper, shown = np.empty(count), np.empty(count)
    for tau in range(count):
        shown[tau] = length = float(np.linalg.norm(v))
        upper[tau] = (length * (1 + (m + 4) * u) + error) * (1 + 4 * u) + tiny
        error = (error + kappa * (length * (1 + (m + 4) * u) + tiny)) * (1 + 2 * u) + tiny
        v = v - g * (G @ v)
    return upper, shown
