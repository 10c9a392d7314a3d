"""The numbers behind the verdicts, compared closely: every rule of the certificate's arithmetic at hand-made values.

`test_criteria` decides many instances with a second procedure; here each step is taken alone, at values for which the
answer is known, so that a constant that is off by a little, or a rule that is applied one case too many, is seen.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from typing import Any

import flint
import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from checks.criteria import NUMBERS, Truth, base_of, numbers_of, train_of
from dipproofs.certify import constants, refute, search
from dipproofs.certify.constants import PANELS, Plan, float_cumulative, float_evaluate, integral_lower, integral_upper
from dipproofs.certify.decide import Decision, Evaluator
from dipproofs.certify.guarantees import at_both_ends, guarantee, scheduled_count
from dipproofs.certify.search import Candidate, Step, best, largest_psi, plans, propose
from dipproofs.descent import Backtracking, Constant, Cosine, Polynomial
from dipproofs.descent.stepsize import SAFETY, AutoStep
from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.losses import make_loss
from dipproofs.theory import PROFILES
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import ARCHITECTURES

HALF = make_loss("squared", scale="half")
TRAINS = ("both", "inner", "outer")


def evaluator_of(plan: Plan, rho: float, gamma: float, scale: float | None = 1.0, **changes: float) -> Evaluator:
    return Evaluator(
        base_of(numbers_of(train_of(plan), **changes), train_of(plan), scale), Candidate(plan, rho, gamma, 1.25, 1.0)
    )


def hypotheses(evaluator: Evaluator) -> dict[str, Any]:
    return {h.id: h for h in evaluator.run().hypotheses}


# --- quadrature -------------------------------------------------------------------------------------------
def test_rules_enclose_integrals_of_convex_functions() -> None:
    """Midpoints from below, trapezoids from above, 32 panels: the gap for t² on [0, e] is e³/(12·32²)·(½+1)·2."""
    assert PANELS == 32
    for end in (1.0, 3.0, 2.0**-20):
        with flint.ctx.workprec(128):
            low, high = (rule(s.t**2, {}, flint.arb(end)) for rule in (integral_lower, integral_upper))
            exact = flint.arb(end) ** 3 / 3
            panel = flint.arb(end) ** 3 / 32**2
            assert abs(exact - low - panel / 12) < 1e-30 and abs(high - exact - panel / 6) < 1e-30
            for rule in (integral_lower, integral_upper):  # both are exact on straight lines
                assert abs(rule(3 - s.t, {}, flint.arb(end)) - (3 * flint.arb(end) - flint.arb(end) ** 2 / 2)) < 1e-30
            three = [rule(sp.Integer(3), {}, flint.arb(end)) for rule in (integral_lower, integral_upper)]  # no symbols
            assert all(abs(value - 3 * flint.arb(end)) < 1e-30 for value in three)
    plan = Plan("concave", "observation", ARCHITECTURES["both"])
    env = {symbol: np.float64(value) for symbol, value in numbers_of("both").items()}
    ends = np.array([1e-3, 0.01, 0.1])
    full = float_evaluate(plan, env, ends, np.full(3, 0.1))
    for end, found in zip(ends, float_cumulative(plan, full, ends)):
        truth = Truth(numbers_of("both"), "concave", "observation", "both", float(end), 0.1)
        assert abs(found / float(truth.area(end)) - 1) < 1e-3


@pytest.mark.parametrize("form", ["residual", "concave", "integral", "paper"])
def test_float_and_ball_arithmetic_agree(form: str) -> None:
    """The search evaluates the same chain as the proof, symbol by symbol."""
    for train in TRAINS:
        for profile in PROFILES:
            if (profile == "paper") != (form == "paper"):
                continue
            plan = Plan(form, profile, ARCHITECTURES[train])
            numbers = numbers_of(train)
            balls = constants.evaluate(
                plan, {k: flint.arb(v) for k, v in numbers.items()}, flint.arb(0.02), flint.arb(0.05)
            )
            floats = float_evaluate(plan, {k: np.float64(v) for k, v in numbers.items()}, 0.02, 0.05)
            assert set(balls) == set(floats)
            for symbol, ball in balls.items():
                assert abs(float(ball.mid()) - float(floats[symbol])) <= 1e-12 * (1 + abs(float(floats[symbol])))
            assert plan.theorem.integrand.has(s.curvature_correction) == (form == "residual")


# --- reasons ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("form", ["residual", "concave", "integral"])
def test_the_step_that_is_advised_would_do(form: str, scale: float) -> None:
    """ "use a step of at most γ": γ is admissible at that radius, 3 % more is not."""
    plan = Plan(form, "observation", ARCHITECTURES["both"])
    found = hypotheses(evaluator_of(plan, 1e-3, 50.0, scale))["step"]
    advised = float(re.findall(r"use a step (?:of at most|below) ([0-9.e+-]+)", found.reason)[-1])
    assert found.verdict is Verdict.REFUTED and ("below" in found.reason) == (form != "integral")
    assert hypotheses(evaluator_of(plan, 1e-3, advised, scale))["step"].verdict is Verdict.PROVED
    assert hypotheses(evaluator_of(plan, 1e-3, advised * 1.03, scale))["step"].verdict is Verdict.REFUTED
    assert found.margin is not None and found.margin.upper < -1


@pytest.mark.parametrize("form", ["concave", "residual"])
def test_a_step_that_fails_only_at_this_radius_is_undecided(form: str) -> None:
    """Another radius may do, even where one smaller than the candidate's does not: only ρ = 0 refutes."""
    plan = Plan(form, "observation", ARCHITECTURES["both"])

    def limit(rho: float) -> float:
        truth = Truth(numbers_of("both"), form, "observation", "both", rho, 1.0)
        return 2 / float(truth.M**2 if form == "residual" else truth.L)

    for between in (math.sqrt(limit(0.0) * limit(4.0)), (limit(0.0) + limit(0.5)) / 2):
        found = hypotheses(evaluator_of(plan, 4.0, between))["step"]
        assert found.verdict is Verdict.UNDECIDED and "not at smaller ones" in found.reason and "ρ = 4" in found.reason
    assert hypotheses(evaluator_of(plan, 4.0, 1.005 * limit(0.0)))["step"].verdict is Verdict.REFUTED
    assert hypotheses(evaluator_of(plan, 4.0, 0.995 * limit(4.0)))["step"].verdict is Verdict.PROVED


