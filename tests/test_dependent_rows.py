"""Rows that are 0, repeated, or dependent: the squared loss fits the projected data, and it is proved and verified."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import dipproofs as dp
from dipproofs.certificate.write import save
from dipproofs.certify import bound_operator
from dipproofs.losses import make_loss
from dipproofs.report.series import shown_convention
from dipproofs.verify import verify

RNG = np.random.default_rng(0)
N = 6
NET = dp.TwoLayer.init(n=N, width=128, input_dimension=3, seed=3)
STACKED = RNG.standard_normal((3, N))
FORWARD_DIFFERENCE = np.diag(np.ones(N - 1), 1) - np.eye(N)
FORWARD_DIFFERENCE[-1] = 0
INTEGERS = RNG.integers(-3, 4, (4, N)).astype(float)
CASES = {
    "mask": (np.diag((np.arange(N) % 2).astype(float)), "3 rows (0, 2, 4) are 0"),
    "difference": (FORWARD_DIFFERENCE, "row 5 is 0"),
    "shift": (np.diag(np.ones(N - 1), 1), "row 5 is 0"),
    "twice": (np.vstack([STACKED, STACKED]), "3 rows (3, 4, 5) are repeated"),
    "sum": (np.vstack([INTEGERS, INTEGERS[:1] + 2 * INTEGERS[1:2]]), "1 depend on the others"),
    "columns": (
        np.vstack([STACKED, np.eye(N)[:2] @ np.diag([1, 1, 0, 0, 0, 0.0])])[:, [0, 1, 2, 2, 2, 2]] * [1, 1, 1, 1, 1, 0],
        "",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_dependent_rows_are_projected_proved_and_verified(case: str, tmp_path: Path) -> None:
    A, said = CASES[case]
    x = RNG.random(N)
    y = A @ x + 0.1 * RNG.standard_normal(A.shape[0])
    found = dp.certify(dp.InverseProblem(A, y, x_true=x), NET, max_iterations=3000)
    assert found.proved and found.run.stopped == "tolerance"
    rank = next(h for h in found.hypotheses if h.id == "rank")
    assert f"= {np.linalg.matrix_rank(A)}" in rank.statement and said in rank.statement
    singular = np.linalg.svd(A, compute_uv=False)
    assert found.quantities["sigma_A"].lower <= singular[np.linalg.matrix_rank(A) - 1] * (1 + 1e-9)
    assert found.quantities["sigma_A"].upper >= singular[np.linalg.matrix_rank(A) - 1] * (1 - 1e-9)
    # what is said of the limit: A x_∞ = Πy
    nearest = A @ np.linalg.lstsq(A, y, rcond=None)[0]
    assert np.linalg.norm(A @ found.run.network.output() - nearest) < 1e-4
    assert found.quantities["loss_0"].contains(0.5 * np.sum((A @ _at(found) - nearest) ** 2)) or found.quantities[
        "loss_0"
    ].upper == pytest.approx(0.5 * np.sum((A @ _at(found) - nearest) ** 2), rel=1e-6)
    constant = found.loss["projected"]["constant"]
    lost = 0.5 * np.sum((y - nearest) ** 2)
    assert constant["lower"] <= lost * (1 + 1e-9) + 1e-15 and lost * (1 - 1e-9) <= constant["upper"]
    assert constant["evidence"] == "proved" and "Πy" in shown_convention(found)
    checked = verify(save(found, tmp_path))
    assert checked.valid, checked.findings


def _at(certificate: dp.Certificate) -> np.ndarray:
    arrays = certificate.arrays
    return arrays["V"] @ np.tanh(arrays["W"] @ arrays["u"]) / np.sqrt(arrays["V"].shape[1])


def test_the_same_as_without_the_rows() -> None:
    """Rows of 0 change neither the descent nor what is proved of it."""
    A, x = CASES["mask"][0], RNG.random(N)
    kept = A.any(axis=1)
    whole = dp.certify(dp.InverseProblem(A, A @ x), NET, step=0.1)
    part = dp.certify(dp.InverseProblem(A[kept], (A @ x)[kept]), NET, step=0.1)
    assert whole.iteration == part.iteration
    for name in ("sigma_A", "norm_A", "sigma_AJ", "loss_0", "S"):
        assert whole.quantities[name].upper == pytest.approx(part.quantities[name].upper, rel=1e-6)


def test_another_loss_says_which_rows() -> None:
    A = CASES["twice"][0]
    found = dp.certify(dp.InverseProblem(A, np.ones(6)), NET, loss="log-cosh", max_iterations=20)
    reasons = " ".join(h.statement + h.reason for h in found.hypotheses)
    assert str(found.verdict) == "refuted" and "repeated" in reasons and "squared" in reasons


@pytest.mark.parametrize("loss", ["log-cosh", "huber", "norm-power"])
def test_rows_of_zero_are_dropped_where_they_add_a_constant(loss: str, tmp_path: Path) -> None:
    """A sum over the rows allows it, a norm does not; it is said before the run."""
    made = make_loss(loss, **{"huber": {"delta": 0.5}, "norm-power": {"p": 3.0}}.get(loss, {}))
    A, said = CASES["mask"][0], []
    found = dp.certify(dp.InverseProblem(A, A @ RNG.random(N)), NET, loss=made, max_iterations=200, say=said.append)
    if loss == "norm-power":
        assert str(found.verdict) == "refuted" and "(0, 2, 4) are 0" in said[0]
    else:
        assert found.proved and found.arrays["A"].shape == (3, N) and "(0, 2, 4) are 0 and dropped" in said[0]
        assert verify(save(found, tmp_path)).valid


def test_without_a_rank_the_run_still_stops_at_the_noise(tmp_path: Path) -> None:
    """Nearly dependent rows: said before the run with the cure; ‖A g − ȳ‖ ≤ 2‖ε‖ needs no rank and is proved."""
    A = RNG.standard_normal((5, N))
    A[4] = A[:4].T @ RNG.standard_normal(4) * (1 + 2.0**-52)
    x, said = RNG.random(N), []
    problem = dp.InverseProblem(A, A @ x + 0.05 * RNG.standard_normal(5), x_true=x)
    if bound_operator(A).rank is not None:
        pytest.skip("the rank was decided")
    found = dp.certify(problem, NET, stop="guaranteed", max_iterations=5000, say=said.append)
    assert "two-layer-synthesis" in said[0]
    assert not found.proved and found.run.stopped == "guaranteed"
    stated = found.guarantees.extra["recovery"]["early_stopping"]["data_error"]
    assert str(stated.evidence) == "proved"
    assert np.linalg.norm(A @ found.run.network.output() - A @ x) <= stated.upper
    checked = verify(save(found, tmp_path))
    assert checked.valid, checked.findings


@pytest.mark.parametrize("seed", [0, 5])
def test_dependent_outputs_of_a_graph_leave_room_for_rounding(seed: int, tmp_path: Path) -> None:
    """σ_AJ is then rounding alone, which another arithmetic bounds by other numbers: the published ends allow it."""
    rng = np.random.default_rng(seed)
    parameters = {"a": rng.standard_normal(3), "B": rng.standard_normal((3, 3))}
    network = dp.from_jax(
        lambda p: jnp.concatenate([jnp.tanh(p["B"] @ p["a"]), 3 * jnp.tanh(p["B"] @ p["a"])]), parameters
    )
    A = rng.standard_normal((4, N))
    found = dp.certify_point(dp.InverseProblem(A, A @ rng.standard_normal(N)), network)
    sigma = found.quantities["sigma_AJ"]
    assert not found.proved and sigma.lower == 0 and sigma.upper < 1e-9
    checked = verify(save(found, tmp_path))
    assert checked.valid, checked.findings


def test_a_point_without_a_run_gets_cures_without_one() -> None:
    """Who has trained weights has no max_iterations to raise."""
    network = dp.MLP.init((2, 3), width=4, depth=1, fourier_features=2, output="none")
    problem = dp.InverseProblem(np.eye(2, 6), np.full(2, 30.0))
    reasons = " ".join(h.reason for h in dp.certify_point(problem, network).hypotheses)
    assert 'train on, or go on with certify(…, polish="gauss-newton")' in reasons and "max_iterations" not in reasons
    small = dp.TwoLayer.init(n=6, width=8, input_dimension=2, seed=0)
    reasons = " ".join(h.reason for h in dp.certify_point(problem, small).hypotheses)
    assert "train on" in reasons and "polish" not in reasons and "max_iterations" not in reasons
