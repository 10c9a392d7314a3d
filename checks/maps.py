"""Small maps θ ↦ r(θ) with ‖M(θ) − M(θ')‖ ≤ ‖θ − θ'‖ exactly known: on them every theorem about methods is attacked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Map:
    """r(θ) = r_0 + M_0θ + c·φ(⟨w,θ⟩) with ‖c‖ = ‖w‖ = 1, φ(0) = φ'(0) = 0, |φ''| ≤ 1: ℓ = 1.

    Args:
        M0: (m, p). c: (m,). w: (p,).
        kind: "quadratic" (φ'' = 1) or "oscillating" (φ'' = cos(ωt + phase)).
    """

    M0: np.ndarray
    c: np.ndarray
    w: np.ndarray
    left: np.ndarray
    kind: str = "quadratic"
    omega: float = 1.0
    phase: float = 0.0

    @property
    def size(self) -> int:
        """m."""
        return self.M0.shape[0]

    @property
    def width(self) -> int:
        """p."""
        return self.M0.shape[1]

    @property
    def ends(self) -> tuple[float, float]:
        """Bounds of the smallest and largest singular value of M_0."""
        values = np.linalg.svd(self.M0, compute_uv=False)
        return float(values[-1]) * (1 - 1e-12), float(values[0]) * (1 + 1e-12)

    def _slope(self, t: float) -> float:
        if self.kind == "quadratic":
            return t
        return float((np.sin(self.omega * t + self.phase) - np.sin(self.phase)) / self.omega)

    def _value(self, t: float) -> float:
        if self.kind == "quadratic":
            return t * t / 2
        o, p = self.omega, self.phase
        return float((np.cos(p) - np.cos(o * t + p)) / o**2 - t * np.sin(p) / o)

    def residual(self, r0: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """r(θ)."""
        return np.asarray(r0 + self.M0 @ theta + self.c * self._value(float(self.w @ theta)))

    def jacobian(self, theta: np.ndarray) -> np.ndarray:
        """M(θ)."""
        return np.asarray(self.M0 + np.outer(self.c, self.w) * self._slope(float(self.w @ theta)))

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """A direction of the residual: half of the time along the weakest singular vector."""
        d = self.left[:, 0] * rng.choice([-1, 1]) if rng.random() < 0.5 else rng.normal(size=self.size)
        return np.asarray(d / np.linalg.norm(d))

    def nudged(self, rng: np.random.Generator, size: float) -> Map:
        """A neighbour with the same M_0, for local searches."""
        c = self.c + size * rng.normal(size=self.size) / np.sqrt(self.size)
        w = self.w + size * rng.normal(size=self.width) / np.sqrt(self.width)
        omega, phase = self.omega * np.exp(size * rng.normal() / 2), self.phase + size * rng.normal()
        return replace(self, c=c / np.linalg.norm(c), w=w / np.linalg.norm(w), omega=float(omega), phase=float(phase))


def draw_map(
    rng: np.random.Generator, spread: float = 3.0, kinds: tuple[str, ...] = ("quadratic", "oscillating")
) -> Map:
    """Draw a map: σ_min(M_0) = 1, ‖M_0‖ up to e^spread; c, w often along singular vectors."""
    m = int(rng.integers(1, 7))
    p = m + int(rng.integers(0, 4))
    U, _ = np.linalg.qr(rng.normal(size=(m, m)))
    V, _ = np.linalg.qr(rng.normal(size=(p, p)))
    values = np.exp(np.linspace(0, rng.uniform(0, spread), m)) if m > 1 else np.ones(1)
    M0 = (U * values) @ V[:, :m].T
    c, w = rng.normal(size=m), rng.normal(size=p)
    if rng.random() < 0.6:
        c = U[:, 0] * rng.choice([-1, 1]) + (rng.normal(size=m) * 0.3 if rng.random() < 0.3 else 0)
        w = V[:, 0] + (0 if rng.random() < 0.6 else rng.normal(size=p) * rng.choice([0.3, 1]))
    kind = str(rng.choice(kinds))
    omega, phase = float(np.exp(rng.uniform(-1, 3))), float(rng.uniform(0, 2 * np.pi))
    return Map(M0, c / np.linalg.norm(c), w / np.linalg.norm(w), U, kind, omega, phase)
