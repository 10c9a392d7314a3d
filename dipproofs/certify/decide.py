"""Decide every hypothesis at a proposed radius, in Arb (docs/theory.md §2, §3)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.certificate.record import Hypothesis
from dipproofs.certify.constants import (
    Environment,
    call,
    evaluate,
    float_cumulative,
    integral_lower,
    integral_upper,
    integrand,
)
from dipproofs.certify.quantities import NAMES, Base
from dipproofs.certify.refute import refute
from dipproofs.certify.search import Candidate, pessimistic
from dipproofs.certify.search import paper_radius as estimated_paper_radius
from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.theory import PROFILES, conditions, forms
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import CONSTANTS
from dipproofs.theory.theorem import theorem

BITS = 128


@dataclass
class Decided:
    """Hypotheses and quantities at one radius.

    Args:
        hypotheses: with verdicts.
        quantities: enclosures by JSON name.
        values: the same by symbol, with x and slope for the residual form.
    """

    hypotheses: list[Hypothesis] = field(default_factory=list)
    quantities: dict[str, Bound | None] = field(default_factory=dict)
    values: dict[Any, Bound] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Proved if every hypothesis is, refuted if one is, else undecided."""
        result = Verdict.PROVED
        for hypothesis in self.hypotheses:
            result = result & hypothesis.verdict
        return result


