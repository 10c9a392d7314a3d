"""The floating-point search for a radius, a profile and a form; it proposes, `decide` disposes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.certify.constants import Environment, Plan, float_at, float_call, float_cumulative, float_evaluate
from dipproofs.certify.quantities import Base
from dipproofs.theory import FORMS
from dipproofs.theory import symbols as s
from dipproofs.theory.forms import BEST, SEARCHED, Form
from dipproofs.theory.theorem import Theorem, offered

#: Radii tried: multiples of ψ_0/(ωF(0)), the smallest radius that could do.
_MULTIPLES = np.geomspace(1.0005, 400.0, 160)
#: The radius is chosen a little above the smallest feasible one, so that (H) holds with a margin.
_MARGIN = 1.05

#: Radii for `largest_psi`: multiples of ψ_0/F(0), which is far too much while ψ_0 is.
_FRACTIONS = np.geomspace(1e-7, 100.0, 200)
#: A multiple of ψ_0 at which the residual form's x is as good as 0.
_SMALL = 1e-14

#: How many times a free step is halved.
_HALVINGS = 5


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
        plan: form, profile and architecture.
        rho, gamma: radius and step.
        margin_ratio: sup over ρ of ω∫F/ψ_0 (estimated); (H) can hold iff it exceeds 1.
        rate: estimated decrease per step of ln of the residual (of ψ), to rank proposals.
        free: the step is the program's choice.
    """

    plan: Plan
    rho: float
    gamma: float
    margin_ratio: float
    rate: float
    free: bool = False

    @property
    def feasible(self) -> bool:
        """Whether the hypotheses seem to hold."""
        return self.margin_ratio > 1 and self.rate > 0


def plans(base: Base, form: str, concave_psi: bool) -> list[Plan]:
    """Return the form–profile pairs that apply to a form name ("best" for all but the paper's)."""
    facts = _LossFacts(base.residual_scale is not None, concave_psi)
    forms = [FORMS[name] for name in (BEST if form == "best" else (form,))]
    if form == "best" and s.decrease in base.values:
        forms += SEARCHED.values()
    return [
        Plan(chosen.id, profile, base.architecture)
        for chosen in forms
        if chosen.admits(facts)
        for profile in _promising(chosen, base)
    ]


@dataclass(frozen=True)
class _LossFacts:
    projects_data: bool
    concave_psi: bool


def _promising(form: Form, base: Base) -> tuple[str, ...]:
    """The profiles to try, of those that form and architecture offer."""
    valid = offered(form, base.architecture.profiles)
    return valid if form.own_profile is not None else tuple(p for p in valid if p in base.architecture.promising)


@np.errstate(all="ignore")
def propose(base: Base, plan: Plan, step: Step, psi: float | None = None) -> Candidate:
    """Find the smallest radius at which (H) seems to hold.

    Args:
        base: quantities at the iterate.
        plan: form and profile.
        step: the step size.
        psi: use this in place of ψ_0 (to ask how small it would have to be).
    """
    env = dict(base.weaker_ends)
    if psi is not None:
        env[s.psi_0] = psi
    psi_0 = env[s.psi_0]
    F_0 = float(_at_start(plan, plan.theorem.F, env, step, base))
    if not (F_0 > 0 and psi_0 > 0 and math.isfinite(psi_0)):
        return Candidate(plan, math.nan, math.nan, 0.0, -math.inf, step.free)
    rho = _up_to(largest_radius(plan.theorem, env), psi_0 / F_0 * _MULTIPLES)
    values = _values(plan, env, rho, step, base)
    for _ in range(3):
        # the ratio of the two sides of (H) at each radius
        ratio = np.where(np.isfinite(values["integral"]), values["omega"] * values["integral"] / psi_0, -np.inf)
        admissible = np.where(values["ok"], ratio, -np.inf)
        good = np.flatnonzero(admissible > 1)
        if not good.size:
            nearest = admissible if np.isfinite(admissible).any() else ratio
            best = int(np.argmax(nearest))
            margin_ratio = float(min(max(nearest[best], 0.0), 1.0))
            return Candidate(plan, float(rho[best]), float(values["gamma"][best]), margin_ratio, -math.inf, step.free)
        margin_ratio = float(admissible.max())
        first, last = int(good[0]), int(good[-1])
        target = min(rho[first] * _MARGIN, math.sqrt(rho[first] * rho[last]))
        chosen = int(np.argmin(np.where(admissible > 1, np.abs(np.log(rho / target)), np.inf)))
        if first == 0 or rho[first] / rho[first - 1] < 1.02:
            break
        rho = np.geomspace(rho[first - 1], rho[last], rho.size)
        values = _values(plan, env, rho, step, base)
    rate = _rate(plan, {key: _pick(value, chosen) for key, value in values["env"].items()})
    return Candidate(plan, float(rho[chosen]), float(values["gamma"][chosen]), margin_ratio, rate, step.free)


def best(base: Base, form: str, step: Step, concave_psi: bool) -> list[Candidate]:
    """Return the proposals of a form, the fastest feasible first, then by how near they come."""
    found = [
        propose(base, plan, choice)
        for plan in plans(base, form, concave_psi)
        for choice in _steps(step, plan.theorem.form)
    ]
    return sorted(found, key=lambda c: (not c.feasible, -c.rate if c.feasible else -c.margin_ratio))


def _steps(step: Step, form: Form) -> tuple[Step, ...]:
    """Without a given γ, less than the largest may do: x is proportional to γ (residual), ω falls with q (others)."""
    if step.gamma is not None:
        return (step,)
    halvings = _HALVINGS if step.free else form.step_halvings
    return tuple(Step(None, step.q / 2**j, step.free) for j in range(halvings + 1))


