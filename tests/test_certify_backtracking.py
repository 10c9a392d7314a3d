"""Backtracking is certified for what it accepts, not for its first trial; Poisson needs no step from the user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import changed, gaussian_problem, network

import dipproofs as dp
from dipproofs.certificate import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved certificate whose first trial is far beyond 2/L."""
    rng = np.random.default_rng(0)
    A = 1e3 * np.linalg.qr(rng.standard_normal((12, 12)))[0]
    net = dp.TwoLayer.init(n=12, width=256, input_dimension=5, seed=3)
    cert = dp.certify(dp.InverseProblem(A, A @ rng.random(12)), net, step=1.0, schedule="backtracking")
    assert cert.proved and cert.form == "backtracking" and cert.run.converged
    assert len(cert.run.steps) > 1 and max(g for _, g in cert.run.steps) < 1e-4 < cert.run.gamma == 1.0
    assert cert.quantities["gamma"].lower == 1.0 and cert.quantities["omega"].lower == 0.5
    needed = cert.guarantees.iterations_to_loss["1e-12"]
    assert needed is not None and cert.iteration + needed >= cert.run.iterations
    return write.save(cert, tmp_path_factory.mktemp("backtracking")).parent


def test_the_second_opinion_agrees(folder: Path) -> None:
    result = dp.verify(folder / "certificate.json")
    assert result, str(result)


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": {"kind": "backtracking", "decrease": 0.25, "shrink": 0.5}},
        {"schedule": {"kind": "backtracking", "decrease": 0.5, "shrink": 0.9}},
        {"schedule": {"kind": "backtracking", "decrease": 0.9, "shrink": 0.5}},
        {"schedule": {"kind": "constant"}},
        {"form": "concave"},
        {"steps": [[0, 8.0]]},
    ],
    ids=str,
)
def test_a_certificate_that_was_tampered_with_is_refused(folder: Path, change: dict[str, Any]) -> None:
    def tamper(record: dict[str, Any]) -> None:
        record["run"]["steps"] = change.get("steps", record["run"]["steps"])
        for part in (record, record["final"]):
            part |= {key: value for key, value in change.items() if key != "steps"}

    assert not dp.verify(changed(folder, tamper))


def test_poisson_counts_are_proved_with_the_automatic_step() -> None:
    image = np.random.default_rng(0).random(16) * 0.8 + 0.2
    y = np.maximum(np.random.default_rng(1).poisson(image * 50), 1.0)
    net = dp.TwoLayer.init(n=16, width=512, input_dimension=5, seed=3, output_offset=0.5, output_scale=0.1)
    cert = dp.certify(dp.InverseProblem(50 * np.eye(16), y), net, dp.Poisson(), max_iterations=3000)
    assert cert.proved and cert.run.converged and cert.run.iterations < 1500
    assert (np.diff(cert.run.history.loss) <= 1e-12).all()


@pytest.mark.parametrize("method", ["heavy-ball", "nesterov", "adam"])
def test_no_theorem_of_gradient_descent_speaks_of_another_method(method: str) -> None:
    cert = dp.certify(gaussian_problem(), network(), method=method, max_iterations=50)
    if str(cert.verdict) == "proved":  # then by a theorem about the method
        own = cert.method["kind"] == method and {"lyapunov", "contraction"} <= {h.id for h in cert.hypotheses}
        assert own or cert.claims.convergence.verdict == "undecided"
    assert cert.run.to_json()["method"]["kind"] == method


def test_relative_tolerance_reaches_the_certificate() -> None:
    cert = dp.certify(gaussian_problem(), network(), relative_tolerance=1e-5)
    losses = cert.run.history.loss
    assert cert.run.converged and losses[-1] <= 1e-5 * losses[0] < losses[-2]
