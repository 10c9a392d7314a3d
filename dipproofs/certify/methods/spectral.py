"""A forecast of the residual of gradient descent that follows the spectrum of MMᵀ (docs/theory-methods.md §7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.enclosures import Bound, IntervalMatrix

#: Every entry of the recursion is raised by this much: more than its few hundred roundings, and the powers, can lose.
_UP = 1 + 2.0**-40
#: A condition of the theorem is asked for with this slack, so that another arithmetic decides it alike.
_MARGIN = 1e-6
#: Of ‖r‖, ‖Mᵀr‖, ‖M⁺r‖ and ‖K‖: their squares, and what is a rounding of them, must be far inside the floats' range.
_SMALLEST, _LARGEST = 1e-120, 1e120


@dataclass(frozen=True)
class Frozen:
    """What gradient descent would do if M stayed what it is; upper bounds after each number of iterations.

    Args:
        residual: ‖(I−γK)^τ r‖. step: γ‖Mᵀ(I−γK)^τ r‖. distance: ‖M⁺(I − (I−γK)^τ)r‖.
        shown: ‖(I−γK)^τ r‖ in floats (estimated).
    """

    residual: np.ndarray
    step: np.ndarray
    distance: np.ndarray
    shown: np.ndarray


@dataclass(frozen=True)
class Forecast:
    """Bounds of the residual after each iteration.

    Args:
        proved: b_0 … b_T, R_{t+τ} ≤ b_τ (evidence as of what was given).
        frozen: ‖(I−γK_t)^τ r_t‖, what would happen with a constant Jacobian (estimated).
        contraction: per iteration, after the curve.
    """

    proved: np.ndarray
    frozen: np.ndarray
    contraction: float

    def first_below(self, residual: float) -> int | None:
        """The first iteration at which the bound is at most that; None if the curve ends before."""
        below = self.proved <= residual
        return int(np.argmax(below)) if below.any() else None


def squares_are_floats(residual: float, norm: float) -> bool:
    """Whether the curves, which are roots of sums of squares, keep their digits: floats say 0 for (10⁻¹⁶³)².

    Args:
        residual: upper bound of ‖r‖. norm: ‖M‖.

    Example:
        >>> squares_are_floats(1e-9, 0.1), squares_are_floats(1e-161, 1.0), squares_are_floats(1e-90, 1e40)
        (True, False, False)
        >>> squares_are_floats(1.0, 1e90)
        False
    """
    if not norm > 0:
        return False
    return all(_SMALLEST <= size <= _LARGEST for size in (residual, residual * norm, residual / norm, norm * norm))


def smoothing(count: int, gamma: float, low: float, high: float) -> np.ndarray:
    """φ_j for j < count, from above: max of √γ√w(1−w)^j over w in [low, high] ⊂ [0, 1]."""
    j = np.arange(count, dtype=np.float64)
    return np.asarray(np.sqrt(gamma * _place(j, 2.0, low, high)) * _power(_place(j, 2.0, low, high), j))


def smoothed_twice(count: int, low: float, high: float) -> np.ndarray:
    """χ_j for j < count, from above: max of w(1−w)^j over w in [low, high] ⊂ [0, 1]."""
    j = np.arange(count, dtype=np.float64)
    return np.asarray(_place(j, 1.0, low, high) * _power(_place(j, 1.0, low, high), j))


def delay(count: int, gamma: float, sigma: float) -> np.ndarray:
    """κ_j for j < count, from above: (1−(1−w)^j)/σ ≤ min(1, √(jw))/σ for w = γσ² ≤ 1."""
    j = np.arange(count, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.minimum(np.divide(1.0, sigma), np.sqrt(gamma * j)) * (1 + 1e-14)


def _place(j: np.ndarray, factor: float, low: float, high: float) -> np.ndarray:
    return np.asarray(np.clip(1 / (factor * j + 1), low, high))


def _power(w: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(j * np.log1p(-np.minimum(w, 1 - 1e-16))) * (1 + 1e-9))


class Recursion:
    """b_τ, d_τ, δ_τ of the theorem, one iteration after the other, rounded up.

    Args:
        residual: upper bound of R_t. gamma: 2c·step. lipschitz, norm_ball: ℓ_A, M_ρ of the certificate.
        sigma: lower bound of s_A(θ_t). norm: upper bound of ‖M(θ_t)‖, γ·norm² ≤ 1.
        path: upper bound of S. net: lower bound of F_∞ − x. contraction: upper bound of 1 − γF_∞(F_∞−x).

    Notes:
        The sums are sums of non-negative numbers in float64: each is raised by more than (T+8)·2⁻⁵³ for T terms.
    """

    def __init__(
        self,
        frozen: Frozen,
        *,
        residual: float,
        gamma: Bound,
        lipschitz: float,
        norm_ball: float,
        sigma: float,
        norm: float,
        path: float,
        net: float,
        contraction: float,
    ) -> None:
        count = len(frozen.residual)
        self.up = max(1 + (count + 64) * 2.0**-51, _UP)
        self.frozen, self.gamma, self.least_gamma = frozen, gamma.upper, gamma.lower
        self.lipschitz, self.norm_ball, self.sigma = lipschitz, norm_ball, sigma
        self.path, self.net, self.contraction = path, net, contraction
        low, high = gamma.lower * sigma**2 * (1 - 1e-12), min(1.0, gamma.upper * norm**2 * (1 + 1e-12))
        self.rate = (1 - low) * self.up
        self.phi = smoothing(count, gamma.upper, low, high) * self.up
        self.chi = smoothed_twice(count, low, high) * self.up
        self.kappa = delay(count, gamma.upper, sigma) * self.up
        self.b, self.d, self.step, self.turned, self.pushed = (np.zeros(count) for _ in range(5))
        self.b[0] = residual
        self.step[0] = self._step(0)
        self._total = self._sum = 0.0
        for tau in range(1, count):
            self._iterate(tau)

    def _iterate(self, tau: int) -> None:
        i, up, ell = tau - 1, self.up, self.lipschitz
        b, d, step, turned, pushed = self.b, self.d, self.step, self.turned, self.pushed
        pushed[i] = ell * d[i] * b[i] * up
        self._sum = (self._sum + pushed[i]) * (1 + 2.0**-52)
        later = float(self.kappa[i:0:-1] @ turned[:i]) if i else 0.0  # κ_0 = 0: the last turn moves nothing yet
        d[tau] = min(
            self.path,
            (d[i] + step[i]) * up,
            (self.frozen.distance[tau] + later * up + self.gamma * self._sum * up) * up,
        )
        turned[i] = ell * (d[i] + d[tau]) * step[i] / 2 * up
        self._total = (self.rate * self._total + turned[i]) * up
        smooth = float(self.phi[i::-1] @ pushed[:tau])
        b[tau] = min(
            self.contraction * b[i] * up,
            self._local(d[i], b[i], step[i]) * b[i] * up,
            (self.frozen.residual[tau] + self._total + smooth * up) * up,
        )
        step[tau] = self._step(tau)

    def _step(self, tau: int) -> float:
        up, gamma, b = self.up, self.gamma, self.b[tau]
        own = gamma * self.lipschitz * self.d[tau] * b * up
        smooth = float(self.phi[tau - 1 :: -1] @ self.turned[:tau]) if tau else 0.0
        twice = float(self.chi[tau - 1 :: -1] @ self.pushed[:tau]) if tau else 0.0
        followed = (self.frozen.step[tau] + smooth * up + gamma * twice * up + own) * up
        return float(min(self.path, b / self.net * up, gamma * self.norm_ball * b * up, followed))

    def _local(self, away: float, b: float, step: float) -> float:
        """What the residual falls by from a point that far away, 1 where that is not known."""
        sigma = (self.sigma - self.lipschitz * away * self.up) * (1 - 2.0**-50)
        if not (sigma > 0 and step * self.lipschitz <= sigma * (1 - _MARGIN)):
            return 1.0
        left = 1 - self.lipschitz * self.gamma * b / 2 * self.up
        return 1 - self.least_gamma * sigma * sigma * max(left, 0.0) * (1 - 2.0**-48)

    @property
    def afterwards(self) -> float:
        """The contraction of every iteration after the last: of the whole path, or of what is left of it."""
        left = self.b[-1] / self.net * self.up
        local = self._local(float(self.d[-1] + left) * self.up, float(self.b[-1]), float(left))
        return min(self.contraction, local * self.up)


def forecast(frozen: Frozen, **known: float | Bound) -> Forecast:
    """Bound R_{t+τ} for τ < len(frozen.residual); ``known`` as in `Recursion`."""
    made = Recursion(frozen, **known)  # type: ignore[arg-type]
    return Forecast(made.b, frozen.shown, made.afterwards)


def frozen_curves(gram: IntervalMatrix, r: IntervalMatrix, gamma: Bound, count: int) -> Frozen:
    """Bound the frozen curves from above for τ < count.

    Args:
        gram: (m, m) K = MMᵀ, with γK ⪯ I. r: (m,) the residual.
        gamma: 2c·step.

    Returns:
        Upper bounds (evidence proved), and the norms of the computed iterates (estimated).

    Notes:
        v₊ = v − γKv in floats; with ‖I − γK‖ ≤ 1 the errors of the steps add up. The error of one is at most κ‖v‖:
        (m+4)u·γ‖K‖_F for the product, 4u for the rest, γ‖K − mid‖_F for the radius. The step is √⟨v, Kv⟩ and the
        distance √⟨z, r − v⟩ with z = γΣv, as Kz = r − v.
    """
    m, u = gram.shape[0], 2.0**-53
    G, g = gram.mid, gamma.mid
    size = float(np.linalg.norm(G)) * (1 + 1e-10)
    away = float(np.linalg.norm(gram.radius())) * (1 + 1e-10) if gram.rad is not None else 0.0
    spread = gamma.width * (size + away)
    kappa = ((m + 8) * u * g * size + 8 * u + gamma.upper * away + spread) * (1 + 1e-8)
    square = (2 * m + 32) * u * size + away  # error of ⟨v, Gv⟩ as ⟨v, Kv⟩, over ‖v‖²
    top = float(np.sqrt(size + away)) * (1 + 1e-10)
    start = r.mid.astype(np.float64)
    v, z, tiny = start, np.zeros(m), 2.0**-1060 * m
    error = first = float(np.linalg.norm(r.radius())) * (1 + 1e-10)
    rounding_of_z = 0.0  # ‖z − its float‖
    residual, step, distance, shown = (np.empty(count) for _ in range(4))
    for tau in range(count):
        shown[tau] = length = float(np.linalg.norm(v))
        length = length * (1 + (m + 4) * u) + tiny
        residual[tau] = (length + error) * (1 + 4 * u)
        moved = G @ v
        inside = max(float(v @ moved), 0.0) + square * length * length
        step[tau] = gamma.upper * (np.sqrt(inside) + top * error) * (1 + 16 * u) + tiny
        size_z, gone = float(np.linalg.norm(z)) * (1 + (m + 4) * u), start - v
        far = float(np.linalg.norm(gone)) * (1 + (m + 4) * u)
        lost = rounding_of_z * (far + first + error) + size_z * (first + error + (m + 8) * u * far)
        distance[tau] = np.sqrt(max(float(z @ gone), 0.0) + lost * (1 + 1e-8)) * (1 + 8 * u) + tiny
        rounding_of_z += (gamma.upper * error + (gamma.width + 4 * u * g) * length + 4 * u * size_z) * (1 + 1e-8) + tiny
        z = z + g * v
        error = (error + kappa * length) * (1 + 2 * u) + tiny
        v = v - g * moved
    return Frozen(residual, step, distance, shown)
