"""The floating-point search for a radius, a profile and a form; it proposes, `decide` disposes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.certify.constants import Environment, Plan, float_call, float_cumulative, float_evaluate, integrand
from dipproofs.certify.quantities import Base
from dipproofs.enclosures import Bound
from dipproofs.theory import FORMS, PROFILES
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import CONSTANTS
from dipproofs.theory.core import quantities

#: Radii tried: multiples of ψ_0/(ωF(0)), the smallest radius that could do.
_MULTIPLES = np.geomspace(1.0005, 400.0, 160)
#: The radius is chosen a little above the smallest feasible one, so that (H) holds with a margin.
_MARGIN = 1.05

#: Radii for `largest_psi`: multiples of ψ_0/F(0), which is far too much while ψ_0 is.
_FRACTIONS = np.geomspace(1e-7, 100.0, 200)
#: A multiple of ψ_0 at which the residual form's x is as good as 0.
_SMALL = 1e-14

_HINTS = {q.symbol: q.hint for q in quantities().values()}


@dataclass(frozen=True)
class Step:
    """How the step size is given: a fixed γ, or the γ with a given q = γL (resp. γM_ρ²) at the radius.

    Args:
        gamma: the step (the largest of the schedule from the certified iterate on), or None.
        q: the normalised step, used when gamma is None.
        free: the program chose it, so that it is no premise: shorter steps are tried, and nothing is refuted that
            holds with one of them.
    """

    gamma: float | None = None
    q: float = 1.0
    free: bool = False


@dataclass(frozen=True)
class Candidate:
    """A proposal: estimated values at a promising radius.

    Args:
        plan: form, profile and train mode.
        rho, gamma: radius and step.
        reach: sup over ρ of ω∫F/ψ_0 (estimated); (H) can hold iff it exceeds 1.
        rate: estimated decrease per step of ln of the residual (of ψ), to rank proposals.
        free: the step is the program's choice.
    """

    plan: Plan
    rho: float
    gamma: float
    reach: float
    rate: float
    free: bool = False

    @property
    def feasible(self) -> bool:
        """Whether the hypotheses seem to hold."""
        return self.reach > 1 and self.rate > 0


def pessimistic(base: Base) -> Environment:
    """Return the end of every base quantity that makes the theorem's claim weaker, as floats."""

    def end(symbol: Any, bound: Bound) -> np.float64:
        # powers of Python's floats raise when they overflow, NumPy's are then infinite
        return np.float64(max(bound.lower, 0.0) if _HINTS.get(symbol, "upper") == "lower" else bound.upper)

    return {symbol: end(symbol, bound) for symbol, bound in base.values.items()}


def plans(base: Base, form: str, concave_psi: bool) -> list[Plan]:
    """Return the form–profile pairs that apply to a form name ("best" for all but the paper's)."""
    if form == "paper":
        return [Plan("paper", "paper", base.train)]
    profiles = [p for p in PROFILES if p != "paper"]
    if base.train != "both":
        # with one layer trained the block profiles are never better than these
        profiles = ["row-space", "observation"]
    names = ["residual", "concave", "integral"] if form == "best" else [form]
    if base.residual_scale is None:
        names = [name for name in names if name != "residual"]
    if not concave_psi:
        names = [name for name in names if name != "concave"]
    return [Plan(name, profile, base.train) for name in names for profile in profiles]


@np.errstate(all="ignore")
def propose(base: Base, plan: Plan, step: Step, psi: float | None = None) -> Candidate:
    """Find the smallest radius at which (H) seems to hold.

    Args:
        base: quantities at the iterate.
        plan: form and profile.
        step: the step size.
        psi: use this in place of ψ_0 (to ask how small it would have to be).
    """
    env = pessimistic(base)
    if psi is not None:
        env[s.psi_0] = psi
    psi_0 = env[s.psi_0]
    F_0 = float(float_call(PROFILES[plan.profile].F, _at_start(plan, env, step, base)))
    if not (F_0 > 0 and psi_0 > 0 and math.isfinite(psi_0)):
        return Candidate(plan, math.nan, math.nan, 0.0, -math.inf, step.free)
    rho = psi_0 / F_0 * _MULTIPLES
    if plan.form == "paper":
        R = paper_radius(base, env)
        rho = np.append(rho[rho < R], R) if math.isfinite(R) else rho
    values = _values(plan, env, rho, step, base)
    for _ in range(3):
        # the ratio of the two sides of (H) at each radius
        ratio = np.where(np.isfinite(values["integral"]), values["omega"] * values["integral"] / psi_0, -np.inf)
        admissible = np.where(values["ok"], ratio, -np.inf)
        good = np.flatnonzero(admissible > 1)
        if not good.size:
            nearest = admissible if np.isfinite(admissible).any() else ratio
            best = int(np.argmax(nearest))
            reach = float(min(max(nearest[best], 0.0), 1.0))
            return Candidate(plan, float(rho[best]), float(values["gamma"][best]), reach, -math.inf, step.free)
        reach = float(admissible.max())
        first, last = int(good[0]), int(good[-1])
        target = min(rho[first] * _MARGIN, math.sqrt(rho[first] * rho[last]))
        chosen = int(np.argmin(np.where(admissible > 1, np.abs(np.log(rho / target)), np.inf)))
        if first == 0 or rho[first] / rho[first - 1] < 1.02:
            break
        rho = np.geomspace(rho[first - 1], rho[last], rho.size)
        values = _values(plan, env, rho, step, base)
    rate = _rate(plan, {key: _pick(value, chosen) for key, value in values["env"].items()}, base)
    return Candidate(plan, float(rho[chosen]), float(values["gamma"][chosen]), reach, rate, step.free)


