"""Bounds on balls for the theorems about methods, from an architecture and its profiles (docs/theory.md §3.1)."""

from __future__ import annotations

import flint
import numpy as np

from dipproofs.certify.constants import Plan, evaluate, float_call, float_evaluate
from dipproofs.certify.methods.decide import BITS
from dipproofs.certify.quantities import Base
from dipproofs.enclosures import Bound, Evidence
from dipproofs.enclosures.evaluate import call
from dipproofs.theory import symbols as s

#: The form whose constants are used: that of the residual, as all theorems about methods with a state.
FORM = "residual"


class ProfileBall:
    """s = F(ρ) of the best profile, M_ρ and ℓ_A(ρ) of the architecture; as `setting.Ball`.

    Args:
        base: quantities at the iterate.
    """

    def __init__(self, base: Base) -> None:
        self.base = base
        promising = base.architecture.promising
        self.plans = [Plan(FORM, profile, base.architecture) for profile in promising]
        self.evidence = Evidence.weakest(bound.evidence for bound in base.values.values())
        self.largest = float(base.values[s.ball_radius].lower) if s.ball_radius in base.values else np.inf

    def _profiles(self, rho: np.ndarray) -> tuple[np.ndarray, dict]:  # type: ignore[type-arg]
        start, found, env = dict(self.base.weaker_ends), [], {}
        for plan in self.plans:
            env = float_evaluate(plan, start, rho, 0.0)
            with np.errstate(all="ignore"):
                found.append(np.broadcast_to(float_call(plan.theorem.F, {**env, s.t: rho}), rho.shape))
        return np.nan_to_num(np.array(found), nan=-np.inf), env

    def floats(self, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Estimate (s, M_ρ, ℓ_A(ρ)) at many radii."""
        rho = np.asarray(rho, dtype=np.float64)
        found, env = self._profiles(rho)
        inside = np.where(rho <= self.largest, found.max(axis=0), -np.inf)
        norm, lipschitz = (np.broadcast_to(env[x], rho.shape) for x in (s.norm_AJ_ball, s.lipschitz_AJ))
        return inside, np.asarray(norm, np.float64), np.asarray(lipschitz, np.float64)

    def plan(self, rho: float) -> Plan:
        """The plan whose profile is best at a radius."""
        found, _ = self._profiles(np.array([rho]))
        return self.plans[int(np.argmax(found[:, 0]))]

    def balls(self, rho: float) -> tuple[flint.arb, flint.arb, flint.arb]:
        """Bound s from below, M_ρ and ℓ_A(ρ) from above, as points."""
        plan, env = self.plan(rho), self.constants(rho)
        with flint.ctx.workprec(BITS):
            injectivity = call(plan.theorem.F, {**env, s.t: flint.arb(rho)})
            if not rho <= self.largest or not injectivity.is_finite():
                return flint.arb.nan(), flint.arb.nan(), flint.arb.nan()
            upper = (flint.arb(env[x].upper()) for x in (s.norm_AJ_ball, s.lipschitz_AJ))
            return flint.arb(injectivity.lower()), *upper

    def constants(self, rho: float) -> dict:  # type: ignore[type-arg]
        """Balls of the base quantities and the constants at a radius; γ counts as 0."""
        with flint.ctx.workprec(BITS):
            start = {symbol: bound.arb() for symbol, bound in self.base.values.items()}
            return evaluate(self.plan(rho), start, flint.arb(rho), flint.arb(0))

    def profile(self, rho: float, t: float) -> Bound:
        """F(t) with the constants at a radius."""
        plan, env = self.plan(rho), self.constants(rho)
        with flint.ctx.workprec(BITS):
            return Bound.from_arb(call(plan.theorem.F, {**env, s.t: flint.arb(t)}), self.evidence)

    def quantities(self, rho: float) -> dict[object, Bound]:
        """The constants at a radius that a certificate states."""
        env = self.constants(rho)
        return {symbol: Bound.from_arb(env[symbol], self.evidence) for symbol, _ in self.base.architecture.constants}