class Judge:
    """Evaluates a candidate in Arb; one instance per candidate."""

    def __init__(self, base: Base, candidate: Candidate) -> None:
        self.base, self.candidate, self.plan = base, candidate, candidate.plan
        self.evidence = max((b.evidence for b in base.values.values()), default=Evidence.PROVED)
        self.start: Environment = {symbol: bound.arb() for symbol, bound in base.values.items()}
        self.gamma = flint.arb(candidate.gamma)
        self.theorem = theorem(self.plan.form, self.plan.profile, self.plan.train)
        self.env: Environment = {}

    def run(self) -> Decided:
        """Decide everything; hypotheses come in the order step, injective, H (and paper)."""
        with flint.ctx.workprec(BITS):
            rho = flint.arb(self.candidate.rho)
            self.env = evaluate(self.plan, self.start, rho, self.effective_gamma)
            decided = Decided()
            decided.hypotheses.append(self._step())
            if self.plan.form == "paper":
                decided.hypotheses.append(self._radius())
            decided.hypotheses.append(self._injective())
            decided.hypotheses.append(self._hypothesis_H())
            if decided.verdict is Verdict.REFUTED:
                decided.hypotheses = self._at_any_radius(decided.hypotheses)
            self._record(decided)
            return decided

    @property
    def effective_gamma(self) -> Any:
        """γ, multiplied by 2c in the residual form."""
        if self.plan.residual and self.base.residual_scale is not None:
            return self.gamma * self.base.residual_scale.arb()
        return self.gamma

    def bound(self, ball: Any) -> Bound:
        """Return a ball as a Bound with the weakest evidence of the base."""
        return Bound.from_arb(ball, self.evidence)

    # --- hypotheses ---------------------------------------------------------------------------------
    def _decide(self, id: str, statement: str, margin: Any, fail: str, scale: Any = None) -> Hypothesis:
        """Decide margin > 0 and report it relative to ``scale``."""
        relative = self.bound(margin / scale if scale is not None else margin)
        absolute = self.bound(margin)
        verdict = absolute.gt(0)
        reason = ""
        if self.evidence is not Evidence.PROVED:
            side = "holds" if absolute.lower > 0 else "fails"
            reason = f"{side} for {self.evidence} values only; {self._cure()}"
        elif verdict is Verdict.REFUTED:
            reason = fail
        elif verdict is Verdict.UNDECIDED:
            reason = f"the enclosure of the margin, [{relative.lower:.2g}, {relative.upper:.2g}], contains 0; {fail}"
        return Hypothesis(id, statement, verdict, relative, reason)

    def _cure(self) -> str:
        if self.evidence is Evidence.ASSUMED:
            return "prove the assumptions on the loss, or use one of the losses whose constants are derived"
        return 'use arithmetic = "proved" to decide'

    def _step(self) -> Hypothesis:
        """γ is admissible at the chosen radius; refuted only if it is not even at ρ = 0."""
        found = self._step_at(self.env)
        if found.verdict is Verdict.REFUTED and self._step_at(self.at_start()).verdict is not Verdict.REFUTED:
            reason = f"fails at radius ρ = {self.candidate.rho:.3g}, not at smaller ones; {found.reason}"
            return replace(found, verdict=Verdict.UNDECIDED, reason=reason)
        return found

    def _step_at(self, env: Environment) -> Hypothesis:
        relation = self.theorem.hypotheses["step"].relation
        size, limit = call(relation.lts, env), int(relation.gts)
        closed = isinstance(relation, sp.Le)
        largest = float((limit * env[s.gamma] / size).mid())  # the size is proportional to the step
        fail = f"use a step {'of at most' if closed else 'below'} {_shorter(largest, self)}"
        statement = str(relation) if self.plan.residual else f"q = gamma*L {'<=' if closed else '<'} {limit}"
        if closed:
            return self._closed("step", statement, size, limit, fail)
        return self._decide("step", statement, limit - size, fail, flint.arb(limit))

    def _closed(self, id: str, statement: str, value: Any, limit: Any, fail: str) -> Hypothesis:
        """Decide value ≤ limit."""
        result = self._decide(id, statement, limit - value, fail, flint.arb(limit))
        if result.verdict is Verdict.PROVED or self.evidence is not Evidence.PROVED:
            return result
        if value <= limit:
            return Hypothesis(id, statement, Verdict.PROVED, result.margin, "")
        if not value > limit:
            return Hypothesis(id, statement, Verdict.UNDECIDED, result.margin, result.reason or fail)
        return result

    def at_start(self) -> Environment:
        """The constants at ρ = 0, where they are smallest."""
        return evaluate(self.plan, self.start, flint.arb(0), self.effective_gamma)

    def _radius(self) -> Hypothesis:
        """ρ ≤ R, that is 2ρℓ(ρ) ≤ σ_min(J_0)."""
        sigma, relation = self.env[s.sigma_min_J], self.theorem.hypotheses["radius"].relation
        fail = 'the network is too narrow for the paper\'s radius R; increase the width, or use form = "best"'
        if sigma > 0:
            statement = "rho <= R = sigma_min(J_0)/(2*Lip(J))"
            return self._closed("radius", statement, call(relation.lts, self.env), sigma, fail)
        found = self.bound(sigma)
        reason = (
            f"J(θ_0) is not shown to be onto R^n, σ_min(J_0) is in [{found.lower:.2g}, {found.upper:.2g}]: the paper's "
            "theorem does not apply; train both layers or increase the width"
        )
        return Hypothesis("radius", "sigma_min(J_0) > 0", found.gt(0), None, reason)

    def _injective(self) -> Hypothesis:
        value = call(self.theorem.hypotheses["injective"].margin, self.env)
        statement = "F(rho) > x" if self.plan.residual else "F(rho) > 0"
        fail = "injectivity is lost inside the ball; certify at a later iterate, or increase the width"
        return self._decide("injective", statement, value, fail)

    def _hypothesis_H(self) -> Hypothesis:
        env, expr = self.env, integrand(self.plan)
        lower = integral_lower(expr, env, env[s.rho]) * env[s.omega]
        upper = integral_upper(expr, env, env[s.rho]) * env[s.omega]
        psi = env[s.psi_0]
        # between the two rules lies the true integral
        total = lower.union(upper) if lower.is_finite() and upper.is_finite() else flint.arb.nan()
        statement = (
            "Integral(F - x, (t, 0, rho)) > R_0" if self.plan.residual else "omega*Integral(F, (t, 0, rho)) > psi(f_0)"
        )
        share = max(self.candidate.reach, 0.0) + 0.0  # not −0
        fail = (
            f"at radius ρ = {self.candidate.rho:.3g} the left side is about {share:.2g} of what is "
            "needed; certify at a later iterate (smaller loss), or increase the width"
        )
        return self._decide("H", statement, total - psi, fail, psi)

    def _at_any_radius(self, found: list[Hypothesis]) -> list[Hypothesis]:
        """A hypothesis that fails at the chosen radius is refuted only if it fails at every radius (and step)."""
        impossible, result = refute(self), []
        none = (
            "no step and no radius satisfy (H)"
            if self.candidate.free
            else f"no radius satisfies (H) with the step γ = {self.candidate.gamma:.3g}"
        )
        for hypothesis in found:
            if hypothesis.verdict is Verdict.REFUTED and hypothesis.id == "step" and self.candidate.free:
                reason = f"fails with the step γ = {self.candidate.gamma:.3g}, which is the program's choice"
                hypothesis = replace(hypothesis, verdict=Verdict.UNDECIDED, reason=f"{reason}; {hypothesis.reason}")
            elif hypothesis.verdict is Verdict.REFUTED and hypothesis.id != "step":
                if impossible and hypothesis.id == "H":
                    hypothesis = replace(hypothesis, reason=f"{none}: {hypothesis.reason}")
                else:
                    reason = f"fails at the most promising radius found; {hypothesis.reason}"
                    hypothesis = replace(hypothesis, verdict=Verdict.UNDECIDED, reason=reason)
            elif hypothesis.id == "H" and impossible:
                hypothesis = replace(hypothesis, verdict=Verdict.REFUTED, reason=none)
            result.append(hypothesis)
        return result

    # --- quantities ---------------------------------------------------------------------------------
    def _record(self, decided: Decided) -> None:
        env = self.env
        values: dict[Any, Bound] = dict(self.base.values)
        skip = {s.gamma, s.rho, s.loss_gradient, s.loss_curvature}
        for symbol, ball in env.items():  # in this order: that of a set differs between processes
            if symbol not in values and symbol not in skip:
                values[symbol] = self.bound(ball)
        values[s.gamma] = Bound.exact(self.candidate.gamma)
        values[s.rho] = Bound.exact(self.candidate.rho)
        if all(h.verdict is Verdict.PROVED for h in decided.hypotheses) or self.evidence is not Evidence.PROVED:
            values[s.S], values[s.F_inf] = self._path_bound()
        if self.plan.form == "paper":
            values |= self._paper_quantities()
        decided.values = values
        decided.quantities = {NAMES[symbol]: bound for symbol, bound in values.items() if symbol in NAMES}

    def _path_bound(self) -> tuple[Bound, Bound]:
        """Enclose S, the root of ω∫₀^S = ψ_0, and F_∞ = F(S)."""
        env, expr = self.env, integrand(self.plan)
        guess = self._float_root()
        psi, omega = env[s.psi_0], env[s.omega]
        high, low = self.candidate.rho, 0.0
        for slack in (1e-7, 1e-5, 1e-3, 0.01):
            trial = guess * (1 + slack)
            if trial < high and omega * integral_lower(expr, env, flint.arb(trial)) >= psi:
                high = trial
                break
        for slack in (1e-7, 1e-5, 1e-3, 0.01, 0.1, 0.5):
            trial = guess * (1 - slack)
            if trial > low and omega * integral_upper(expr, env, flint.arb(trial)) <= psi:
                low = trial
                break
        F = PROFILES[self.plan.profile].F
        least = self.bound(call(F, {**env, s.t: flint.arb(high)}))
        most = self.bound(call(F, {**env, s.t: flint.arb(low)}))
        return Bound(low, high, self.evidence), Bound(max(least.lower, 0.0), most.upper, self.evidence)

    def _float_root(self) -> float:
        """Estimate S on finer and finer grids; `_path_bound` encloses it."""
        env = {key: float(value.mid()) for key, value in self.env.items()}
        low, high = 0.0, self.candidate.rho
        psi = env[s.psi_0] / env[s.omega]
        for _ in range(7):
            grid = np.linspace(low, high, 65)
            first = int(np.argmax(float_cumulative(self.plan, env, grid[1:]) >= psi))
            low, high = float(grid[first]), float(grid[first + 1])
        return high

    def _paper_quantities(self) -> dict[Any, Bound]:
        env = {symbol: call(expr, self.env) for symbol, expr in (
            (s.nu_1, forms.paper_nu_1), (s.nu_2, forms.paper_nu_2))}  # fmt: skip
        values = {symbol: self.bound(ball) for symbol, ball in env.items()}
        if self.env[s.sigma_min_J] > 0:
            values[s.R_prime] = self.bound(call(conditions.R_prime, {**self.env, **env}))
        else:
            values[s.R_prime] = Bound(0.0, math.inf, self.evidence)
        values[s.R] = self.paper_radius()
        return values

    def paper_radius(self) -> Bound:
        """Enclose the root of R = σ_min(J_0)/(2ℓ(R)); ℓ increases with R, so the root is unique."""
        ell = CONSTANTS[self.plan.train].lipschitz_J_full
        guess = estimated_paper_radius(self.base, pessimistic(self.base))
        if not (0 < guess < math.inf):
            return Bound(guess, guess, self.evidence) if guess == math.inf else Bound(0.0, math.inf, self.evidence)

        def defect(R: float) -> Any:
            point = flint.arb(R)
            return 2 * point * call(ell, {**self.start, s.rho: point}) - self.start[s.sigma_min_J]

        low = next((guess * (1 - d) for d in (0, 1e-8, 1e-6, 1e-4) if defect(guess * (1 - d)) <= 0), 0.0)
        high = next((guess * (1 + d) for d in (1e-8, 1e-6, 1e-4) if defect(guess * (1 + d)) >= 0), math.inf)
        return Bound(low, high, self.evidence)


def _shorter(limit: float, judge: Judge) -> str:
    scale = judge.base.residual_scale
    factor = scale.upper if judge.plan.residual and scale is not None else 1.0
    return f"{limit / factor * 0.99:.3g}"
