"""Runs of heavy ball, Nesterov's method and Adam on small maps, against everything that their theorems promise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from checks.known_balls import ConstantBall
from checks.maps import Map, draw_map
from dipproofs.certify.methods import heavy_ball, nesterov
from dipproofs.certify.methods.decide import BITS, Decision
from dipproofs.certify.methods.setting import Direction, Setting
from dipproofs.enclosures import Bound
from dipproofs.theory.methods import symbols as m

PRODUCERS: dict[str, Any] = {"heavy-ball": heavy_ball, "nesterov": nesterov}
#: Fewer radii than in a certificate: the attacks need many searches.
RADII = np.geomspace(0.6, 30.0, 9)


@dataclass(frozen=True)
class Instance:
    """A map with a starting direction, a state and a method."""

    kind: str
    mapping: Map
    direction: np.ndarray
    velocity: np.ndarray  # of v, in units of R_0
    gamma: float
    beta: float

    def setting(self, R0: float) -> Setting:
        """What the theorem is told at residual R_0."""
        sigma, norm = self.mapping.ends
        r, M, h = R0 * self.direction, self.mapping.M0, math.sqrt(self.gamma)
        D = h * R0 * self.velocity
        newton = float((np.linalg.pinv(M) @ r) @ D)
        scalars = [_around(float(x)) for x in (np.linalg.norm(D), r @ (M @ D), newton)]
        gradient = _around(float(np.linalg.norm(M.T @ r)))
        return Setting(
            _around(R0), gradient, ConstantBall(sigma, norm, 1.0), Direction(*scalars), self.gamma, self.beta
        )

    def margin_ratio(self, R0: float) -> float:
        """ρ/S at the most promising parameters: above 1 where the hypotheses hold."""
        sigma = self.mapping.ends[0]
        return float(PRODUCERS[self.kind].propose(self.setting(R0), RADII * R0 / sigma).margin_ratio)

    def limit(self, steps: int = 8) -> float | None:
        """The largest residual found for which the hypotheses seem to hold."""
        low, high = 0.0, 0.45
        for _ in range(steps):
            middle = (low + high) / 2
            low, high = (middle, high) if self.margin_ratio(middle) > 1 else (low, middle)
        return low or None


def _around(x: float) -> Bound:
    return Bound.exact(x) * Bound(1 - 1e-13, 1 + 1e-13)


def draw(rng: np.random.Generator, kind: str) -> Instance | None:
    """Draw a method with a momentum around the critical one of its step."""
    mapping = draw_map(rng)
    sigma, norm = mapping.ends
    x_M = rng.uniform(0.2, 1.3 if kind == "heavy-ball" else 0.9)
    gamma = (x_M / norm) ** 2
    share = rng.choice([0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0, 1.3, 2, 4, 8]) * math.sqrt(gamma) * sigma
    if share >= 0.95:
        return None
    velocity = rng.normal(size=mapping.width)
    velocity *= rng.choice([0, 0, 0.5, 1.0, 3.0]) / np.linalg.norm(velocity)
    return Instance(kind, mapping, mapping.start(rng), velocity, float(gamma), float((1 - share) ** 2))


def follow(instance: Instance, R0: float, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residual norms, step lengths and positions of a run."""
    h, beta, mapping = math.sqrt(instance.gamma), instance.beta, instance.mapping
    r0, v, theta = R0 * instance.direction, R0 * instance.velocity, np.zeros(mapping.width)
    R, lengths, places = [], [], []
    for _ in range(count):
        r, M = mapping.residual(r0, theta), mapping.jacobian(theta)
        gradient = h * M.T @ r
        v = beta * v - gradient
        step = v if instance.kind == "heavy-ball" else beta * v - gradient
        R.append(float(np.linalg.norm(r)))
        lengths.append(h * float(np.linalg.norm(step)))
        places.append(theta)
        theta = theta + h * step
        if not R[-1] < 1e6 or R[-1] < 1e-12 * R[0]:
            break
    return np.array(R), np.array(lengths), np.array([*places, theta])


def levels(kind: str, decision: Decision, count: int) -> np.ndarray:
    """W_0 … W_count of the scalar recursion, one step at a time."""
    recursion, values = PRODUCERS[kind].levels(decision), [flint.arb(decision.env[m.W_0].upper())]
    with flint.ctx.workprec(BITS):
        for _ in range(count):
            values.append(flint.arb((values[-1] * recursion.factor(dict(decision.env), values[-1])).upper()))
    return np.array([float(W.mid()) for W in values])


def broken(instance: Instance, decision: Decision, R0: float, count: int = 250) -> tuple[list[str], float]:
    """What a run violates of path, residual bounds and limit, and path/S."""
    R, lengths, places = follow(instance, R0, count)
    S = decision.bound(m.path).upper
    env = {key: float(decision.env[key].mid()) for key in (m.d_R, m.W_0, m.contraction)}
    factor = instance.beta if instance.kind == "heavy-ball" else 1.0
    W = levels(instance.kind, decision, min(len(R) - 1, 12))
    found = []
    if lengths.sum() > S * (1 + 1e-9):
        found.append("path")
    bound = np.sqrt(factor * env[m.W_0] * env[m.contraction] ** np.arange(len(R)) / env[m.d_R])
    seen = 1e-11 * R[0] < R
    if (R[seen] > bound[seen] * (1 + 1e-9)).any():
        found.append("rate")
    if (R[: len(W)] > np.sqrt(factor * W / env[m.d_R]) * (1 + 1e-9)).any():
        found.append("recursion")
    settled = R[-1] < 1e-8 * R[0]
    if settled and np.linalg.norm(places[-1] - places[0]) > S * (1 + 1e-6):
        found.append("limit")
    return found, float(lengths.sum() / S)


def proved_at_limit(instance: Instance) -> tuple[float, Decision] | None:
    """The instance scaled to the limit of its hypotheses, with a proved decision."""
    R0 = instance.limit()
    for factor in (1.0, 0.98, 0.9):
        if R0 is None:
            return None
        setting = instance.setting(factor * R0)
        sigma = instance.mapping.ends[0]
        proposal = PRODUCERS[instance.kind].propose(setting, RADII * factor * R0 / sigma)
        decision = PRODUCERS[instance.kind].prove(setting, proposal)
        if decision is not None and decision.verdict.value == "proved":
            return factor * R0, decision
    return None
