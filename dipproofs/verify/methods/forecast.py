"""Check `guarantees.forecast`: the proved curve, made again from the verifier's K = MMᵀ (docs/theory-methods.md §7)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import arb

from dipproofs.theory import symbols as s
from dipproofs.verify.arithmetic.expressions import upper
from dipproofs.verify.arithmetic.slices import Matrix

LONGEST = 4000


class Curve:
    """b_0, b_1, … of the theorem, rounded up.

    Args:
        K: MMᵀ. residual: r, (m, 1).
        env: balls of γ (2c·step), ψ_0, ℓ_A, M_ρ, s_A, ‖M‖; S at its upper end; F_∞ and x.
        length: last iteration.

    Raises:
        ValueError: a length that is none, or a theorem that does not apply.

    Notes:
        Sums of non-negative floats: n additions and multiplications lose at most a factor 1 − n·2⁻⁵², which ``up``
        gives back. The frozen curve is that of computed vectors; with ‖I − γK‖ ≤ 1 their errors add up.
    """

    def __init__(self, K: Matrix, residual: Matrix, env: Mapping[Any, arb], length: object) -> None:
        if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= LONGEST:
            raise ValueError(f"length: found {length!r}, expected an integer from 1 to {LONGEST}")
        gamma, net = env[s.gamma], env[s.F_inf] - env.get(s.curvature_drift, arb(0))
        if not (gamma * env[s.norm_AJ_ball] ** 2 <= 1 and gamma * env[s.norm_AJ] ** 2 <= 1 and net > 0):
            raise ValueError("found a forecast, expected none: it needs γM² ≤ 1 and F_∞ > x")
        self.count, self.up = length + 1, 1 + (length + 99) * 2.0**-51
        self.contraction = _above(1 - gamma * env[s.F_inf] * net)
        self.bounds = self._curve(self._frozen(K, residual, gamma), env, _below(net))

    def _frozen(self, K: Matrix, residual: Matrix, gamma: arb) -> np.ndarray:
        G, v, g = K.floats(), residual.floats().ravel(), float(gamma.mid())
        size, away = _above(K.size), _above((K - K.like(G)).size)
        rounding = (G.shape[0] + 9) * 2.0**-53 * (g * size + 9)
        kappa = (rounding + _above(gamma) * away + _above(abs(gamma - g)) * size) * self.up
        error = _above((residual - Matrix.of(v)).size)
        found = np.empty(self.count)
        for tau in range(self.count):
            length = float(np.linalg.norm(v)) * (1 + (v.size + 8) * 2.0**-52)
            found[tau] = (length + error) * self.up
            error = (error + kappa * length) * (1 + 2.0**-51) + 2.0**-1050
            v = v - g * (G @ v)
        return found

    def _curve(self, frozen: np.ndarray, env: Mapping[Any, arb], net: float) -> np.ndarray:
        up, gamma, ell = self.up, _above(env[s.gamma]), _above(env[s.lipschitz_AJ])
        S, ball = _above(env[s.S]), _above(env[s.norm_AJ_ball])
        low, high = _below(env[s.gamma] * env[s.sigma_AJ] ** 2), min(1.0, _above(env[s.gamma] * env[s.norm_AJ] ** 2))
        rho_0 = (1 - low) * up
        places = np.clip(1 / (2 * np.arange(self.count) + 1.0), low, high)
        phi = np.array([_smoothing(gamma, float(w), j) for j, w in enumerate(places)]) * up
        b, moved = np.zeros(self.count), np.zeros(self.count)
        b[0], path, tail, smooth = _above(env[s.psi_0]), 0.0, S * S / 2 * up, 0.0
        for tau in range(1, self.count):
            moved[tau - 1] = path * b[tau - 1] * up
            drift = float(np.dot(phi[:tau][::-1], moved[:tau])) * up
            b[tau] = min(
                self.contraction * b[tau - 1] * up, (frozen[tau] + ell * (rho_0 * smooth + tail + drift) * up) * up
            )
            path = min(S, (path + gamma * ball * b[tau - 1] * up) * up)
            after = min(tail, min(S, b[tau] / net * up) * (S + path) / 2 * up)
            smooth, tail = (rho_0 * smooth + (tail - after)) * up, after
        return b

    def after(self, count: int) -> float:
        """Bound the residual norm after so many iterations."""
        if count < self.count:
            return float(self.bounds[count])
        more = arb(self.contraction) ** (count - self.count + 1) * arb(float(self.bounds[-1]))
        return _above(more)


def _smoothing(gamma: float, w: float, j: int) -> float:
    return _above((arb(gamma) * arb(w)).sqrt() * (1 - arb(w)) ** j)


def _above(x: arb) -> float:
    return math.nextafter(float(upper(x)), math.inf)


def _below(x: arb) -> float:
    return math.nextafter(float(arb(x.lower())), -math.inf)
