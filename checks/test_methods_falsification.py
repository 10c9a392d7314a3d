"""Momentum at the limit of its hypotheses: random maps, worst directions by local search, and broken hypotheses."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest

from checks.effort import TIMES
from checks.maps import Map
from checks.method_runs import PRODUCERS, Instance, broken, draw, follow, proved_at_limit
from checks.vacuity import Count
from dipproofs.certify.methods import heavy_ball
from dipproofs.certify.methods.decide import BITS, decide
from dipproofs.certify.methods.exchange import ExchangedRecursion
from dipproofs.certify.methods.heavy_ball import given
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import HEAVY_BALL, NESTEROV
from dipproofs.theory.methods import symbols as m

THEOREMS = {"heavy-ball": HEAVY_BALL, "nesterov": NESTEROV}


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_no_run_at_the_limit_breaks_its_guarantees(kind: str) -> None:
    rng, count, longest = np.random.default_rng(1), Count(kind), 0.0
    while count.tried < 25 * TIMES:
        instance = draw(rng, kind)
        if instance is None:
            continue
        found = proved_at_limit(instance)
        if not count.example(found is not None, 4):
            continue
        assert found is not None
        R0, decision = found
        violations, share = broken(instance, decision, R0)
        assert not violations, f"{violations} at {instance}"
        longest = max(longest, share)
        if not instance.velocity.any():  # then S depends on neither c nor w nor the direction of r_0
            for _ in range(6):
                size = rng.choice([0.03, 0.3])
                d = instance.direction + size * rng.normal(size=instance.direction.size)
                near = replace(instance, mapping=instance.mapping.nudged(rng, size), direction=d / np.linalg.norm(d))
                worse, there = broken(near, decision, R0, 120)
                assert not worse, f"{worse} at {near}"
                instance, share = (near, there) if there > share else (instance, share)
            longest = max(longest, share)
    count.require(0.6)
    assert longest > 0.3, "the bound of the path is not vacuous"


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_momentum_above_its_range_is_not_proved(kind: str) -> None:
    """γM² beyond 2(1+β) (Nesterov: 1): the linear method diverges, and no radius is offered."""
    rng = np.random.default_rng(3)
    tried = 0
    while tried < 8:
        instance = draw(rng, kind)
        if instance is None:
            continue
        tried += 1
        norm = instance.mapping.ends[1]
        limit = 2 * (1 + instance.beta) if kind == "heavy-ball" else 1.0
        wrong = replace(instance, gamma=1.02 * limit / norm**2)
        decision = PRODUCERS[kind].prove(wrong.setting(1e-6))
        assert decision is None or decision.verdict.value == "undecided"


def _decided(instance: Instance, R0: float, decision, **changes):  # type: ignore[no-untyped-def]
    with flint.ctx.workprec(BITS):
        known = given(instance.setting(R0), float(decision.parameters[s.rho]))
        return decide(THEOREMS[instance.kind], {**known, **changes}, decision.parameters)


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_a_wrong_state_is_noticed(kind: str) -> None:
    """A certificate at the limit fails with a velocity that it does not know of; the path is then longer as well."""
    rng, broke, tried = np.random.default_rng(5), 0, 0
    while tried < 6:
        instance = draw(rng, kind)
        if instance is None or instance.velocity.any():
            continue
        found = proved_at_limit(instance)
        if found is None:
            continue
        tried += 1
        R0, decision = found
        pushed = replace(instance, velocity=40 * rng.normal(size=instance.velocity.size))
        assert _decided(pushed, R0, decision).verdict.value == "undecided"
        broke += bool(broken(pushed, decision, R0)[0])
    assert broke >= 5, "with another state than the certificate's, runs do break it"


def test_kernel_condition_is_needed() -> None:
    """Velocity in ker M decays like β, however fast the modes of M are: without its condition the path is too long."""
    mapping = Map(np.array([[1.0, 0.0]]), np.array([1.0]), np.array([1.0, 0.0]), np.eye(1))
    instance = Instance("nesterov", mapping, np.array([1.0]), np.array([0.0, 2000.0]), 0.5, 0.9)
    R0 = 1e-9
    fast = 0.7  # M frozen, the mode of M needs η ≥ 1 − γσ² = 0.5 only; its kernel needs η ≥ β
    parameters = {s.rho: 1e-4, m.alpha: "1-beta", m.nu: 1.0, m.eta: fast, m.zeta: 0.08}
    with flint.ctx.workprec(BITS):
        known = given(instance.setting(R0), 1e-4)
        decision = decide(NESTEROV, known, parameters)
    assert {h.id for h in decision.hypotheses if str(h.verdict) != "proved"} == {"kernel"}
    violations, share = broken(instance, decision, R0)
    assert "path" in violations and share > 1.1


def test_exchanges_of_the_lyapunov_function_keep_what_they_promise() -> None:
    """Counts of iterations with another W' on the way: kept, earlier than without, and not for a smaller factor."""
    rng, exchanged, early, kept = np.random.default_rng(5), 0, 0, 0
    for _ in range(25 * TIMES):
        instance = draw(rng, "heavy-ball")
        found = None if instance is None else proved_at_limit(instance)
        if instance is None or found is None:
            continue
        R0, decision = found
        recursion = ExchangedRecursion(decision, instance.setting(R0), (1e-6 * R0) ** 2)
        R, _, _ = follow(instance, R0, 6000)
        for goal in (0.1, 1e-3, 1e-6):
            count = recursion.iterations_to_residual(flint.arb((goal * R0) ** 2))
            plain = heavy_ball.levels(decision).iterations_to(
                flint.arb((goal * R0) ** 2) * decision.env[m.d_R] / decision.env[m.beta]
            )
            assert count is not None and plain is not None and count <= plain * 1.05 + 5
            if count < len(R):
                assert (R[count:] <= goal * R0 * (1 + 1e-9)).all()
                kept, early = kept + 1, early + bool(R[int(0.3 * count)] > goal * R0)
        exchanged += len(recursion.exchanges)
        for exchange in recursion.exchanges[:1]:
            env = dict(decision.env)
            if exchange.factor > 1.001:
                smaller = replace(exchange, factor=max(1.0, exchange.factor * 0.999))
                assert recursion.exchanged(env, exchange) and not recursion.exchanged(env, smaller)
    assert exchanged > 4 * TIMES and kept > 20 * TIMES and early > 5 * TIMES
