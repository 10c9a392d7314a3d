"""Steps that need no tuning: the loss falls for every loss and operator; tolerances are said."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from helpers import gaussian_problem, network

import dipproofs as dp
from dipproofs.descent.marks import CAPACITY, Marks
from dipproofs.descent.stepsize import AutoStep, put
from dipproofs.losses import make_loss

rng = np.random.default_rng(7)
PROBABILITIES = rng.uniform(0.05, 0.95, 6)
COUNTS = np.maximum(rng.poisson(50 * rng.uniform(0.2, 1.0, 12)), 1.0)


def spread(m: int, ratio: float) -> np.ndarray:
    """A square operator with singular values from 1 to 1/ratio, and a size of its own."""
    local = np.random.default_rng(3)
    U, _ = np.linalg.qr(local.standard_normal((m, m)))
    return U * np.geomspace(1, 1 / ratio, m)


@pytest.mark.parametrize(
    ("loss", "A", "y", "options"),
    [
        (dp.Poisson(), 50 * np.eye(12), COUNTS, {"output_offset": 0.5, "output_scale": 0.1}),
        (dp.Poisson(), np.eye(12), COUNTS * 200, {"output_offset": 1.0, "output_scale": 0.01}),
        (dp.CrossEntropy(), np.eye(6), PROBABILITIES, {"output_offset": 0.5, "output_scale": 0.05}),
        (dp.Huber(0.01), 1e3 * spread(6, 5.0), np.full(6, 300.0), {}),
        (dp.LogCosh(), 30 * spread(6, 10.0), np.full(6, 40.0), {}),
        (make_loss("lp", p=4.0), spread(6, 3.0), np.full(6, 8.0), {}),
        (dp.SquaredError(scale="mean"), 1e-3 * spread(6, 4.0), np.full(6, 1e-3), {}),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dp.Loss) else "",
)
@pytest.mark.parametrize("method", ["gradient-descent", "heavy-ball"])
def test_the_loss_falls_with_the_automatic_step(loss: Any, A: Any, y: Any, options: dict, method: str) -> None:
    net = network(n=A.shape[1], width=128, **options)
    run = dp.descend(dp.InverseProblem(A, y), net, loss, method=method, max_iterations=300, tolerance=0.0)
    losses = run.history.loss
    assert run.stopped == "max_iterations" or losses[-1] == 0
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.3 * losses[0]
    if method == "gradient-descent":
        noise = (losses[1:] < 1e-24 * losses[0]) & (losses[:-1] < 1e-24 * losses[0])
        assert (noise | (losses[1:] <= 1.001 * losses[:-1])).all()
    assert all(a < b for (a, _), (b, _) in pairwise(run.steps))


def test_many_counts_of_fifty_are_certified() -> None:
    """On the first sublevel set the curvature is 10²⁷ times that at the iterate: no part of it is a step."""
    image = np.random.default_rng(0).random(64) * 0.8 + 0.2
    y = np.maximum(np.random.default_rng(1).poisson(image * 50), 1.0)
    net = network(n=64, width=512, output_offset=0.5, output_scale=0.1)
    found = dp.certify(dp.InverseProblem(50 * np.eye(64), y), net, dp.Poisson(), max_iterations=3000)
    assert found.proved and found.run.iterations < 1000


def test_a_step_too_long_is_taken_back() -> None:
    """The curvature seen is a hundredth of the true one: the first steps raise the loss and do not count."""
    problem, net = gaussian_problem(), network()
    estimates: list[int] = []

    class Blind(AutoStep):
        def _best(self, theta: Any, loss: float) -> float:
            estimates.append(1)
            return 100 * super()._best(theta, loss) if len(estimates) == 1 else self.cap

    import dipproofs.descent.engine as engine

    before, engine.AutoStep = engine.AutoStep, Blind
    try:
        run = dp.descend(problem, net, max_iterations=100, tolerance=0.0)
    finally:
        engine.AutoStep = before
    losses = run.history.loss
    assert losses.shape == (101,) and (losses[1:] <= 1.001 * losses[:-1] + 1e-26).all()
    assert losses[-1] < 1e-6 * losses[0] and len(run.steps) < 60


def test_steps_in_force_are_said_once() -> None:
    steps: list[tuple[int, float]] = []
    for tau, value in ((0, 1.0), (0, 0.5), (3, 0.5), (9, 0.25), (4, 0.1)):
        put(steps, tau, value)
    assert steps == [(0, 0.5), (4, 0.1)]


def test_marks_do_not_depend_on_the_length_of_a_run() -> None:
    marks, found = Marks(True), [0]
    while found[-1] < 40_000:
        found.append(marks.after(found[-1]))
    candidates = [tau for tau in found if marks.offers(tau)]
    assert candidates[:13] == [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15, 18]
    assert all(1.15 * a <= b <= 1.15 * a + 1 for a, b in pairwise(candidates[7:]))
    assert all(marks.pauses(tau) for tau in found) and not marks.pauses(found[-2] + 1)
    assert max(b - a for a, b in pairwise(found)) <= CAPACITY
    assert [Marks(False).after(tau) for tau in (0, 5, CAPACITY)] == [CAPACITY, CAPACITY, 2 * CAPACITY]


def test_relative_tolerance_counts_from_the_start() -> None:
    problem, net = gaussian_problem(), network()
    run = dp.descend(problem, net, relative_tolerance=1e-6)
    losses = run.history.loss
    assert run.converged and losses[-1] <= 1e-6 * losses[0] < losses[-2]
    both = dp.descend(problem, net, tolerance=1e-2, relative_tolerance=1e-6)
    assert both.history.loss[-1] <= 1e-2 < both.history.loss[-2]
    tiny = dp.InverseProblem(problem.operator.to_dense() * 1e-9, problem.y * 1e-9)
    assert dp.descend(tiny, net, relative_tolerance=1e-6).iterations == run.iterations


def test_a_start_below_the_absolute_tolerance_is_said() -> None:
    problem = gaussian_problem()
    tiny = dp.InverseProblem(problem.operator.to_dense() * 1e-9, problem.y * 1e-9)
    run = dp.descend(tiny, network())
    assert run.iterations == 0 and run.converged
    assert "is already below the tolerance 1e-12 (absolute)" in run.reason
    assert "relative_tolerance" in run.reason


def test_backtracking_records_the_steps_it_accepts() -> None:
    problem, net = gaussian_problem(), network()
    run = dp.descend(problem, net, step=64.0, schedule="backtracking", max_iterations=50, tolerance=0.0)
    h = run.history
    assert len(run.steps) > 1 and run.gamma == 64.0 and run.steps[0][0] == 0 and run.steps[-1][0] == 49
    starts = [*(tau for tau, _ in run.steps), 50]
    listed = np.concatenate([np.full(b - a, g) for (_, g), (a, b) in zip(run.steps, pairwise(starts), strict=True)])
    np.testing.assert_array_equal(listed, h.step)
    assert set(np.log2(64.0 / h.step)) <= set(range(20)) and h.step.min() < 2.0
    np.testing.assert_allclose(h.path_length[1:], np.cumsum(h.step * h.gradient_norm[:-1]), rtol=1e-12)
    assert (np.diff(h.loss) <= -h.step * h.gradient_norm[:-1] ** 2 / 2 * (1 - 1e-9) + 1e-16).all()
