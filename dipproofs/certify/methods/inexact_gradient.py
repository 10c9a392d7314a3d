"""The floating-point iterates of gradient descent: floor and number of iterations (docs/theory-methods.md §4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import flint
import numpy as np
import sympy as sp

from dipproofs.certify.methods.decide import BITS, Decision, decide
from dipproofs.certify.methods.floats import MARGIN, evaluate_floats
from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.enclosures.evaluate import call
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


class Told(Protocol):
    """What the theorem is given on balls around the point where the program stands."""

    @property
    def residual(self) -> Bound:
        """R_0."""

    @property
    def sigma(self) -> Bound:
        """s_A there."""

    @property
    def evidence(self) -> Evidence:
        """The weakest of what is given."""

    def floats(self, rho: np.ndarray) -> Mapping[sp.Symbol, Any]:
        """Estimate what the theorem is given at many radii."""

    def balls(self, rho: float) -> Mapping[sp.Symbol, Any]:
        """Bound it at one radius, each at the end that makes a claim weaker."""


def prove(told: Told) -> Floor | None:
    """Search for ρ and b' in floats and decide; None where nothing is proved."""
    if not (told.sigma.lower > 0 and 0 < told.residual.upper < math.inf):
        return None
    rho, share = (x.ravel() for x in np.meshgrid(RADII * told.residual.upper / told.sigma.lower, SLACKS, indexing="ij"))
    env = {**told.floats(rho), s.rho: rho}
    with np.errstate(all="ignore"):
        left = np.maximum(env[s.sigma_AJ] - env[s.lipschitz_AJ] * rho, 0)
        env[theory.slack] = share * left / env[s.norm_AJ_ball]
    conditions = theory.INEXACT_GRADIENT.conditions
    env = evaluate_floats(theory.CONSTANTS, env, tuple(condition.margin for condition in conditions))
    with np.errstate(all="ignore"):
        good = np.all([env[i] >= 0 for i in range(len(conditions))], axis=0) & (env[m.contraction] < 1)
        score = np.where(good & (env[theory.F_rho] > 0), env[theory.floor], np.inf)
    for i in np.argsort(score)[:3]:
        if not math.isfinite(float(score[i])):
            return None
        found = _decided(told, float(rho[i]), float(env[theory.slack][i]))
        if found is not None:
            return found
    return None


def _decided(told: Told, rho: float, slack: float) -> Floor | None:
    with flint.ctx.workprec(BITS):
        decision = decide(theory.INEXACT_GRADIENT, told.balls(rho), {s.rho: rho, theory.slack: slack * (1 - MARGIN)})
        if decision.verdict is not Verdict.PROVED or not decision.env[m.contraction] < 1:
            return None
        env = decision.env
        fall = (env[s.psi_0] / env[theory.floor]).log() / -env[m.contraction].log()
        kept = call(theory.steps_below, env).lower()
        count, more = float(fall.upper()), float(kept)
    if not (count < 1e15 and more >= 0):
        return None
    floor = Bound.from_arb(env[theory.floor], told.evidence)
    return Floor(decision, floor, math.ceil(count * (1 + 1e-12)), min(math.floor(more * (1 - 1e-12)), 10**15))
