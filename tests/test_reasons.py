"""Reasons name what is wrong, and cures are what the user can carry out and what helps."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dipproofs as dp
from dipproofs.networks import Convolutional, GraphNetwork


def _sigmoid(seed: int = 0) -> GraphNetwork:
    return Convolutional.init((3, 3), channels=2, depth=1, activation="tanh", output="sigmoid", seed=seed)


@pytest.mark.parametrize("A", [np.eye(9), -np.eye(9)[[1, 4]], np.ones((1, 9)) / 9], ids=["image", "mask", "mean"])
def test_data_beyond_the_last_function_are_named_before_the_run(A: np.ndarray) -> None:
    said: list[str] = []
    network = _sigmoid()
    inside, sign = A @ network.output(), np.sign(A.sum(axis=1))
    good = dp.certify(dp.InverseProblem(A, inside + 1e-3), network, max_iterations=0, say=said.append)
    assert not said and not any("no exact fit exists" in h.reason for h in good.hypotheses)
    bad = dp.certify(dp.InverseProblem(A, 1.5 * sign), network, max_iterations=0, say=said.append)
    reasons = [h.reason for h in bad.hypotheses if str(h.verdict) != "proved"]
    assert len(said) == 1 and "no exact fit exists" in said[0] and said[0] in reasons
    assert not any("wider" in reason for reason in reasons) and dp.verify(bad).valid


def test_a_pixel_that_a_sigmoid_reaches_only_in_the_limit() -> None:
    y = np.full(9, 0.5)
    y[3] = 0.0
    found = dp.certify_point(dp.InverseProblem(np.eye(9), y), _sigmoid())
    assert "y[3] = 0 (1 of 9" in found.claims.existence.reason


def test_a_pixel_that_a_sine_reaches() -> None:
    network = dp.from_jax(lambda p: jnp.sin(p["a"]), {"a": np.linspace(0.1, 1.2, 4)})
    y = np.array([0.2, 1.0, -1.0, 0.5])
    found = [dp.certify_point(dp.InverseProblem(np.eye(4), data), network) for data in (y, y + 0.01)]
    assert ["no exact fit exists" in cert.claims.existence.reason for cert in found] == [False, True]


def test_a_graph_that_is_not_injective_is_told_apart_from_one_that_is_too_narrow() -> None:
    """All units are saturated: the width is not the reason."""
    network = _sigmoid()
    flat = network.with_parameters({name: 40 + 0 * value for name, value in network.parameters().items()})
    found = dp.certify_point(dp.InverseProblem(np.eye(9), np.full(9, 0.4)), flat)
    assert not found.proved and "saturated" in found.claims.existence.reason


def test_a_too_long_step_of_a_graph_is_refuted_by_both() -> None:
    """With ℓ_A = 0, its least value, the step is too long already."""
    network = Convolutional.init((3, 3), channels=3, depth=2, activation="silu", seed=1)
    problem = dp.InverseProblem(np.eye(9), network.output() + 1e-9)
    found = dp.certify(problem, network, step=1e4, max_iterations=0)
    step = next(h for h in found.hypotheses if h.id == "step")
    assert str(step.verdict) == "refuted" == str(found.verdict) and "use a step" in step.reason
    checked = dp.verify(found)
    assert checked.valid, checked.findings


def test_no_step_is_advised_where_the_program_chose_it() -> None:
    """Data so small that the run ends at once: nothing was wrong with the step."""
    problem = dp.InverseProblem(1e-9 * np.eye(6), np.full(6, 1e-9))
    found = dp.certify(problem, dp.TwoLayer.init(n=6, width=64, input_dimension=2))
    assert not any("use a step" in h.reason for h in found.hypotheses)
    assert found.run is not None and "relative_tolerance" in found.run.reason


def test_no_step_is_advised_by_which_no_loss_would_fall() -> None:
    """From the whole first sublevel set a Poisson loss allows steps of 1e-9 only."""
    rng = np.random.default_rng(0)
    A = rng.random((6, 12))
    network = dp.TwoLayer.init(n=12, width=64, input_dimension=2, output_offset=1.0, output_scale=0.05)
    problem = dp.InverseProblem(A, 50.0 + rng.random(6))
    found = dp.certify(problem, network, dp.make_loss("poisson"), step=0.01, max_iterations=0)
    assert not any("use a step" in h.reason for h in found.hypotheses)
    assert any('schedule = "backtracking"' in h.reason for h in found.hypotheses)


def _gelu_step(distance: float, step: float) -> tuple[dp.Certificate, Any]:
    """The step's hypothesis for data at a distance at which the ball has no sharp curvature."""
    rng = np.random.default_rng(3)
    theta, x = {"V": rng.uniform(-0.5, 0.5, (1, 6)), "W": rng.uniform(-0.5, 0.5, (6, 4))}, rng.uniform(size=(4, 16))
    network = dp.from_jax(lambda p: (p["V"] @ jax.nn.gelu(p["W"] @ x, approximate=False)).ravel(), theta)
    A = np.eye(16)[rng.choice(16, 6, replace=False)]
    problem = dp.InverseProblem(A, A @ network.output() + distance * rng.standard_normal(6))
    found = dp.certify_point(problem, network, method="gradient-descent", step=step)
    return found, next(h for h in found.hypotheses if h.id == "step")


def test_a_step_is_advised_where_its_bound_is_only_an_upper_one() -> None:
    """γL may be 0: the quotient of the limit by it is no number, the one by its upper end is."""
    _, step = _gelu_step(0.01, 1e-3)
    assert str(step.verdict) == "undecided" and "use a step below 0.000" in step.reason
    advised = float(step.reason.split("use a step below ")[1])
    assert str(_gelu_step(0.01, advised)[1].verdict) == "proved"


def test_no_step_is_advised_where_nothing_bounds_it() -> None:
    found, step = _gelu_step(0.05, 1e-3)
    assert str(step.verdict) == "undecided" and "no step is known to be short enough" in step.reason
    assert not any(word in h.reason for h in found.hypotheses for word in (" nan", "[nan", " inf", "-inf"))