def test_reasons_by_evidence_and_width() -> None:
    plan = Plan("residual", "observation", ARCHITECTURES["both"])
    for evidence, cure in (
        (Evidence.ASSUMED, "assumptions"),
        (Evidence.ESTIMATED, "arithmetic"),
        (Evidence.SAMPLED, "arithmetic"),
    ):
        for psi, side in ((2.0**-6, "holds"), (2.0**3, "fails")):
            base = base_of(numbers_of("both", psi_0=psi), "both")
            values = {**base.values, s.c_A0: base.values[s.c_A0].with_evidence(evidence)}
            found = hypotheses(Evaluator(replace(base, values=values), Candidate(plan, 0.05, 0.05, 1.0, 1.0)))
            assert all(
                h.verdict is Verdict.UNDECIDED and cure in h.reason and str(evidence) in h.reason
                for h in found.values()
            )
            assert found["H"].reason.startswith(side)
            assert found["H"].margin is not None and found["H"].margin.evidence is evidence
    base = base_of(numbers_of("both"), "both")
    values = {**base.values, s.psi_0: Bound(2.0**-9, 0.5)}
    found = hypotheses(Evaluator(replace(base, values=values), Candidate(plan, 0.05, 0.05, 1.0, 1.0)))
    assert "contains 0" in found["H"].reason and found["H"].verdict is Verdict.UNDECIDED
    proved = hypotheses(evaluator_of(plan, 0.05, 0.05))
    assert all(h.verdict is Verdict.PROVED and h.reason == "" for h in proved.values())


def test_a_radius_of_the_paper_that_is_not_known() -> None:
    nothing = hypotheses(evaluator_of(Plan("paper", "paper", ARCHITECTURES["both"]), 0.05, 0.05, sigma_min_J=0.0))
    assert nothing["radius"].verdict is Verdict.REFUTED or nothing["radius"].verdict is Verdict.UNDECIDED
    assert "not shown to be onto" in nothing["radius"].reason
    base = base_of(numbers_of("both"), "both")
    unclear = replace(base, values={**base.values, s.sigma_min_J: Bound(0.0, 0.75)})
    candidate = Candidate(Plan("paper", "paper", ARCHITECTURES["both"]), 0.05, 0.05, 1.0, 1.0)
    found = hypotheses(Evaluator(unclear, candidate))
    assert found["radius"].verdict is Verdict.UNDECIDED and "0.75]" in found["radius"].reason
    values = Evaluator(unclear, candidate).run().values
    assert values[s.R_prime] == Bound(0.0, math.inf)  # nothing is known of it


