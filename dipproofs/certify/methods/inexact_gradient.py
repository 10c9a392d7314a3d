"""The floating-point iterates of gradient descent: floor and number of iterations (docs/theory-methods.md §4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import flint
import numpy as np

from dipproofs.certify.methods.decide import BITS, Decision, call, decide
from dipproofs.certify.methods.heavy_ball import ROOM, evaluate_floats
from dipproofs.certify.methods.setting import Ball
from dipproofs.enclosures import Bound, Verdict
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import inexact_gradient as theory
from dipproofs.theory.methods import symbols as m

RADII = np.geomspace(1.001, 60.0, 40)
SLACKS = np.array([0.01, 0.03, 0.1, 0.2, 0.35, 0.5])


@dataclass(frozen=True)
class Floor:
    """What is proved about the iterates that were really computed.

    Args:
        decision: proved. residual: the floor R_fl. iterations: until it is reached, at most. kept: for at least so many
            further iterations the residual stays below it.
    """

    decision: Decision
    residual: Bound
    iterations: int
    kept: int


def prove(residual: Bound, sigma: Bound, ball: Ball, gamma: Bound, absolute: Bound, relative: Bound) -> Floor | None:
    """Search for ρ and b' in floats and decide; None where nothing is proved.

    Args:
        residual: R_0. sigma: s_A(θ_0). ball: bounds on balls, profile s_{A0} − ℓt.
        gamma: 2c·step. absolute, relative: a, b with ‖e‖ ≤ a + b‖∇f‖ on the ball.
    """
    if not (sigma.lower > 0 and 0 < residual.upper < math.inf and absolute.is_finite and relative.is_finite):
        return None
    rho, share = (x.ravel() for x in np.meshgrid(RADII * residual.upper / sigma.lower, SLACKS, indexing="ij"))
    _, norm, lipschitz = ball.floats(rho)
    env = {
        s.psi_0: residual.upper, s.sigma_AJ: sigma.lower, s.lipschitz_AJ: lipschitz, s.norm_AJ_ball: norm,
        s.gamma: gamma.upper, theory.error_absolute: absolute.upper, theory.error_relative: relative.upper,
        s.rho: rho, theory.slack: share * np.maximum(sigma.lower - lipschitz * rho, 0) / norm,
    }  # fmt: skip
    conditions = theory.INEXACT_GRADIENT.conditions
    env = evaluate_floats(theory.CONSTANTS, env, tuple(condition.margin for condition in conditions))
    with np.errstate(all="ignore"):
        good = np.all([env[i] >= 0 for i in range(len(conditions))], axis=0) & (env[m.contraction] < 1)
        score = np.where(good & (env[theory.F_rho] > 0), env[theory.floor], np.inf)
    order = np.argsort(score)[:3]
    for i in order:
        if not math.isfinite(float(score[i])):
            return None
        found = _decided(residual, sigma, ball, gamma, absolute, relative, float(rho[i]), float(env[theory.slack][i]))
        if found is not None:
            return found
    return None


def _decided(
    residual: Bound, sigma: Bound, ball: Ball, gamma: Bound, absolute: Bound, relative: Bound, rho: float, slack: float
) -> Floor | None:
    with flint.ctx.workprec(BITS):
        _, norm, lipschitz = ball.balls(rho)
        known = {
            s.psi_0: flint.arb(residual.upper), s.sigma_AJ: flint.arb(sigma.lower), s.lipschitz_AJ: lipschitz,
            s.norm_AJ_ball: norm, s.gamma: gamma.arb(), theory.error_absolute: flint.arb(absolute.upper),
            theory.error_relative: flint.arb(relative.upper),
        }  # fmt: skip
        evidence = max(b.evidence for b in (residual, sigma, gamma, absolute, relative))
        decision = decide(theory.INEXACT_GRADIENT, known, {s.rho: rho, theory.slack: slack * (1 - ROOM)})
        if decision.verdict is not Verdict.PROVED or not decision.env[m.contraction] < 1:
            return None
        env = decision.env
        fall = (env[s.psi_0] / env[theory.floor]).log() / -env[m.contraction].log()
        kept = call(theory.steps_below, env).lower()
        count, more = float(fall.upper()), float(kept)
    if not (count < 1e15 and more >= 0):
        return None
    floor = Bound.from_arb(env[theory.floor], evidence)
    return Floor(decision, floor, math.ceil(count * (1 + 1e-12)), min(math.floor(more * (1 - 1e-12)), 10**15))
