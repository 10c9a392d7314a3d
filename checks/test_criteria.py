"""The verdicts of `certify`: proved only what is true, refuted only what is false, decided wherever there is a margin.

Both sides of every threshold are visited: each hypothesis is decided at radii and steps on a grid around its boundary
and compared with the second decision procedure of `checks.criteria` (mpmath, written from the text).
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import mpmath as mp
import pytest

from checks.criteria import NUMBERS, Truth, base_of, numbers_of, train_of
from dipproofs.certify.constants import Plan
from dipproofs.certify.decide import Evaluator
from dipproofs.certify.search import Candidate, Step, best, plans, propose
from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.theory import PROFILES
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import ARCHITECTURES

PLANS = [
    (form, profile, train)
    for form in ("residual", "concave", "integral", "paper")
    for profile in PROFILES
    for train in ("both", "inner", "outer")
    if (profile == "paper") == (form == "paper") and not (form == "paper" and train == "outer")
]


def judged(plan: Plan, numbers: dict[Any, float], rho: float, gamma: float, scale: float = 1.0) -> Evaluator:
    return Evaluator(base_of(numbers, train_of(plan), scale), Candidate(plan, rho, gamma, 1.0, 1.0))


def contains(bound: Bound, value: Any, slack: float = 0.0) -> bool:
    """Whether the interval contains the value; ``slack`` covers what the reference itself computes inexactly."""
    slack = slack * (1 + abs(value))
    return bool(bound.lower - slack <= value <= bound.upper + slack)


def cases(form: str, profile: str, train: str) -> list[tuple[float, float, Truth]]:
    """(ρ, γ, truth) on a grid around the thresholds, floats."""
    numbers, found = numbers_of(train), []
    start = Truth(numbers, form, profile, train, mp.mpf("1e-9"), mp.mpf("1e-9"))
    least = start.n["psi"] / start.F(0)
    unit = 1 / (start.M**2 if form == "residual" else start.L)
    for multiple, part in product((0.97, 1.04, 2.0, 25.0), (0.3, 0.95, 1.1, 2.1)):
        rho, gamma = float(least * multiple), float(unit * part)
        found.append((rho, gamma, Truth(numbers, form, profile, train, rho, gamma)))
    return found


@pytest.mark.parametrize(("form", "profile", "train"), PLANS)
def test_verdicts_against_the_text(form: str, profile: str, train: str) -> None:
    plan, seen = Plan(form, profile, ARCHITECTURES[train]), set()
    with mp.workdps(25):
        for rho, gamma, truth in cases(form, profile, train):
            evaluator = judged(plan, truth.numbers, rho, gamma)
            decision = evaluator.run()
            true, margins = truth.holds(), truth.margins()
            for hypothesis in decision.hypotheses:
                name, verdict, stated = hypothesis.id, hypothesis.verdict, hypothesis.margin
                seen.add((name, verdict))
                if verdict is Verdict.PROVED:
                    assert true[name] or not true["injective"], (hypothesis, rho, gamma)
                if name != "H":  # (H) is refuted for all radii, see below
                    assert not (verdict is Verdict.REFUTED and true[name]), (hypothesis, rho)
                size = abs(margins[name]) / (truth.F(0) if name == "injective" else 1)
                smooth = true["injective"] or name in ("step", "radius")  # past its support F has a kink
                if true[name] and size > 1e-3 and smooth:
                    assert verdict is Verdict.PROVED, (hypothesis, rho, gamma, size)
                if stated is not None and smooth:
                    assert contains(stated, margins[name], 1e-12), (hypothesis, rho)
                    wide = (2e-3 if name == "H" else 1e-12) * (1 + abs(margins[name]))
                    assert not true["injective"] or stated.width <= wide, hypothesis
            if decision.verdict is Verdict.REFUTED and any(
                h.id == "H" and h.verdict is Verdict.REFUTED for h in decision.hypotheses
            ):
                multiples = [mp.mpf(rho) * mp.mpf(2) ** (j / mp.mpf(2)) for j in range(-6, 7)]
                others = (Truth(truth.numbers, form, profile, train, r, gamma) for r in multiples)
                assert not any(_allowed(other) and other.holds()["H"] for other in others)
    assert ("H", Verdict.PROVED) in seen and ("step", Verdict.PROVED) in seen


def _allowed(truth: Truth) -> bool:
    return (truth.form != "paper" or 2 * truth.rho * truth.ell <= truth.n["smin"]) and truth.q <= 2


@pytest.mark.parametrize(("form", "profile", "train"), PLANS)
def test_quantities_against_the_text(form: str, profile: str, train: str) -> None:
    with mp.workdps(25):
        proved = 0
        for rho, gamma, truth in cases(form, profile, train):
            evaluator = judged(Plan(form, profile, ARCHITECTURES[train]), truth.numbers, rho, gamma)
            decision = evaluator.run()
            for symbol, value in truth.values().items():
                bound = decision.values[symbol]
                assert contains(bound, value, 1e-13) and bound.width <= 1e-12 * (1 + abs(value)), (symbol, bound, value)
            assert decision.values[s.gamma].lower == gamma == decision.values[s.gamma].upper
            assert decision.values[s.rho].lower == rho
            if decision.verdict is Verdict.PROVED:
                proved += 1
                _path(decision, truth)
        assert proved > 0


def _path(decision: Any, truth: Truth) -> None:
    S, found = decision.values[s.S], decision.values[s.F_inf]
    psi = truth.n["psi"]
    assert truth.omega * truth.area(S.lower) <= psi * (1 + mp.mpf("1e-15")), "S is not enclosed from below"
    assert truth.omega * truth.area(S.upper) >= psi * (1 - mp.mpf("1e-15")), "S is not enclosed from above"
    ends = truth.F(mp.mpf(S.upper)), truth.F(mp.mpf(S.lower))  # rounded outward once
    assert found.lower <= ends[0] <= math.nextafter(found.lower, 9)
    assert math.nextafter(found.upper, 0) <= ends[1] <= found.upper
    assert found.relative_width < 1e-3
    assert decision.values[s.S].upper <= truth.rho and decision.quantities["S"] == S
    assert decision.values[s.S].relative_width < 3e-3


# --- exact boundaries -----------------------------------------------------------------------------------------
BOUNDARY = {**numbers_of("outer"), s.norm_phi: 4.0, s.norm_AJ: 2.0}  # M = 2 exactly, ℓ_A = 0, so L = 4 exactly


@pytest.mark.parametrize(
    ("form", "gamma", "verdict"),
    [
        ("residual", 0.4999999, Verdict.PROVED),
        ("residual", 0.5, Verdict.REFUTED),
        ("integral", 0.25, Verdict.PROVED),
        ("integral", 0.2500001, Verdict.REFUTED),
        ("concave", 0.4999999, Verdict.PROVED),
        ("concave", 0.5, Verdict.REFUTED),
    ],
)
def test_closed_and_open_ends_of_the_step_range(form: str, gamma: float, verdict: Verdict) -> None:
    decision = judged(Plan(form, "observation", ARCHITECTURES["outer"]), BOUNDARY, 0.1, gamma).run()
    (step,) = [h for h in decision.hypotheses if h.id == "step"]
    assert step.verdict is verdict


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_scale_of_the_squared_loss_multiplies_the_step(scale: float) -> None:
    """Residual form: γ·2c·M² < 2."""
    for gamma, verdict in ((0.49 / scale, Verdict.PROVED), (0.5 / scale, Verdict.REFUTED)):
        decision = judged(Plan("residual", "observation", ARCHITECTURES["outer"]), BOUNDARY, 0.1, gamma, scale).run()
        (step,) = [h for h in decision.hypotheses if h.id == "step"]
        assert step.verdict is verdict
        assert decision.values[s.gamma].lower == gamma


# --- evidence ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("evidence", [Evidence.ASSUMED, Evidence.SAMPLED, Evidence.ESTIMATED])
def test_weaker_evidence_never_proves(evidence: Evidence) -> None:
    """One number that is less than proved is enough to leave everything that depends on it undecided."""
    for symbol in (s.psi_0, s.sigma_A_in, s.norm_AJ, s.c_A0):
        base = base_of(numbers_of("both"), "both")
        values = {**base.values, symbol: base.values[symbol].with_evidence(evidence)}
        plan = Plan("residual", "block-observation", ARCHITECTURES["both"])
        candidate = propose(base, plan, Step(None, 0.5))
        assert Evaluator(base, candidate).run().verdict is Verdict.PROVED
        decision = Evaluator(replace(base, values=values), candidate).run()
        assert decision.verdict is Verdict.UNDECIDED
        assert all(bound.evidence >= evidence for bound in (decision.values[s.S], decision.values[s.F_inf]))


# --- the search ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("train", ["both", "inner", "outer"])
@pytest.mark.parametrize("form", ["residual", "concave", "integral", "best"])
def test_proposals_are_provable(form: str, train: str) -> None:
    """What the float search calls feasible, the enclosures prove; the best proposal comes first."""
    base = base_of(numbers_of(train), train)
    proposals = best(base, form, Step(None, 0.5), True)
    assert proposals[0].feasible
    feasible = [candidate for candidate in proposals if candidate.feasible]
    rates = [candidate.rate for candidate in feasible]
    assert rates == sorted(rates, reverse=True)
    for candidate in feasible:
        found = Evaluator(base, candidate).run()
        assert found.verdict is Verdict.PROVED
        assert all(found.values[symbol].relative_width < 3e-4 for symbol in (s.S, s.F_inf)), candidate
    assert {candidate.plan for candidate in proposals} == set(plans(base, form, True))


def test_forms_that_do_not_apply_are_not_proposed() -> None:
    base = base_of(numbers_of("both"), "both", None)
    names = {plan.form for plan in plans(base, "best", True)}
    assert names == {"concave", "integral"}
    assert {plan.form for plan in plans(base, "best", False)} == {"integral"}
    assert {plan.form for plan in plans(base_of(NUMBERS, "both"), "best", True)} == {"residual", "concave", "integral"}