def test_what_fails_at_every_radius_is_refuted_and_nothing_else() -> None:
    """Outer layer: constant Jacobian, F constant for `observation`, so that (H) holds for a large ρ whatever ψ_0 is."""
    plan = Plan("concave", "observation", ARCHITECTURES["outer"])
    easy = evaluator_of(plan, 1.0, 0.01, psi_0=4.0)  # 0.5·1 < 4, but a larger ρ does
    found = hypotheses(easy)
    assert found["H"].verdict is Verdict.UNDECIDED and "most promising" in found["H"].reason and not refute.refute(easy)
    plan = Plan("concave", "observation", ARCHITECTURES["both"])
    for psi, hopeless in ((2.0**-6, False), (0.03, False), (0.5, True), (30.0, True)):
        evaluator = evaluator_of(plan, 0.05, 0.05, psi_0=psi)
        found = hypotheses(evaluator)
        assert refute.refute(evaluator) is hopeless
        largest = max(
            Truth(numbers_of("both"), "concave", "observation", "both", r, 0.05).area(r)
            for r in np.geomspace(1e-3, 10, 60)
        )
        assert not hopeless or largest < psi
        if hopeless:
            assert found["H"].verdict is Verdict.REFUTED and "no radius" in found["H"].reason
    # a large profile: ω∫F ≫ ψ_0 although both are above 1; and a ψ_0 beyond the floats, of which nothing is known
    large = evaluator_of(plan, 0.55, 1e-4, psi_0=4.0, sigma_AJ=8.0)
    assert hypotheses(large)["H"].verdict is Verdict.PROVED and not refute.refute(large)
    endless = evaluator_of(Plan("concave", "observation", ARCHITECTURES["outer"]), 1.0, 0.01, psi_0=1.7e308)
    endless.run()
    assert not refute.refute(endless)
    # the boundary between refuted and feasible is narrow
    truths = [Truth(numbers_of("both"), "concave", "observation", "both", r, 0.05) for r in np.geomspace(0.01, 3, 400)]
    reachable = max(t.omega * t.area(t.rho) for t in truths if t.q < 2)
    for factor, hopeless in ((0.99, False), (1.12, True)):
        evaluator = evaluator_of(plan, 0.05, 0.05, psi_0=float(reachable) * factor)
        evaluator.run()
        assert refute.refute(evaluator) is hopeless, factor
    strict = evaluator_of(Plan("paper", "paper", ARCHITECTURES["both"]), 0.2, 0.05, psi_0=5.0)
    assert hypotheses(strict)["H"].verdict is Verdict.REFUTED
    both = hypotheses(evaluator_of(plan, 3.0, 0.05, psi_0=2.0**-6))  # far beyond the support: undecided, not refuted
    assert both["injective"].verdict is Verdict.UNDECIDED and "most promising" in both["injective"].reason


# --- quantities ---------------------------------------------------------------------------------------------
def test_without_a_proof_there_is_no_path() -> None:
    bad = evaluator_of(Plan("concave", "observation", ARCHITECTURES["both"]), 0.05, 0.05, psi_0=4.0).run()
    assert s.S not in bad.values and bad.verdict is not Verdict.PROVED
    mixed = Decision(
        [replace(h, verdict=v) for h, v in zip(bad.hypotheses, (Verdict.PROVED, Verdict.UNDECIDED, Verdict.REFUTED))]
    )
    assert mixed.verdict is Verdict.REFUTED and Decision([]).verdict is Verdict.PROVED


