"""Descents: their records, formats, schedules, ends and refusals; `test_descent_methods` has the recursions."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from helpers import gaussian_problem, network

import dipproofs as dp
from dipproofs.networks.activation import jax_activation, numpy_activation
from dipproofs.theory import ACTIVATIONS


@pytest.mark.parametrize("train", ["both", "inner", "outer"])
def test_history_is_consistent(train: str) -> None:
    problem, net = gaussian_problem(), network(train=train)
    run = dp.descend(problem, net, step=0.2, max_iterations=30, tolerance=0.0)
    h = run.history
    assert h.loss.shape == h.gradient_norm.shape == h.path_length.shape == h.distance.shape == (31,)
    np.testing.assert_allclose(np.diff(h.path_length), 0.2 * h.gradient_norm[:-1], rtol=1e-12)
    moved = math.hypot(np.linalg.norm(run.network.V - net.V), np.linalg.norm(run.network.W - net.W))
    assert h.distance[-1] == pytest.approx(moved, rel=1e-10)
    assert (h.distance <= h.path_length * (1 + 1e-12)).all()


def test_large_networks_record_the_distance_at_watched_iterations() -> None:
    problem, net = gaussian_problem(3, 500), network(n=500, width=512)
    run = dp.descend(problem, net, step=0.1, max_iterations=20, tolerance=0.0)
    assert run.history.distance_iteration[-1] == 20
    assert run.history.distance.shape == run.history.distance_iteration.shape
    assert np.isfinite(run.history.distance).all()


def test_float32_runs_in_float32() -> None:
    problem, net = gaussian_problem(), network(dtype="float32")
    run = dp.descend(problem, net, tolerance=1e-8)
    assert run.network.V.dtype == run.network.W.dtype == np.float32
    assert run.converged


def test_auto_step_decreases_the_loss_and_converges() -> None:
    for width in (4, 64, 256):
        run = dp.descend(gaussian_problem(), network(width=width))
        assert run.converged
        assert (np.diff(run.history.loss) <= 0).all()


def test_runs_are_reproducible_bit_for_bit() -> None:
    first, second = (dp.descend(gaussian_problem(), network()) for _ in range(2))
    np.testing.assert_array_equal(first.history.loss, second.history.loss)
    np.testing.assert_array_equal(first.network.V, second.network.V)


def test_a_diverging_run_stops_with_a_reason() -> None:
    run = dp.descend(gaussian_problem(), network(), step=1e6, max_iterations=500)
    assert run.stopped == "not finite"
    assert run.reason.startswith("the loss overflowed at iteration ")
    assert run.reason.endswith('with step 1e+06; use a smaller step, or step = "auto"')
    assert np.isfinite(run.network.V).all()


@pytest.mark.parametrize(("size", "what"), [(1e100, "loss .* is finite, but its gradient"), (1e200, "the loss")])
@pytest.mark.parametrize("step", ["auto", 1.0])
def test_what_overflows_at_the_start_is_not_blamed_on_the_step(size: float, what: str, step: str | float) -> None:
    A = np.eye(10)[:5] * size
    run = dp.descend(dp.InverseProblem(A, np.ones(5)), network(), step=step, max_iterations=5)
    assert run.stopped == "not finite" and run.iterations == 0
    assert re.fullmatch(f"{what} overflowed at the start; rescale A, y or the loss", run.reason)


def test_only_a_loss_with_a_domain_can_leave_it() -> None:
    problem = dp.InverseProblem(np.eye(10)[:5], np.full(5, 2.0))
    run = dp.descend(problem, network(output_offset=3.0, output_scale=0.1), dp.Poisson(), step=1e3)
    assert run.stopped == "not finite"
    assert "left the domain of the loss (every entry of A g(u,θ) is in ]0, ∞[)" in run.reason


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_that_no_float_holds_is_refused(dtype: str) -> None:
    A, loss = np.eye(10)[:5], dp.SquaredError()
    if dtype == "float32":
        A = (A * 1e-25).astype(dtype)
    else:
        A, loss = A * 1e-60, dp.SquaredError(scale=1e-190)
    with pytest.raises(dp.InputError, match=r'descent.step: "auto" gives γ = .*; rescale A, y or the loss') as caught:
        dp.descend(dp.InverseProblem(A, np.ones(5, dtype)), network(dtype=dtype), loss)
    assert ("float64" in str(caught.value).split(";")[1]) == (dtype == "float32")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": 1e39}, "^y: found 1e"),
        ({"A": 1e39}, "^A: found 1e"),
        ({"offset": 1e39}, "^network output_offset: found 1e"),
        ({"scale": 1e39}, "^loss.scale: found 1e"),
        ({"step": 1e39}, "^descent.step: found 1e"),
        ({"step": 1e-60}, "^descent.step: found 1e-60, which float32 rounds to 0"),
    ],
)
def test_numbers_beyond_float32_are_one_line(changes: dict[str, float], message: str) -> None:
    given = {"y": 1.0, "A": 1.0, "offset": 0.0, "scale": 0.5, "step": 0.1} | changes
    problem = dp.InverseProblem(np.eye(10)[:5] * given["A"], np.full(5, given["y"]))
    loss, net = dp.SquaredError(scale=given["scale"]), network(dtype="float32", output_offset=given["offset"])
    with pytest.raises(dp.InputError, match=message):
        dp.descend(problem, net, loss, step=given["step"], tolerance=1e300)


def test_zero_iterations_are_allowed() -> None:
    run = dp.descend(gaussian_problem(), network(), max_iterations=0)
    assert run.iterations == 0 and run.history.loss.shape == (1,)


def test_a_network_that_does_not_fit_is_refused() -> None:
    with pytest.raises(dp.InputError, match="found 7 outputs, expected n = 10"):
        dp.descend(gaussian_problem(), network(n=7))


def test_float64_runs_enter_64_bits_and_leave_the_global_mode_alone() -> None:
    before = dp.descend(gaussian_problem(), network(), max_iterations=20)
    jax.config.update("jax_enable_x64", False)
    try:
        run = dp.descend(gaussian_problem(), network(), max_iterations=20)
        assert not jax.config.read("jax_enable_x64") and jax.numpy.zeros(1).dtype == np.float32
        assert dp.descend(gaussian_problem(), network(dtype="float32"), tolerance=1e-8).converged
    finally:
        jax.config.update("jax_enable_x64", True)
    np.testing.assert_array_equal(run.history.loss, before.history.loss)
    assert run.network.V.dtype == np.float64


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_float_activations_are_stable(name: str) -> None:
    import mpmath
    import sympy as sp

    from dipproofs.theory.activations import x

    points = np.array([-800.0, -30.0, -1.5, -1e-9, 0.0, 1e-9, 0.7, 5.0, 40.0, 800.0])
    exact = [sp.lambdify(x, e, "mpmath") for e in (ACTIVATIONS[name].phi, ACTIVATIONS[name].dphi)]
    # NumPy evaluates transcendental functions to within a few units in the last place of the terms involved
    for pair in (jax_activation(name), numpy_activation(name)):
        for values, function in zip(pair(points), exact, strict=True):
            with mpmath.workdps(60):
                want = np.array([float(function(mpmath.mpf(p))) for p in points])
            np.testing.assert_allclose(np.asarray(values), want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("polynomial", {"power": 0.3}), ("cosine", {"horizon": 800}), ("backtracking", {}), ("constant", {})],
)
def test_every_schedule_decreases_the_loss(kind: str, options: dict) -> None:
    run = dp.descend(
        gaussian_problem(), network(), schedule=kind, schedule_options=options, max_iterations=400, tolerance=1e-4
    )
    assert run.converged
    assert (np.diff(run.history.loss) <= 0).all()


def test_an_interrupt_keeps_the_run_but_not_one_without_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from dipproofs.descent.stepsize import AutoStep

    def progress(tau: int, value: float) -> None:
        if tau >= 4:
            raise KeyboardInterrupt

    run = dp.descend(gaussian_problem(), network(), max_iterations=100, tolerance=0.0, progress=progress)
    assert run.stopped == "interrupted" and run.iterations >= 4 and len(run.history.loss) == run.iterations + 1

    def interrupted(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(AutoStep, "propose", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dp.descend(gaussian_problem(), network(), max_iterations=100)


@pytest.fixture
def interrupted_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second chunk of a descent is interrupted."""
    from dipproofs.descent import loop

    advance, calls = loop.advance, [0]

    def once(*arguments: object) -> object:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        return advance(*arguments)

    monkeypatch.setattr(loop, "advance", once)