def _up_to(limit: float, rho: np.ndarray) -> np.ndarray:
    """The radii below a limit, and the limit."""
    return np.append(rho[rho < limit], limit) if math.isfinite(limit) else rho


@np.errstate(all="ignore")
def largest_psi(base: Base, form: str, step: Step, concave_psi: bool) -> float:
    """Estimate the largest ψ_0 for which some plan would be feasible, the other quantities being as they are.

    Notes:
        At a radius ρ, (H) holds iff ψ_0 < ω∫F; in the residual form x = x₁ψ_0 is proportional to ψ_0, so that
        ∫F − ρx > ψ_0 and F(ρ) > x say ψ_0 < ∫F/(1 + ρx₁) and ψ_0 < F(ρ)/x₁. The largest over a grid of ρ is it.
    """
    return max((_largest_psi(base, plan, step) for plan in plans(base, form, concave_psi)), default=0.0)


def _largest_psi(base: Base, plan: Plan, step: Step) -> float:
    env = dict(base.weaker_ends)
    psi_0 = env[s.psi_0]
    env[s.psi_0] = psi_0 * _SMALL
    F_0 = float(_at_start(plan, plan.theorem.F, env, step, base))
    if not (F_0 > 0 and psi_0 > 0 and math.isfinite(psi_0)):
        return 0.0
    rho = _up_to(largest_radius(plan.theorem, env), psi_0 / F_0 * _FRACTIONS)
    values = _values(plan, env, rho, step, base)
    limit = values["omega"] * values["integral"]
    if s.curvature_correction in values["env"]:
        per_psi = values["env"][s.curvature_correction] / env[s.psi_0]
        F = float_call(plan.theorem.form.weakening * plan.theorem.F, {**values["env"], s.t: rho})
        limit = np.minimum(limit / (1 + rho * per_psi), F / np.maximum(per_psi, 1e-300))
    limit = np.where(values["ok"] & np.isfinite(limit), limit, 0.0)
    return float(limit.max())


def _at_start(plan: Plan, expr: Any, env: Environment, step: Step, base: Base) -> Any:
    """An expression at ρ = t = 0, and at γ = 0 where the step is free."""
    gamma = step.gamma if step.gamma is not None else 0.0
    return float_at(plan, expr, env, 0.0, gamma * _scale(plan, base))


def _scale(plan: Plan, base: Base) -> float:
    """What γ is multiplied by in the form: 2c for the loss c‖r‖², or 1."""
    scaled = plan.theorem.form.scaled_step and base.residual_scale is not None
    return base.residual_scale.upper if scaled and base.residual_scale is not None else 1.0


def _values(plan: Plan, env: Environment, rho: np.ndarray, step: Step, base: Base) -> dict[str, Any]:
    zero, theorem, scale = np.zeros_like(rho), plan.theorem, _scale(plan, base)
    relation = theorem.hypotheses["step"].relation
    with np.errstate(all="ignore"):
        if step.gamma is None:
            size = float_at(plan, relation.lts, env, rho, 1.0 + zero)
            effective = step.q / size * (1 - 1e-8)
            gamma = effective / scale + zero  # the size is one number where the Jacobian is constant
        else:
            gamma = step.gamma + zero
            effective = gamma * scale
        full = float_evaluate(plan, env, rho, effective)
        taken = float_call(relation.lts, full)
        ok = (taken <= theorem.form.limit) if theorem.form.closed else (taken < theorem.form.limit)
        if theorem.form.short is not None:
            ok &= (taken <= theorem.form.short) | (_at_start(plan, relation.lts, env, step, base) > theorem.form.short)
        ok = (ok & (float_call(theorem.integrand, {**full, s.t: rho}) > 0)) | np.zeros_like(rho, bool)
        integral = float_cumulative(plan, full, rho)
    return {"env": full, "ok": ok, "omega": full[s.omega] + zero, "integral": integral, "gamma": gamma}


def _pick(value: Any, index: int) -> Any:
    return value[index] if np.ndim(value) == 1 else value


def _rate(plan: Plan, env: Environment) -> float:
    """Estimate the decrease of ln R (of −Ψ) by a step at the chosen radius (F there, a little below F_∞)."""
    with np.errstate(all="ignore"):
        F = float(float_call(plan.theorem.F, {**env, s.t: env[s.rho]}))
        rate = float(float_call(plan.theorem.form.decrease, {**env, s.F_inf: np.float64(F)}))
    return rate if math.isfinite(rate) else -math.inf


def largest_radius(theorem: Theorem, env: Environment) -> float:
    """Estimate up to which radius the hypotheses on ρ hold; inf without any.

    Notes:
        The paper's R is the root of R = σ_min(J_0)/(2ℓ(R)), infinite when J is constant.
    """
    known = float(env[s.ball_radius]) if s.ball_radius in env else math.inf
    return known if theorem.radius is None else min(known, _paper_radius(theorem.radius, env))


def _paper_radius(product: Any, env: Environment) -> float:
    sigma = env[s.sigma_min_J]
    if product == 0 or not sigma > 0:
        return math.inf if sigma > 0 else 0.0
    low, high = 0.0, sigma / float(float_call(product / s.rho, {**env, s.rho: 0.0}))
    for _ in range(200):
        middle = (low + high) / 2
        small = float(float_call(product, {**env, s.rho: middle})) <= sigma
        low, high = (middle, high) if small else (low, middle)
    return low * (1 - 1e-9)