def test_radii_of_the_paper() -> None:
    """R = σ_min/(2ℓ(R)): enclosed to 3e-8; infinite where J is constant; unknown for σ_min = 0."""
    for train in ("both", "inner"):
        for sigma in (0.75, 0.01, 30.0):
            evaluator = evaluator_of(Plan("paper", "paper", ARCHITECTURES[train]), 0.01, 0.01, sigma_min_J=sigma)
            with flint.ctx.workprec(128):
                R = evaluator.paper_radius()

            def defect(r: Any, train: str = train, sigma: float = sigma) -> Any:
                return 2 * r * Truth(numbers_of(train, sigma_min_J=sigma), "paper", "paper", train, r, 0.01).ell - sigma

            exact = mp.findroot(defect, R.mid)
            assert R.lower <= exact <= R.upper and R.relative_width < 3e-8, (train, sigma, R)
            guess = search.largest_radius(evaluator.theorem, dict(evaluator.base.weaker_ends))
            assert abs(guess / exact - 1) < 2e-9
    constant = evaluator_of(Plan("paper", "paper", ARCHITECTURES["outer"]), 0.01, 0.01)
    assert constant.paper_radius() == Bound(math.inf, math.inf)
    singular = evaluator_of(Plan("paper", "paper", ARCHITECTURES["both"]), 0.01, 0.01, sigma_min_J=0.0)
    assert singular.paper_radius() == Bound(0.0, math.inf)
    assert search.largest_radius(singular.theorem, dict(singular.base.weaker_ends)) == 0.0
    assert search.largest_radius(constant.theorem, dict(constant.base.weaker_ends)) == math.inf


# --- guarantees ---------------------------------------------------------------------------------------------
def made(
    form: str, schedule: Any, scale: float = 1.0, targets: tuple[float, ...] = (2.0**-20,), iteration: int = 0
) -> tuple[Any, Evaluator, Decision]:
    base = base_of(numbers_of("both"), "both", scale)
    evaluator = Evaluator(base, propose(base, Plan(form, "observation", ARCHITECTURES["both"]), Step(None, 0.5)))
    decision = evaluator.run()
    assert decision.verdict is Verdict.PROVED
    return guarantee(evaluator, decision, HALF, schedule, iteration, targets), evaluator, decision


@pytest.mark.parametrize(
    ("form", "scale"), [("residual", 0.5), ("residual", 1.0), ("residual", 4.0), ("concave", 1.0), ("integral", 1.0)]
)
def test_conclusions(form: str, scale: float) -> None:
    """R/(c_eF_∞−x) and ln(1−2cγF_∞(c_eF_∞−x)), or ψ_0/(ωF_∞) and γκ̃F_∞², at both ends of F_∞."""
    found, evaluator, decision = made(form, Constant(), scale)
    candidate, F_inf = evaluator.candidate, decision.values[s.F_inf]
    truth = Truth(numbers_of("both"), form, "observation", "both", candidate.rho, candidate.gamma, scale)
    distance, rate = found.distance_to_limit, found.log_contraction_per_step
    for F, distance_end, rate_end in (
        (F_inf.lower, distance.upper, rate.upper),
        (F_inf.upper, distance.lower, rate.lower),
    ):
        net = truth.c * mp.mpf(F) - truth.x
        contraction = mp.log(1 - truth.step * F * net) if form == "residual" else -truth.step * truth.rate * F**2
        assert abs(distance_end / (truth.n["psi"] / (truth.omega * net)) - 1) < 1e-12
        assert abs(rate_end / contraction - 1) < 1e-12
    assert found.early_stopping_iteration is None
    if form == "residual":
        assert found.rate_exponent is None
    else:
        assert abs(rate.upper / -found.rate_exponent.lower - 1) < 1e-12
        assert abs(rate.lower / -found.rate_exponent.upper - 1) < 1e-12
    (count,) = found.iterations_to_loss.values()
    needed = math.log(NUMBERS[s.loss_0] * 2.0**20) / (-2 * rate.upper)
    assert count == math.ceil(needed) if form == "residual" else needed * (1 - 1e-9) <= count <= needed * (1 + 1e-9) + 1