@pytest.mark.usefixtures("interrupted_later")
@pytest.mark.parametrize("call", [dp.descend, dp.certify])
def test_an_interrupt_can_be_raised_to_the_caller(call: Callable[..., Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        call(gaussian_problem(), network(), max_iterations=5000, keep_interrupted=False)


@pytest.mark.usefixtures("interrupted_later")
def test_an_interrupted_certificate_is_kept_by_default() -> None:
    assert dp.certify(gaussian_problem(), network(), max_iterations=5000).run.stopped == "interrupted"


@pytest.mark.usefixtures("interrupted_later")
def test_an_interrupted_run_is_no_result_of_an_experiment() -> None:
    from dipproofs.experiments.certified import certified_run

    problem, net = gaussian_problem(kappa=30.0), network(width=16)
    with pytest.raises(KeyboardInterrupt):
        certified_run(problem, net, net, 0.1, 5000, 1e-12)


def test_every_experiment_raises_interrupts() -> None:
    folder, found = Path(dp.__file__).parent / "experiments", 0
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("certify", "descend"):
                found += 1
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert given.get("keep_interrupted") == "False", f"{path.name}:{node.lineno}"
    assert found >= 8


@pytest.mark.parametrize("kind", ["log-cosh", "norm-power"])
def test_the_automatic_step_takes_float32_for_losses_with_a_curvature(kind: str) -> None:
    """The vector of the power iteration has the format of the run; with another, JAX refused to differentiate."""
    loss = dp.LogCosh() if kind == "log-cosh" else dp.NormPower(3.0)
    net = network(n=10, width=8, dtype="float32")
    run = dp.descend(gaussian_problem(), net, loss, max_iterations=3)
    assert run.iterations == 3 and run.network.V.dtype == np.float32
