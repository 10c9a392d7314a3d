"""What an adversary found, and what must stay as it is: schedules, extreme scales, counts, odd inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import arb

import dipproofs as dp
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.guarantees import at_both_ends
from dipproofs.certify.search import Step
from dipproofs.descent import make_schedule
from dipproofs.enclosures import Bound
from dipproofs.operators.bounds import bound_operator
from dipproofs.recovery.signal_error import Recovery
from dipproofs.theory import conditions
from dipproofs.theory import symbols as s


def near_solution() -> tuple[dp.InverseProblem, dp.TwoLayer]:
    """Data that the network almost fits at its start, so that the start is certified and every step contracts much."""
    rng = np.random.default_rng(5)
    network = dp.TwoLayer.init(n=3, width=40, input_dimension=2, train="outer", seed=1)
    A = np.eye(2, 3)
    x = network.output() + 0.3 * rng.standard_normal(3)
    return dp.InverseProblem(A, A @ x + 1e-3 * rng.standard_normal(2), x_true=x), network


@pytest.mark.parametrize(("kind", "options"), [("polynomial", {"power": 0.5}), ("cosine", {"horizon": 400})])
@pytest.mark.parametrize("form", ["residual", "concave"])
def test_early_stopping_counts_small_steps_by_their_size(kind: str, options: dict, form: str) -> None:
    """N steps γ_i contract less than Σγ_i/γ steps of size γ: ln(1−az) > a·ln(1−z) for a < 1."""
    problem, network = near_solution()
    loss, operator = dp.SquaredError(), bound_operator(problem.operator.to_dense())
    schedule = make_schedule(kind, **options)
    found = certify_at(
        problem, network, loss, operator, Step(None, 0.5), form=form, schedule=schedule,
        recovery=Recovery(problem, network, operator, loss),
    )  # fmt: skip
    q, count = found.quantities, found.guarantees.early_stopping_iteration
    assert found.proved
    assert count is not None
    assert 0 < count < 1000
    factor = np.array([schedule.factor(i) for i in range(count)])
    F, gamma = q["F_inf"].lower, q["gamma"].lower * factor
    if form == "residual":
        decrease = -np.log1p(-gamma * F * (F - q["x"].upper)).sum()
    else:
        decrease = 2 * (gamma * q["rate"].lower * F**2).sum()
    level = found.guarantees.extra["recovery"]["early_stopping"]["level"].lower
    assert decrease >= math.log(q["psi_0"].upper / level) * (1 - 1e-6)


def test_a_wide_injectivity_does_not_empty_the_rate() -> None:
    """F_∞ in [1, 9]: squaring the ball 5 ± 4 would reach below 1."""
    env = {s.gamma: arb("0.01"), s.rate: arb(1), s.omega: arb(1), s.psi_0: arb(2), s.curvature_correction: arb("0.5")}
    env[s.step_weakening] = arb(1)
    F = Bound(1.0, 9.0)
    for expr, low, high in (
        (conditions.rate_exponent, 0.01, 0.81),
        (conditions.distance_to_limit, 2 / 9, 2.0),
        (conditions.distance_to_limit_residual, 2 / 8.5, 4.0),
        (conditions.residual_contraction, 1 - 0.09 * 8.5, 1 - 0.01 * 0.5),
    ):
        ball = at_both_ends(expr, env, F)
        assert float(ball.lower()) == pytest.approx(low)
        assert float(ball.upper()) == pytest.approx(high)


def test_counts_belong_to_the_target_that_is_named() -> None:
    """A tolerance of many digits keeps them: the count for 1.234567891e-7 says nothing about 1.23457e-07."""
    problem, network = near_solution()
    operator = bound_operator(problem.operator.to_dense())
    target = 1.2345678912e-7
    found = certify_at(problem, network, dp.SquaredError(), operator, Step(None, 1.0), targets=(target,))
    counts = found.guarantees.iterations_to_loss
    assert "1e-12" in counts
    assert target in {float(key) for key in counts}


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e200, 1e307])
def test_extreme_scales_end_with_a_verdict(scale: float) -> None:
    rng = np.random.default_rng(0)
    network = dp.TwoLayer.init(n=4, width=6, input_dimension=2, seed=0)
    with np.errstate(all="ignore"):
        A = rng.standard_normal((3, 4)) * scale
    problem = dp.InverseProblem(A, rng.standard_normal(3))
    try:
        found = dp.certify(problem, network, max_iterations=20)
    except dp.InputError as error:  # the step 1/‖M‖² is no float
        assert scale == 1e-160 and "rescale A, y or the loss" in str(error)
        return
    assert str(found.verdict) in ("proved", "refuted", "undecided")
    assert found.proved or any(h.reason for h in found.hypotheses)


def test_huge_parameters_end_with_a_verdict() -> None:
    rng = np.random.default_rng(0)
    network = dp.TwoLayer.init(n=4, width=6, input_dimension=2, seed=0)
    network = dp.TwoLayer(network.u, network.W, network.V * 1e200)
    problem = dp.InverseProblem(rng.standard_normal((3, 4)), rng.standard_normal(3))
    assert not dp.certify(problem, network, max_iterations=20).proved
    assert not dp.check(problem, network, widths=False).proved


def test_a_signed_basis_behind_a_mask_keeps_its_offset_apart() -> None:
    """AB may be a mask although B is not the identity: the offset passes A, not AB."""
    A, B = np.eye(3)[:2], np.diag([1.0, -1.0, 1.0])
    network = dp.TwoLayer.init(n=3, width=5, input_dimension=2, seed=0, basis=B, output_offset=0.5)
    y = A @ network.output() + np.array([1e-3, 0.0])
    found = certify_at(dp.InverseProblem(A, y), network, dp.SquaredError(), bound_operator(A, B), Step(None, 1.0))
    assert found.quantities["loss_0"].mid == pytest.approx(5e-7, rel=1e-6)


def test_a_horizon_beyond_any_run_is_one_line() -> None:
    with pytest.raises(dp.errors.InputError, match=r"descent\.horizon: found 10{23}, expected"):
        make_schedule("cosine", horizon=10**23)