@pytest.mark.parametrize("form", ["residual", "concave"])
def test_schedules_lengthen_the_counts(form: str) -> None:
    constant, evaluator, _ = made(form, Constant(), targets=(2.0**-20, 1.0))
    for schedule in (Polynomial(0.5), Cosine(10**6), Polynomial(2.0)):
        found, _, _ = made(form, schedule, targets=(2.0**-20, 1.0))
        assert found.log_contraction_per_step is None and found.distance_to_limit == constant.distance_to_limit
        assert found.extra["limit_has_zero_loss"] is schedule.diverges
        counts = {float(key): value for key, value in found.iterations_to_loss.items()}
        assert counts[1.0] == 0  # the loss is below 1 already
        if form == "residual":  # ln(1−γ_iy) ≤ −γ_iy
            y = 1 - mp.exp(constant.log_contraction_per_step.upper)
            plain = math.ceil(math.log(NUMBERS[s.loss_0] * 2.0**20) / (2 * y))
        else:
            plain = next(v for k, v in constant.iterations_to_loss.items() if float(k) < 1)
        assert counts[2.0**-20] == scheduled_count(evaluator, schedule, 0, plain)


def test_scheduled_counts_are_exact() -> None:
    """The first count whose lower bound of the sum of factors reaches the needed one, times the supremum from t on."""
    _, evaluator, _ = made("concave", Constant())
    for schedule, start, needed in itertools.product(
        (Polynomial(0.5), Polynomial(1.0), Cosine(300)), (0, 5), (1, 2, 7)
    ):
        count = scheduled_count(evaluator, schedule, start, needed)
        least = needed * schedule.supremum(start)
        assert count is not None and schedule.sum_lower(start, count) >= least > schedule.sum_lower(start, count - 1)
    assert (
        scheduled_count(evaluator, Polynomial(2.0), 0, 3) is None
        and scheduled_count(evaluator, Cosine(10), 0, 6) is None
    )
    assert (
        scheduled_count(evaluator, Polynomial(0.5), 0, 0) == 0
        and scheduled_count(evaluator, Polynomial(0.5), 0, None) is None
    )
    assert scheduled_count(evaluator, Constant(), 3, 1234) == 1234
    L = evaluator.bound(evaluator.env[s.lipschitz_grad]).upper
    for factor in (0.25, 1.0, 4.0):
        other = Evaluator(evaluator.base, replace(evaluator.candidate, gamma=factor / L))
        other.env = evaluator.env
        assert scheduled_count(other, Backtracking(), 0, 100) in (
            {100} if factor <= 0.5 else {math.ceil(200 * factor), math.ceil(200 * factor) + 1}
        )
    assert scheduled_count(other, Backtracking(), 0, 10**15) is None  # beyond what a float counts
    other.env = {}
    assert scheduled_count(other, Backtracking(), 0, 100) is None  # nothing is known of L


def test_conclusions_at_both_ends() -> None:
    x = s.curvature_correction
    with flint.ctx.workprec(128):
        ball = at_both_ends(1 / (s.F_inf - x), {x: flint.arb(0.5)}, Bound(1.0, 3.0))
        assert (
            ball.contains(flint.arb(2))
            and ball.contains(flint.arb("0.4"))
            and float(ball.upper()) < 2.0001
            and float(ball.lower()) > 0.3999
        )
        for low in (0.25, 0.5):  # not above x: the plain ball, which may be unbounded
            wide = at_both_ends(1 / (s.F_inf - x), {x: flint.arb(0.5)}, Bound(low, 3.0))
            assert not wide.is_finite()
        plain = at_both_ends(s.F_inf**2, {}, Bound(0.0, 3.0))
        assert plain.contains(flint.arb(9)) and plain.contains(flint.arb(0)) and plain.contains(flint.arb(1))
        assert at_both_ends(s.F_inf**2, {}, Bound(1.0, 3.0)) >= 0.999


