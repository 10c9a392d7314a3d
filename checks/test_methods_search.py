"""What a search in floats proposes for momentum is proved wherever it seems feasible, and leaves nothing to be had."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest

from checks.known_balls import ConstantBall
from checks.method_runs import PRODUCERS, RADII, draw
from dipproofs.certify.methods import heavy_ball
from dipproofs.certify.methods.decide import BITS, Decision, decide
from dipproofs.certify.methods.exchange import ExchangedRecursion
from dipproofs.certify.methods.heavy_ball import Proposal
from dipproofs.certify.methods.setting import Direction, Setting
from dipproofs.enclosures import Bound, Verdict
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import HEAVY_BALL, NESTEROV
from dipproofs.theory.methods import symbols as m

THEOREMS = {"heavy-ball": HEAVY_BALL, "nesterov": NESTEROV}


def proposals(kind: str, count: int, share: float) -> list[tuple[Setting, Proposal]]:
    """For maps and methods at random, at a share of the largest residual for which something seems to hold."""
    rng, found = np.random.default_rng(2), []
    while len(found) < count:
        instance = draw(rng, kind)
        limit = None if instance is None else instance.limit(5)
        if instance is not None and limit is not None:
            setting = instance.setting(share * limit)
            radii = RADII * share * limit / instance.mapping.ends[0]
            found.append((setting, PRODUCERS[kind].propose(setting, radii)))
    return found


def decided(kind: str, setting: Setting, proposal: Proposal, factors: dict | None = None) -> Decision:
    """The theorem at a proposal, some of its parameters multiplied."""
    parameters = dict(proposal.parameters)
    for symbol, factor in (factors or {}).items():
        parameters[symbol] = float(parameters[symbol]) * factor
    with flint.ctx.workprec(BITS):
        known = heavy_ball.given(setting, float(parameters[s.rho]))
    return decide(THEOREMS[kind], known, parameters, setting.evidence)


@pytest.mark.parametrize(("kind", "count"), [("heavy-ball", 12), ("nesterov", 5)])
def test_what_seems_to_hold_is_proved_and_zeta_is_the_largest(kind: str, count: int) -> None:
    for setting, proposal in proposals(kind, count, 0.95):
        assert proposal.feasible and decided(kind, setting, proposal).verdict is Verdict.PROVED
        for symbol, factor in ((m.zeta, 1.05), (m.eta, 0.99)):
            assert decided(kind, setting, proposal, {symbol: factor}).verdict is not Verdict.PROVED


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_the_estimates_of_a_proposal_are_those_of_its_decision(kind: str) -> None:
    for setting, proposal in proposals(kind, 3, 0.5):
        decision = decided(kind, setting, proposal)
        assert decision.bound(m.path).upper == pytest.approx(proposal.path, rel=1e-5)
        contraction = decision.bound(m.contraction).upper
        assert proposal.rate < contraction < 1  # η is above the least one: a shorter path for a slower W
        q = float(PRODUCERS[kind].levels(decision).factor(dict(decision.env), decision.env[m.W_0]).upper())
        assert q == pytest.approx(proposal.rate, rel=1e-2 if kind == "nesterov" else 1e-6)


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_radii_near_the_path_give_no_slower_contraction(kind: str) -> None:
    for setting, _ in proposals(kind, 3, 0.6):
        plain = PRODUCERS[kind].propose(setting)
        proved = PRODUCERS[kind].prove(setting)
        assert proved is not None and proved.verdict is Verdict.PROVED
        q = float(PRODUCERS[kind].levels(proved).factor(dict(proved.env), proved.env[m.W_0]).upper())
        assert q <= plain.rate * (1 + 1e-3)


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_another_unit_of_signals_and_parameters_changes_nothing(kind: str) -> None:
    """r, θ and the state times 2^20, ℓ divided by it: the same parameters, exchanges and counts."""
    unit, exchanged = 2.0**20, 0
    for setting, _ in proposals(kind, 3, 0.9):
        ball, d = setting.ball, setting.direction
        other = Setting(
            setting.residual * unit, setting.gradient * unit,
            ConstantBall(ball.sigma, ball.norm, ball.lipschitz / unit),
            Direction(d.norm * unit, d.slope * unit**2, d.newton * unit**2), setting.step, setting.momentum,
        )  # fmt: skip
        mine, theirs = (PRODUCERS[kind].prove(x) for x in (setting, other))
        assert mine is not None and theirs is not None
        for symbol in (m.alpha, m.eta, m.zeta):
            assert mine.parameters[symbol] == pytest.approx(theirs.parameters[symbol], rel=1e-9)
        assert theirs.parameters[s.rho] == pytest.approx(float(mine.parameters[s.rho]) * unit, rel=1e-9)
        goal = (1e-6 * setting.residual.upper) ** 2
        if kind == "heavy-ball":
            first, second = ExchangedRecursion(mine, setting, goal), ExchangedRecursion(theirs, other, goal * unit**2)
            assert [e.after for e in first.exchanges] == [e.after for e in second.exchanges]
            exchanged += len(first.exchanges)
        else:
            first, second = (PRODUCERS[kind].levels(found) for found in (mine, theirs))
        counts = [x.iterations_to_residual(flint.arb(g)) for x, g in ((first, goal), (second, goal * unit**2))]
        assert counts[0] is not None and abs(counts[0] - counts[1]) <= 1
        if kind == "heavy-ball" and first.exchanges:  # which have to be worth it
            alone = ExchangedRecursion(mine, setting).iterations_to_residual(flint.arb(goal))
            assert alone is not None and counts[0] < 0.9 * alone
    assert exchanged or kind == "nesterov"


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_nothing_is_proposed_without_momentum_or_without_a_residual(kind: str) -> None:
    setting, proposal = proposals(kind, 1, 0.5)[0]
    assert proposal.feasible
    for change in ({"momentum": 0.0}, {"momentum": 1.0}, {"residual": Bound.exact(0)}):
        assert not PRODUCERS[kind].propose(replace(setting, **change)).feasible
