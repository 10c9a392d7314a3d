"""Decide every hypothesis at a proposed radius, in Arb (docs/theory.md §2, §3)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import flint
import numpy as np

from dipproofs.certificate.record import Hypothesis
from dipproofs.certify.constants import (
    Environment,
    evaluate,
    float_cumulative,
    integral_lower,
    integral_upper,
)
from dipproofs.certify.quantities import NAMES, Base
from dipproofs.certify.refute import refute
from dipproofs.certify.search import Candidate, largest_radius
from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.enclosures.evaluate import call
from dipproofs.theory import symbols as s
from dipproofs.theory.hypothesis import Hypothesis as Condition

BITS = 128
#: A step shorter than the one used by more than this factor is no advice: the loss would hardly fall with it.
SHORTEST = 1e-3


@dataclass
class Decision:
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
        return Verdict.of_all(hypothesis.verdict for hypothesis in self.hypotheses)


class Evaluator:
    """Evaluates a candidate in Arb; one instance per candidate."""

    def __init__(self, base: Base, candidate: Candidate) -> None:
        self.base, self.candidate, self.plan = base, candidate, candidate.plan
        self.evidence = max((b.evidence for b in base.values.values()), default=Evidence.PROVED)
        self.start: Environment = {symbol: bound.arb() for symbol, bound in base.values.items()}
        self.gamma = flint.arb(candidate.gamma)
        self.theorem = self.plan.theorem
        self.env: Environment = {}

    def run(self) -> Decision:
        """Decide everything; hypotheses come in the order step, those on the radius, injective, H."""
        with flint.ctx.workprec(BITS):
            rho = flint.arb(self.candidate.rho)
            self.env = evaluate(self.plan, self.start, rho, self.effective_gamma)
            decision = Decision()
            decision.hypotheses.append(self._step())
            further = dict(self.theorem.form.hypotheses) | dict(self.theorem.architecture.hypotheses)
            decision.hypotheses += [self._further(id, condition) for id, condition in further.items()]
            decision.hypotheses.append(self._injective())
            decision.hypotheses.append(self._hypothesis_H())
            if decision.verdict is Verdict.REFUTED:
                decision.hypotheses = self._at_any_radius(decision.hypotheses)
            self._record(decision)
            return decision

    @property
    def effective_gamma(self) -> Any:
        """γ, multiplied by 2c in forms about the residual."""
        if self.theorem.form.scaled_step and self.base.residual_scale is not None:
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
            reason = f"{_open_margin(relative)}; {fail}"
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
        condition, limit = self.theorem.hypotheses["step"], self.theorem.form.limit
        size = call(condition.relation.lts, env)
        largest = limit * env[s.gamma] / size  # the size is proportional to the step
        sharp = largest.is_finite()
        largest = largest if sharp else limit * env[s.gamma] / flint.arb(size.upper())  # the size may be 0
        fail = self._step_reason(float(largest.mid()), "of at most" if condition.closed else "below", sharp)
        if condition.closed:
            return self._closed("step", condition.text, size, limit, fail)
        return self._decide("step", condition.text, limit - size, fail, flint.arb(limit))

    def _step_reason(self, largest: float, word: str, sharp: bool) -> str:
        """A shorter step where that may help: not where the program chose it, nor one by which no loss would fall."""
        cure = self.theorem.hypotheses["H"].cure
        if self.candidate.free:
            return cure
        shorter = f"{word} {_shorter(largest, self)}"
        exact = self.base.residual_scale is not None  # the squared loss: Λ is what it is everywhere
        useful = SHORTEST * float(self.effective_gamma.mid()) <= largest < math.inf
        if useful or (exact and sharp):
            return f"use a step {shorter}"
        if not sharp:
            return (
                f"the curvature on this ball has no useful bound, so that no step is known to be short enough; {cure}"
            )
        return (
            f"steps that the theorem allows here, {shorter}, would be too short to be of use; {cure}, or use "
            'schedule = "backtracking", which needs no bound on the step'
        )

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

    def _further(self, id: str, condition: Condition) -> Hypothesis:
        """A hypothesis on the radius, relative to its larger side, which must be positive."""
        scale = call(condition.scale, self.env)
        if scale > 0:
            return self._closed(id, condition.text, call(condition.relation.lts, self.env), scale, condition.cure)
        found = self.bound(scale)
        reason = condition.positive_cure.format(found=f"[{found.lower:.2g}, {found.upper:.2g}]")
        return Hypothesis(id, condition.positive, found.gt(0), None, reason)

    def _injective(self) -> Hypothesis:
        condition = self.theorem.hypotheses["injective"]
        return self._decide("injective", condition.text, call(condition.margin, self.env), condition.cure)

    def _hypothesis_H(self) -> Hypothesis:
        env, expr, condition = self.env, self.theorem.integrand, self.theorem.hypotheses["H"]
        lower = integral_lower(expr, env, env[s.rho]) * env[s.omega]
        upper = integral_upper(expr, env, env[s.rho]) * env[s.omega]
        psi = env[s.psi_0]
        # between the two rules lies the true integral
        total = lower.union(upper) if lower.is_finite() and upper.is_finite() else flint.arb.nan()
        share = max(self.candidate.margin_ratio, 0.0) + 0.0  # not −0
        fail = (
            f"at radius ρ = {self.candidate.rho:.3g} the left side is about {share:.2g} of what is "
            f"needed; {condition.cure}"
        )
        return self._decide("H", condition.text, total - psi, fail, psi)

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
    def _record(self, decision: Decision) -> None:
        env = self.env
        values: dict[Any, Bound] = dict(self.base.values)
        skip = {s.gamma, s.rho, s.loss_gradient, s.loss_curvature}
        for symbol, ball in env.items():  # in this order: that of a set differs between processes
            if symbol not in values and symbol not in skip:
                values[symbol] = self.bound(ball)
        values[s.gamma] = Bound.exact(self.candidate.gamma)
        values[s.rho] = Bound.exact(self.candidate.rho)
        if all(h.verdict is Verdict.PROVED for h in decision.hypotheses) or self.evidence is not Evidence.PROVED:
            values[s.S], values[s.F_inf] = self._path_bound()
        values |= self._reported()
        decision.values = values
        decision.quantities = {NAMES[symbol]: bound for symbol, bound in values.items() if symbol in NAMES}
        absent = [symbol for symbol in self.theorem.architecture.optional if symbol not in values]
        decision.quantities |= {NAMES[symbol]: None for symbol in absent}

    def _path_bound(self) -> tuple[Bound, Bound]:
        """Enclose S, the root of ω∫₀^S = ψ_0, and F_∞ = F(S)."""
        env, expr = self.env, self.theorem.integrand
        guess = self._float_root()
        psi, omega = env[s.psi_0], env[s.omega]
        high, low = self.candidate.rho, 0.0
        for slack in (1e-7, 1e-5, 1e-3, 0.01):
            trial = guess * (1 + slack)
            if trial < high and omega * integral_lower(expr, env, flint.arb(trial)) >= psi:
                high = trial
                break
        for slack in () if self.base.at_bound else (1e-7, 1e-5, 1e-3, 0.01, 0.1, 0.5):
            trial = guess * (1 - slack)
            if trial > low and omega * integral_upper(expr, env, flint.arb(trial)) <= psi:
                low = trial
                break
        F = self.theorem.F
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

    def _reported(self) -> dict[Any, Bound]:
        """What the form states besides: sizes, unbounded where they are not known."""
        env, values = dict(self.env), dict[Any, Bound]()
        for symbol, expr in self.theorem.reported:
            env[symbol] = call(expr, env)
            found = self.bound(env[symbol])
            values[symbol] = found if found.is_finite else Bound(0.0, math.inf, self.evidence)
        if self.theorem.radius is not None:
            values[s.R] = self.paper_radius()
        return values

    def paper_radius(self) -> Bound:
        """Enclose the root of R = σ_min(J_0)/(2ℓ(R)); ℓ increases with R, so the root is unique."""
        guess = largest_radius(self.theorem, dict(self.base.weaker_ends))
        if not (0 < guess < math.inf):
            return Bound(guess, guess, self.evidence) if guess == math.inf else Bound(0.0, math.inf, self.evidence)

        def defect(R: float) -> Any:
            return call(self.theorem.radius, {**self.start, s.rho: flint.arb(R)}) - self.start[s.sigma_min_J]

        low = next((guess * (1 - d) for d in (0, 1e-8, 1e-6, 1e-4) if defect(guess * (1 - d)) <= 0), 0.0)
        high = next((guess * (1 + d) for d in (1e-8, 1e-6, 1e-4) if defect(guess * (1 + d)) >= 0), math.inf)
        return Bound(low, high, self.evidence)


def _open_margin(margin: Bound) -> str:
    """Why a margin decides nothing."""
    if math.isfinite(margin.lower) and math.isfinite(margin.upper):
        return f"the enclosure of the margin, [{margin.lower:.2g}, {margin.upper:.2g}], contains 0"
    return "the margin has no finite enclosure"


def _shorter(limit: float, evaluator: Evaluator) -> str:
    scale = evaluator.base.residual_scale
    factor = scale.upper if evaluator.theorem.form.scaled_step and scale is not None else 1.0
    return f"{limit / factor * 0.99:.3g}"