# --- the search ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("form", "profile"),
    [("residual", "observation"), ("concave", "block"), ("integral", "row-space"), ("paper", "paper")],
)
def test_proposals_measure_what_they_say(form: str, profile: str) -> None:
    """margin_ratio is the supremum of ω∫F/ψ_0 over admissible radii; ρ is small; the rate is that of F(ρ)."""
    plan, base = Plan(form, profile, ARCHITECTURES["both"]), base_of(numbers_of("both"), "both")
    for psi in (2.0**-6, 2.0**-9, 2.0**-3, 1.0):
        found = propose(base, plan, Step(None, 0.5), psi)
        margin_ratio = 0.0
        for rho in np.geomspace(psi / 2, 400 * psi / 0.1, 200):
            truth = Truth(numbers_of("both", psi_0=psi), form, profile, "both", rho, 1.0)
            gamma = 0.5 / (truth.M**2 if form == "residual" else truth.L)
            truth = Truth(numbers_of("both", psi_0=psi), form, profile, "both", rho, gamma)
            if truth.F(rho) > truth.x and (form != "paper" or 2 * rho * truth.ell <= truth.n["smin"]):
                margin_ratio = max(margin_ratio, float(truth.omega * truth.area(rho) / psi))
        if found.feasible:
            assert margin_ratio > 1 and found.margin_ratio > 1 and found.margin_ratio < margin_ratio * 1.03
            truth = Truth(numbers_of("both", psi_0=psi), form, profile, "both", found.rho, found.gamma)
            assert 1 < truth.omega * truth.area(found.rho) / psi < 1.5
            assert truth.holds()["step"] and abs(truth.q - 0.5) < 1e-6
            F = truth.F(found.rho)
            rate = (
                -mp.log(1 - truth.step * F * (truth.c * F - truth.x))
                if form == "residual"
                else truth.step * truth.rate * F**2
            )
            assert abs(found.rate / rate - 1) < 1e-6
        else:
            assert (
                margin_ratio < 1.02
                and found.margin_ratio <= 1
                and abs(found.margin_ratio - min(margin_ratio, 1)) < 0.06
            )
    given = propose(base, plan, Step(0.03))
    assert given.gamma == 0.03 and not propose(base, plan, Step(1e6)).feasible
    for psi in (0.0, math.inf, math.nan):
        nothing = propose(base, plan, Step(None, 0.5), psi)
        assert math.isnan(nothing.rho) and nothing.margin_ratio == 0.0 and not nothing.feasible
    none = base_of(
        numbers_of("both", sigma_AJ=0.0, sigma_in=0.0, sigma_min_J=0.0, norm_phi=0.0, sigma_A_in=0.0), "both"
    )
    assert not propose(none, plan, Step(None, 0.5)).feasible


@pytest.mark.parametrize("form", ["residual", "concave", "integral"])
@pytest.mark.parametrize("unit", [2.0**12, 2.0**-12])
def test_another_unit_of_the_data_proposes_the_same_radius(form: str, unit: float) -> None:
    scaled = ("norm_A", "sigma_A", "sigma_AJ", "norm_AJ", "sigma_A_in", "norm_V", "c_A0", "psi_0", "loss_gradient")
    changes = {name: unit * NUMBERS[getattr(s, name)] for name in scaled}
    plan, step = Plan(form, "observation", ARCHITECTURES["both"]), Step(None, 0.5)
    mine, other = (propose(base_of(numbers_of("both", **x), "both"), plan, step) for x in ({}, changes))
    assert mine.feasible and other.feasible
    for name, factor in (("rho", 1.0), ("gamma", unit**-2), ("margin_ratio", 1.0), ("rate", 1.0)):
        assert getattr(other, name) == pytest.approx(factor * getattr(mine, name), rel=1e-9, abs=0)


@pytest.mark.parametrize("form", ["residual", "concave", "integral", "best", "paper"])
def test_the_largest_feasible_loss(form: str) -> None:
    """Just below it some plan is feasible, well above it none is."""
    for train in TRAINS if form != "paper" else ("both", "inner"):
        base = base_of(numbers_of(train, psi_0=0.25), train)
        step = Step(None, 0.5) if form != "residual" else Step(0.02)
        most = largest_psi(base, form, step, True)
        if train == "outer":  # the Jacobian is constant: any loss will do
            assert most > 0.1
            continue
        feasible = [
            any(propose(base, p, step, f * most).feasible for p in plans(base, form, True)) for f in (0.9, 1.15)
        ]
        assert feasible == [True, False], (train, most)
    assert largest_psi(base_of(numbers_of("both"), "both"), "concave", Step(1e9), True) == 0.0


