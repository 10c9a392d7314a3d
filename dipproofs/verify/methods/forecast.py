"""Check `guarantees.forecast`: the proved curve, made again from the verifier's K = MMᵀ (docs/theory-methods.md §7)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import arb

from dipproofs.theory import symbols as s
from dipproofs.verify.arithmetic.expressions import upper
from dipproofs.verify.arithmetic.splitting import Matrix

LONGEST = 4000
#: ‖r‖, ‖r‖‖M‖, ‖r‖/‖M‖ and ‖M‖² have to be between them: where squares underflow the curves would be too low. They are
#: a little wider than the producer's, as ‖K‖_F stands for ‖M‖².
SMALLEST, LARGEST = 1e-122, 1e122


class Frozen:
    """‖v_τ‖, γ‖Mᵀv_τ‖ and ‖M⁺(r − v_τ)‖ of v₊ = v − γKv, v_0 = r, from above.

    Notes:
        With ‖I − γK‖ ≤ 1 the errors of the computed vectors add up. ‖Mᵀv‖² = ⟨v, Kv⟩; with z = γ(v_0 + … + v_{τ−1}),
        Kz = r − v_τ, so that ‖M⁺(r − v_τ)‖² = ⟨z, r − v_τ⟩.
    """

    def __init__(self, K: Matrix, residual: Matrix, gamma: arb, count: int, up: float) -> None:
        G, start, g = K.floats(), residual.floats().ravel(), float(gamma.mid())
        m, size, away, most = len(G), _above(K.size), _above((K - K.like(G)).size), _above(gamma)
        apart, inexact = _above(abs(gamma - g)), _above((residual - Matrix.of(start)).size)
        kappa = ((m + 9) * 2.0**-53 * (g * size + 9) + most * away + apart * size) * up
        product = ((2 * m + 40) * 2.0**-53 * size + away) * up
        norm, longer = math.sqrt(size) * up, 1 + (m + 8) * 2.0**-52
        v, z, lost_v, lost_z = start, np.zeros(m), inexact, 0.0
        self.residual, self.step, self.distance = (np.empty(count) for _ in range(3))
        for tau in range(count):
            moved, gone = G @ v, start - v
            length, far, total = (float(np.linalg.norm(x)) * longer for x in (v, gone, z))
            self.residual[tau] = (length + lost_v) * up
            inside = max(float(v @ moved), 0.0) + product * length * length
            self.step[tau] = most * (math.sqrt(inside) + norm * lost_v) * up + 2.0**-1050
            wrong = lost_z * (far + inexact + lost_v) + total * (inexact + lost_v + (m + 9) * 2.0**-52 * far)
            self.distance[tau] = math.sqrt(max(float(z @ gone), 0.0) + wrong * up) * up + 2.0**-1050
            lost_z = (lost_z + most * lost_v + (apart + 2.0**-50 * g) * length + 2.0**-50 * total) * (1 + 2.0**-50)
            lost_v = (lost_v + kappa * length) * (1 + 2.0**-51) + 2.0**-1050
            v, z = v - g * moved, z + g * v


class Curve:
    """b_0, b_1, … of the theorem, rounded up, with d_τ and δ_τ, and the contraction of all later iterations.

    Args:
        K: MMᵀ. residual: r, (m, 1).
        env: balls of γ (2c·step), ψ_0, ℓ_A, M_ρ, s_A, ‖M‖; S at its upper end; F_∞ and x.
        length: last iteration.

    Raises:
        ValueError: a length that is none, or a theorem that does not apply.

    Notes:
        Sums of non-negative floats: n additions and multiplications lose at most a factor 1 − n·2⁻⁵², which ``up``
        gives back.
    """

    def __init__(self, K: Matrix, residual: Matrix, env: Mapping[Any, arb], length: object) -> None:
        if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= LONGEST:
            raise ValueError(f"length: found {length!r}, expected an integer from 1 to {LONGEST}")
        gamma, net = env[s.gamma], env[s.F_inf] - env.get(s.curvature_correction, arb(0))
        if not (gamma * env[s.norm_AJ_ball] ** 2 <= 1 and gamma * env[s.norm_AJ] ** 2 <= 1 and net > 0):
            raise ValueError("found a forecast, expected none: it needs γM² ≤ 1 and F_∞ > x")
        if not (gamma > 0 and env[s.sigma_AJ] > 0):
            raise ValueError("found a forecast, expected none: s_A is not known to be positive")
        norm = K.size.sqrt()  # not the claimed one, whose enclosure may be as wide as it likes
        sizes = (residual.size, residual.size * norm, residual.size / norm, K.size)
        if not all(SMALLEST < _above(size) < LARGEST for size in sizes):
            raise ValueError("found a forecast, expected none: squares of residual or Jacobian are no floats")
        self.count, self.up = length + 1, 1 + (length + 99) * 2.0**-51
        self.gamma, self.least = _above(gamma), _below(gamma)
        self.ell, self.ball, self.S = (_above(env[x]) for x in (s.lipschitz_AJ, s.norm_AJ_ball, s.S))
        self.net, self.sigma = _below(net), _below(env[s.sigma_AJ])
        self.contraction = _above(1 - gamma * env[s.F_inf] * net)
        low, high = _below(gamma * env[s.sigma_AJ] ** 2), min(1.0, _above(gamma * env[s.norm_AJ] ** 2))
        self._follow(Frozen(K, residual, gamma, self.count, self.up), _above(env[s.psi_0]), low, high)

    def _follow(self, frozen: Frozen, first: float, low: float, high: float) -> None:
        """Iterate the bounds; the newest entries of `turned` and `pushed` meet the earliest weights."""
        n, up, gamma, ell = self.count, self.up, self.gamma, self.ell
        phi = np.array([_largest(low, high, 0.5, j) for j in range(n)]) * math.sqrt(gamma) * up
        chi = np.array([_largest(low, high, 1.0, j) for j in range(n)]) * gamma * up
        kappa = np.minimum(1 / self.sigma, np.sqrt(gamma * np.arange(n))) * up
        b, turned, pushed = np.zeros(n), np.zeros(n), np.zeros(n)
        b[0], d, all_turned, all_pushed = first, 0.0, 0.0, 0.0
        step = self._step(first, frozen.step[0])
        for tau in range(1, n):
            i = tau - 1
            pushed[i] = ell * d * b[i] * up
            all_pushed = (all_pushed + gamma * pushed[i]) * (1 + 2.0**-51)
            followed = frozen.distance[tau] + float(np.dot(kappa[1:tau][::-1], turned[:i])) + all_pushed
            after = min(self.S, (d + step) * up, followed * up)
            turned[i] = ell * (d + after) / 2 * step * up
            all_turned = ((1 - low) * all_turned + turned[i]) * up
            followed = frozen.residual[tau] + all_turned + float(np.dot(phi[:tau][::-1], pushed[:tau]))
            b[tau] = min(self.contraction * b[i] * up, self._fall(d, b[i], step) * b[i] * up, followed * up)
            followed = frozen.step[tau] + float(np.dot(phi[:tau][::-1], turned[:tau]))
            followed += float(np.dot(chi[:tau][::-1], pushed[:tau])) + gamma * ell * after * b[tau] * up
            d, step = after, self._step(b[tau], followed * up)
        self.bounds = b
        left = b[-1] / self.net * up
        self.afterwards = min(self.contraction, self._fall((d + left) * up, b[-1], left) * up)

    def _step(self, b: float, followed: float) -> float:
        return min(self.S, b / self.net * self.up, self.gamma * self.ball * b * self.up, followed * self.up)

    def _fall(self, distance: float, b: float, step: float) -> float:
        """1 − γσ²(1 − ½ℓγb) at points so far away, where the step is at most σ/ℓ."""
        sigma = (self.sigma - self.ell * distance * self.up) * (1 - 2.0**-50)
        if not (sigma > 0 and step * self.ell * self.up <= sigma):
            return 1.0
        return 1 - self.least * sigma**2 * max(1 - self.ell * self.gamma * b / 2 * self.up, 0.0) * (1 - 2.0**-48)

    def after(self, count: int) -> float:
        """Bound the residual norm after so many iterations."""
        if count < self.count:
            return float(self.bounds[count])
        more = arb(self.afterwards) ** (count - self.count + 1) * arb(float(self.bounds[-1]))
        return _above(more)


def _largest(low: float, high: float, power: float, j: int) -> float:
    """The maximum of w^power·(1−w)^j on [low, high], at power/(power + j) cut to it."""
    w = arb(min(max(power / (power + j), low), high))
    return _above(w ** arb(power) * (1 - w) ** j)


def _above(x: arb) -> float:
    return math.nextafter(float(upper(x)), math.inf)


def _below(x: arb) -> float:
    return math.nextafter(float(arb(x.lower())), -math.inf)