def best(base: Base, form: str, step: Step, concave_psi: bool) -> list[Candidate]:
    """Return the proposals of a form, the fastest feasible first, then by how near they come."""
    found = [
        propose(base, plan, choice)
        for plan in plans(base, form, concave_psi)
        for choice in (_shorter_steps(step) if plan.residual or step.free else (step,))
    ]
    return sorted(found, key=lambda c: (not c.feasible, -c.rate if c.feasible else -c.reach))


def _shorter_steps(step: Step) -> tuple[Step, ...]:
    """Without a given γ, less than the largest may do: x is proportional to γ (residual), ω falls with q (others)."""
    return (step,) if step.gamma is not None else tuple(Step(None, step.q / 2**j, step.free) for j in range(6))


@np.errstate(all="ignore")
def largest_psi(base: Base, form: str, step: Step, concave_psi: bool) -> float:
    """Estimate the largest ψ_0 for which some plan would be feasible, the other quantities being as they are.

    Notes:
        At a radius ρ, (H) holds iff ψ_0 < ω∫F; in the residual form x = x₁ψ_0 is proportional to ψ_0, so that
        ∫F − ρx > ψ_0 and F(ρ) > x say ψ_0 < ∫F/(1 + ρx₁) and ψ_0 < F(ρ)/x₁. The largest over a grid of ρ is it.
    """
    return max((_largest_psi(base, plan, step) for plan in plans(base, form, concave_psi)), default=0.0)


def _largest_psi(base: Base, plan: Plan, step: Step) -> float:
    env = pessimistic(base)
    psi_0 = env[s.psi_0]
    env[s.psi_0] = psi_0 * _SMALL
    F_0 = float(float_call(PROFILES[plan.profile].F, _at_start(plan, env, step, base)))
    if not (F_0 > 0 and psi_0 > 0 and math.isfinite(psi_0)):
        return 0.0
    rho = psi_0 / F_0 * _FRACTIONS
    if plan.form == "paper":
        R = paper_radius(base, env)
        rho = np.append(rho[rho < R], R) if math.isfinite(R) else rho
    values = _values(plan, env, rho, step, base)
    limit = values["omega"] * values["integral"]
    if plan.residual:
        per_psi = values["env"][s.curvature_drift] / env[s.psi_0]
        F = float_call(PROFILES[plan.profile].F, {**values["env"], s.t: rho})
        limit = np.minimum(limit / (1 + rho * per_psi), F / np.maximum(per_psi, 1e-300))
    limit = np.where(values["ok"] & np.isfinite(limit), limit, 0.0)
    return float(limit.max())


def _at_start(plan: Plan, env: Environment, step: Step, base: Base) -> Environment:
    gamma = step.gamma if step.gamma is not None else 0.0
    return {**float_evaluate(plan, env, 0.0, _effective(plan, gamma, base)), s.t: 0.0}


def _effective(plan: Plan, gamma: Any, base: Base) -> Any:
    """In the residual form γ is multiplied by 2c for the loss c‖r‖²."""
    if plan.residual and base.residual_scale is not None:
        return gamma * base.residual_scale.upper
    return gamma


def _values(plan: Plan, env: Environment, rho: np.ndarray, step: Step, base: Base) -> dict[str, Any]:
    zero = np.zeros_like(rho)
    with np.errstate(all="ignore"):
        if step.gamma is None:
            free = float_evaluate(plan, env, rho, 1.0 + zero)
            size = free[s.norm_AJ_ball] ** 2 if plan.residual else free[s.lipschitz_grad]
            effective = step.q / size * (1 - 1e-8)
            scale = base.residual_scale.upper if plan.residual and base.residual_scale is not None else 1.0
            gamma = effective / scale
        else:
            gamma = step.gamma + zero
            effective = _effective(plan, gamma, base)
        full = float_evaluate(plan, env, rho, effective)
        if plan.residual:
            ok = effective * full[s.norm_AJ_ball] ** 2 <= 1
        else:
            q = full[s.q]
            form = FORMS[plan.form]
            ok = (q <= form.q_max) if form.closed else (q < form.q_max)
        ok = (ok & (float_call(integrand(plan), {**full, s.t: rho}) > 0)) | np.zeros_like(rho, bool)
        integral = float_cumulative(plan, full, rho)
    return {"env": full, "ok": ok, "omega": full[s.omega] + zero, "integral": integral, "gamma": gamma}


def _pick(value: Any, index: int) -> Any:
    return value[index] if np.ndim(value) == 1 else value


def _rate(plan: Plan, env: Environment, base: Base) -> float:
    """Estimate the decrease of ln R per step at the chosen radius (F there, a little below F_∞)."""
    with np.errstate(all="ignore"):
        F = float(float_call(PROFILES[plan.profile].F, {**env, s.t: env[s.rho]}))
        if plan.residual:
            factor = env[s.gamma] * F * (F - env[s.curvature_drift])
            return float(-math.log1p(-factor)) if 0 <= factor < 1 else -math.inf
        return float(env[s.gamma] * env[s.rate] * F**2)


def paper_radius(base: Base, env: Environment) -> float:
    """Estimate R, the root of R = σ_min(J_0)/(2ℓ(R)); inf when J is constant."""
    ell = CONSTANTS[base.train].lipschitz_J_full
    sigma = env[s.sigma_min_J]
    if ell == 0 or not sigma > 0:
        return math.inf if sigma > 0 else 0.0
    low, high = 0.0, sigma / (2 * float(float_call(ell, {**env, s.rho: 0.0})))
    for _ in range(200):
        middle = (low + high) / 2
        small = 2 * middle * float(float_call(ell, {**env, s.rho: middle})) <= sigma
        low, high = (middle, high) if small else (low, middle)
    return low * (1 - 1e-9)
