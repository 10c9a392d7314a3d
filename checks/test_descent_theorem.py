"""The descent theorem on exact descents (docs/theory.md §3): where the hypotheses are proved, every conclusion holds.

Instances come with a proof from `certify`'s own machinery; the descent is followed in ball arithmetic by an
independent implementation (`checks.balls`), so there is no slack: a violation would be a theorem.
"""

from __future__ import annotations

from collections.abc import Callable

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import balls
from checks.claims import early_stopping, examine, recovery, trace_of, violations
from checks.vacuity import Count, record
from dipproofs.testing import Instance, certified_runs, injective_operators, instances
from dipproofs.testing.losses import LIMITED
from dipproofs.testing.two_layer.certified import certify_plan, place_data
from dipproofs.theory import FORM_IDS
from dipproofs.theory.losses import LOSSES

STEPS = 30


def run_property(
    request: pytest.FixtureRequest, strategy: st.SearchStrategy, check: Callable[[Instance], list], name: str
) -> None:
    """Draw instances, decide the claims of each, count, and fail on any violated claim."""
    count = Count(name)

    @given(strategy)
    def holds(instance: Instance) -> None:
        if not count.example(instance.proof is not None):
            return
        facts = check(instance)
        count.facts += len(facts)
        broken = violations(facts)
        assert not broken, f"{instance!r}: {sorted(set(broken))}"

    holds()
    record(request, count)


@pytest.mark.parametrize("form", FORM_IDS)
def test_every_form(form: str, request: pytest.FixtureRequest) -> None:
    run_property(request, instances(form), lambda i: examine(i, STEPS), f"form {form}")


@pytest.mark.parametrize("kind", sorted(LOSSES))
def test_every_loss(kind: str, request: pytest.FixtureRequest) -> None:
    run_property(request, instances(None, (kind,)), lambda i: examine(i, STEPS), f"loss {kind}")


def test_schedules(request: pytest.FixtureRequest) -> None:
    run_property(request, instances(schedule=True), lambda i: examine(i, STEPS), "schedules")


@pytest.mark.parametrize("form", FORM_IDS)
def test_anytime(form: str, request: pytest.FixtureRequest) -> None:
    """Iterates of a run, certified once the loss is small enough; stored floats, wherever the run ended up."""
    run_property(request, certified_runs(form, 2000), lambda i: examine(i, STEPS), f"anytime, form {form}")


def test_long_descents(request: pytest.FixtureRequest) -> None:
    run_property(request, instances(closeness=(0.99,)), lambda i: examine(i, 150), "long descents")


def test_early_stopping(request: pytest.FixtureRequest) -> None:
    """Data with noise of known size: ‖y_τ−ȳ‖ ≤ 2‖ε‖ from the guaranteed iteration on (r = m)."""

    def check(instance: Instance) -> list:
        m, n = instance.problem.shape
        proof = instance.proof
        if proof is None or m > n:
            return []
        rng = np.random.default_rng(m + 7 * n)
        with flint.ctx.workprec(balls.bits_for(STEPS)):
            _, trace = trace_of(instance, STEPS)
            shares = (0.99, 0.9, 0.6)
            return [fact for q in shares for fact in early_stopping(instance, proof, trace, q, rng.standard_normal(m))]

    kinds = tuple(k for k in LOSSES if k not in ("logit-cross-entropy", *LIMITED))
    run_property(request, instances(None, kinds), check, "early stopping")


def test_recovery(request: pytest.FixtureRequest) -> None:
    """A injective: the signal itself is recovered up to (ψ(f_τ)+‖Πε‖)/σ_A, whatever x̄ and ε."""

    @st.composite
    def draw(draw: st.DrawFn) -> Instance:
        instance = draw(instances("residual", closeness=(0.9, 0.1)))
        A = draw(injective_operators())
        network = instance.network
        V = np.resize(network.V, (A.shape[1], network.width)).astype(np.float64)
        V = V + np.arange(A.shape[1])[:, None] / 8
        from dataclasses import replace

        from dipproofs.certify.search import Step
        from dipproofs.operators.bounds import bound_operator

        network = replace(network, V=V)
        direction = np.random.default_rng(A.size).standard_normal(A.shape[0])
        problem = place_data(A, network, instance.loss, instance.plan, Step(None, 1.0), direction)
        if problem is None:
            return replace(instance, proof=None)
        proof = certify_plan(problem, network, instance.loss, bound_operator(A), instance.plan, Step(None, 1.0))
        return replace(instance, problem=problem, network=network, proof=proof)

    def check(instance: Instance) -> list:
        x_true = np.random.default_rng(instance.problem.shape[0]).standard_normal(instance.problem.shape[1])
        with flint.ctx.workprec(balls.bits_for(STEPS)):
            setting, trace = trace_of(instance, STEPS)
            assert instance.proof is not None
            return list(recovery(instance, instance.proof, setting, trace, x_true))

    run_property(request, draw(), check, "recovery, A injective")
