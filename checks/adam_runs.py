"""Adam on small maps, from a state it really had, against the statement about its next N iterations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import flint
import numpy as np

from checks.maps import Map, draw_map
from dipproofs.certify.methods import adam
from dipproofs.certify.methods.setting import Direction
from dipproofs.enclosures import Bound
from dipproofs.theory.methods import adam as theory
from dipproofs.theory.methods import symbols as m


@dataclass(frozen=True)
class MetricBall:
    """Bounds in the metric P_0 for a map with ℓ = 1."""

    sigma: float
    norm: float
    largest: float
    columns: np.ndarray
    moments: np.ndarray

    def floats(self, rho: np.ndarray):  # type: ignore[no-untyped-def]
        """As the producer's protocol."""
        ell = self.largest * rho
        moved = math.sqrt(self.largest) * np.asarray(rho)
        ratio = (((self.columns[:, None] + moved[None, :]) ** 2) / self.moments[:, None]).max(axis=0)
        return self.sigma - ell, self.norm + ell, np.full_like(rho, self.largest), ratio

    def balls(self, rho: float):  # type: ignore[no-untyped-def]
        """As the producer's protocol."""
        return tuple(flint.arb(float(x[0])) for x in self.floats(np.array([rho])))


@dataclass(frozen=True)
class Options:
    """Of a run."""

    lr: float
    b1: float
    b2: float
    eps: float


def step(theta, first, second, t, g, o):  # type: ignore[no-untyped-def]
    """One iteration as torch makes it; t counts from 0."""
    first, second = o.b1 * first + (1 - o.b1) * g, o.b2 * second + (1 - o.b2) * g * g
    P = 1 / ((1 - o.b1 ** (t + 1)) * (np.sqrt(second / (1 - o.b2 ** (t + 1))) + o.eps))
    return theta - o.lr * P * first, first, second, P


def setting(mapping: Map, r0: np.ndarray, theta, first, second, t, o: Options) -> adam.AdamSetting:  # type: ignore[no-untyped-def]
    """What the theorem is told."""
    r, M = mapping.residual(r0, theta), mapping.jacobian(theta)
    g = M.T @ r
    after = o.b2 * second + (1 - o.b2) * g * g
    P = 1 / ((1 - o.b1 ** (t + 1)) * (np.sqrt(after / (1 - o.b2 ** (t + 1))) + o.eps))
    values = np.linalg.svd(M * np.sqrt(P), compute_uv=False)
    D = -o.lr * P * first
    newton = float((np.linalg.pinv(M * np.sqrt(P)) @ r) @ (D / np.sqrt(P)))
    exact = [float(np.sqrt(D @ (D / P))), float(g @ D), newton]
    around = [Bound.exact(x) * Bound(1 - 1e-12, 1 + 1e-12) for x in exact]
    ball = MetricBall(values[-1] * (1 - 1e-12), values[0], float(P.max()), np.linalg.norm(M, axis=0), after)
    residual = Bound.exact(float(np.linalg.norm(r))) * Bound(1 - 1e-13, 1 + 1e-13)
    top = Bound(0.0, float(after.max()) * (1 + 1e-12))
    return adam.AdamSetting(residual, ball, Direction(*around), top, adam.AdamOptions(o.lr, o.b1, o.b2, o.eps, t))


def falsify_adam(instances: int, seed: int, *, understate: float | None = None) -> dict[str, float]:
    """Certify along runs and follow them; ``understate`` multiplies δ₁ (a negative control)."""
    rng = np.random.default_rng(seed)
    done = violations = tried = refused = 0
    shares, factors = [], []
    while done < instances and tried < 40 * instances:
        tried += 1
        mapping = draw_map(rng, spread=1.0)
        o = Options(10 ** rng.uniform(-3, -1.7), 0.9, rng.choice([0.99, 0.999]), 10 ** rng.uniform(-8, -2))
        r0 = rng.uniform(0.05, 0.5) * mapping.start(rng)
        theta, first, second = (np.zeros(mapping.width) for _ in range(3))
        first_t = int(rng.integers(50, 500))
        for t in range(first_t):
            theta, first, second, _ = step(
                theta, first, second, t, mapping.jacobian(theta).T @ mapping.residual(r0, theta), o
            )
        R = float(np.linalg.norm(mapping.residual(r0, theta)))
        if not 1e-9 < R < 1:
            continue
        told = setting(mapping, r0, theta, first, second, first_t, o)
        decision = adam.prove(told, int(rng.choice([20, 100, 400])))
        if decision is None or decision.verdict.value != "proved":
            continue
        if understate is not None:
            chosen = {
                **decision.parameters,
                theory.metric_change: decision.parameters[theory.metric_change] * understate,
            }
            known = adam.given(told, float(decision.parameters[adam.s.rho]))
            refused += adam.decide(adam.theory.ADAM, known, chosen).verdict.value != "proved"
            done += 1
            continue
        done += 1
        N = int(decision.parameters[m.horizon])
        rho2, R_hat = (float(decision.env[x].upper()) for x in (m.contraction, m.R_hat))
        S, path, bad, metric = decision.bound(m.path).upper, 0.0, False, None
        for tau in range(N):
            r = mapping.residual(r0, theta)
            bad |= float(np.linalg.norm(r)) > R_hat * rho2 ** (tau / 2) * (1 + 1e-9) + 1e-14
            before = theta
            theta, first, second, P = step(theta, first, second, first_t + tau, mapping.jacobian(theta).T @ r, o)
            metric = P if metric is None else metric
            path += float(np.sqrt(((theta - before) ** 2 / metric).sum()))
        end = float(np.linalg.norm(mapping.residual(r0, theta)))
        bad |= path > S * (1 + 1e-9) or end > adam.residual_factor(told, decision).upper * R * (1 + 1e-9) + 1e-14
        violations += bad
        shares.append(path / S)
        factors.append(N)
    found = {"tried": tried, "instances": done, "violations": violations, "refused": refused}
    return found | {"largest path/S": max(shares, default=0.0), "median N": float(np.median(factors or [0]))}