def test_steps_and_order_of_proposals() -> None:
    base = base_of(numbers_of("both"), "both")
    for form in ("residual", "best"):
        found = best(base, form, Step(None, 0.5), True)
        tried = {
            round(
                math.log2(
                    0.5
                    / (
                        c.gamma
                        * float(Truth(numbers_of("both"), "residual", c.plan.profile, "both", c.rho, c.gamma).M ** 2)
                    )
                )
            )
            for c in found
            if c.plan.form == "residual"
        }
        assert tried == set(range(6))
        keys = [(not c.feasible, -c.rate if c.feasible else -c.margin_ratio) for c in found]
        assert keys == sorted(keys)
    assert len(best(base, "residual", Step(0.01), True)) == 4  # one for every profile
    hard = best(base_of(numbers_of("both", psi_0=0.5), "both"), "best", Step(0.05), True)
    assert [c.margin_ratio for c in hard] == sorted((c.margin_ratio for c in hard), reverse=True) and not hard[
        0
    ].feasible
    assert Candidate(Plan("concave", "block", ARCHITECTURES["both"]), 1.0, 1.0, 1.0, 1.0).feasible is False
    assert Candidate(Plan("concave", "block", ARCHITECTURES["both"]), 1.0, 1.0, 1.1, 0.0).feasible is False
    assert Candidate(Plan("concave", "block", ARCHITECTURES["both"]), 1.0, 1.0, 1.1, 0.1).feasible is True


def test_the_search_takes_the_weaker_end() -> None:
    base = base_of(numbers_of("both"), "both")
    values = {symbol: Bound(b.lower * 0.9, b.upper * 1.1) for symbol, b in base.values.items()}
    env = replace(base, values=values).weaker_ends
    for symbol in (s.sigma_A, s.sigma_J, s.sigma_AJ, s.sigma_in, s.sigma_A_in, s.sigma_min_J):
        assert env[symbol] == values[symbol].lower
    for symbol in (s.norm_A, s.norm_AJ, s.norm_V, s.psi_0, s.loss_0, s.c_0, s.c_A0, s.c_full, s.loss_gradient):
        assert env[symbol] == values[symbol].upper
    negative = replace(base, values={**values, s.sigma_A: Bound(-1.0, 1.0)})
    assert negative.weaker_ends[s.sigma_A] == 0.0


# --- the automatic step -----------------------------------------------------------------------------------------
class Norms:
    """In place of the power iteration: answers given sizes and keeps what it was asked."""

    def __init__(self, *sizes: float) -> None:
        self.sizes, self.asked = list(sizes), []

    def __call__(self, count: int, state: Any, vector: Any) -> tuple[float, Any]:
        self.asked.append((count, state, np.array(vector)))
        return self.sizes.pop(0) if len(self.sizes) > 1 else self.sizes[0], vector + 1


def auto(*sizes: float, curvature: float = 1.0, **options: Any) -> tuple[AutoStep, Norms]:
    norms = Norms(*sizes)
    return AutoStep(norms, lambda loss: curvature, 4, np.float64, **options), norms


def test_automatic_steps_follow_the_norm() -> None:
    """γ = 0.9/(Λ‖M‖²), estimated at 0, 1, 2, 4, 8, …; changed when off by more than 5 % up or 30 % down."""
    assert SAFETY == 0.9
    step, norms = auto(4.0, 4.0, 4.1, 5.0, 3.0, 2.0, curvature=2.0)
    steps = [step.propose(tau, f"state {tau}", 1.0 / (tau + 1)) for tau in range(20)]
    assert [asked[1] for asked in norms.asked] == [f"state {tau}" for tau in (0, 1, 2, 4, 8, 16)]
    assert [asked[0] for asked in norms.asked] == [40, 12, 12, 12, 12, 12]
    first, second = norms.asked[0][2], norms.asked[1][2]
    assert first.shape == (4,) and 0.1 < np.linalg.norm(first) < 3 and (second == first + 1).all()
    assert steps[0] == 0.9 / 8 and steps[1] == steps[2] == steps[3] == 0.9 / 8  # 2.5 % is near enough
    assert steps[4] == 0.9 / 10  # 25 % too long
    assert steps[8] == 0.9 / 6 and steps[7] == 0.9 / 10  # too short
    assert steps[16] == steps[19] == 0.9 / 4
    assert step.steps == [(0, 0.9 / 8), (4, 0.9 / 10), (8, 0.9 / 6), (16, 0.9 / 4)]
    edge, _ = auto(1.0, 1.04, 1.06)
    assert [edge.propose(tau, 0, 1.0) for tau in range(3)] == [0.9, 0.9, 0.9 / 1.06]
    slow, _ = auto(1.0, 0.72, 0.68)
    assert [slow.propose(tau, 0, 1.0) for tau in range(3)] == [0.9, 0.9, 0.9 / 0.68]
