"""Certificates: what is proved, what is not, and what the record says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import gaussian_problem, network

import dipproofs as dp
from dipproofs.certificate.write import certificate_json, dumps, save
from dipproofs.certify import bound_operator, certify_at
from dipproofs.certify.quantities import enclose_base, estimate_base
from dipproofs.certify.search import Step
from dipproofs.enclosures import Evidence, Verdict
from dipproofs.losses import SquaredError
from dipproofs.theory import quantities
from dipproofs.theory import symbols as s


@pytest.mark.parametrize("train", ["both", "inner", "outer"])
@pytest.mark.parametrize("width", [16, 64])
def test_certified_before_half_of_the_run(width: int, train: str) -> None:
    cert = dp.certify(gaussian_problem(), network(width=width, train=train))
    assert cert.proved and cert.final.proved
    assert cert.iteration < cert.run.iterations / 2
    assert cert.final.iteration == cert.run.iterations


def test_forecast_is_within_a_factor_two() -> None:
    cert = dp.certify(gaussian_problem(), network())
    contraction = cert.final.guarantees.log_contraction_per_step.upper
    forecast = 6 * np.log(10) / -contraction
    residual = np.sqrt(2 * cert.run.history.loss)
    observed = int(np.argmax(residual <= 1e-6 * residual[0])) or cert.run.iterations
    assert observed / 2 <= forecast <= 2 * observed


def test_a_narrow_inner_layer_is_refuted_with_a_cure() -> None:
    cert = dp.certify(gaussian_problem(), network(width=4, train="inner"), max_iterations=50)
    assert cert.verdict is Verdict.REFUTED
    assert any("width of at least 5" in h.reason for h in cert.hypotheses)


def test_estimated_arithmetic_is_never_proved() -> None:
    cert = dp.certify(gaussian_problem(), network(), arithmetic="estimated")
    assert cert.verdict is Verdict.UNDECIDED
    assert cert.guarantees.distance_to_limit.evidence is Evidence.ESTIMATED
    assert any("estimated" in h.reason for h in cert.hypotheses)


def test_estimates_agree_with_enclosures() -> None:
    problem, loss = gaussian_problem(), SquaredError()
    for train in ("both", "inner", "outer"):
        net = network(train=train)
        operator = bound_operator(problem.operator.to_dense())
        exact = enclose_base(operator, problem.y, net, loss, unprojected=True).values
        rough = estimate_base(problem, net, loss, operator, unprojected=True).values
        assert set(exact) == set(rough)
        for symbol, bound in exact.items():
            # power iteration with room: 3 %; everything else to rounding
            assert rough[symbol].mid == pytest.approx(bound.mid, rel=0.03, abs=1e-9), symbol


@pytest.mark.parametrize("entries", [1 / 3, 1.0])
def test_more_data_than_columns_refute_other_losses_without_a_rank(entries: float, tmp_path: Path) -> None:
    """Rank 3 hidden by rounding (1/3), or found exactly (1): either way rank A < m = 8."""
    rng = np.random.default_rng(0)
    A = rng.integers(-2, 3, (8, 3)).astype(float) @ rng.integers(-2, 3, (3, 6)) * entries
    found = dp.certify(dp.InverseProblem(A, rng.standard_normal(8)), network(n=6), dp.LogCosh(), max_iterations=20)
    rank, loss = found.hypotheses[:2]
    assert (rank.verdict is Verdict.PROVED) == (entries == 1) and loss.id == "loss"
    known = "rank A = 3" if entries == 1 else "rank A ≤ 6"
    assert loss.verdict is found.verdict is Verdict.REFUTED and known in loss.reason and "m = 8" in loss.reason
    save(found, tmp_path)
    assert dp.verify(tmp_path / "certificate.json").valid


def test_overdetermined_squared_loss_is_projected() -> None:
    problem = gaussian_problem(12, 6)
    noisy = dp.InverseProblem(problem.operator, problem.y + 0.1 * np.arange(12))
    cert = dp.certify(noisy, network(n=6, width=128), max_iterations=4000)
    assert cert.proved
    # the projected loss vanishes: the prediction tends to the least-squares fit, not to y
    A = problem.operator.to_dense()
    fit = A @ np.linalg.lstsq(A, noisy.y)[0]
    assert np.linalg.norm(fit - noisy.y) > 0.1
    np.testing.assert_allclose(A @ cert.run.network.output(), fit, atol=1e-5)


def test_zero_loss_start_is_said() -> None:
    net = network(n=4)
    problem = dp.InverseProblem(np.eye(4), np.zeros(4))
    still = dataclasses.replace(net, V=np.zeros((4, 64)))
    cert = dp.certify(problem, still)
    assert cert.claims.existence.verdict == "proved" and cert.claims.existence.radius["upper"] < 1e-150
    assert any("an exact fit if f_0 = 0" in h.statement for h in cert.hypotheses)


def test_a_diverging_run_is_refuted_with_its_reason() -> None:
    cert = dp.certify(gaussian_problem(), network(), step=1e6, max_iterations=400)
    assert cert.verdict is Verdict.REFUTED
    assert cert.hypotheses[0].id == "descent"
    json.loads(dumps(certificate_json(cert)[0]))


@pytest.mark.parametrize(
    ("schedule", "options"),
    [("polynomial", {"power": 0.4}), ("backtracking", {}), ("cosine", {"horizon": 5000})],
)
def test_schedules_are_certified(schedule: str, options: dict) -> None:
    cert = dp.certify(
        gaussian_problem(), network(width=256), schedule=schedule, schedule_options=options, tolerance=1e-8
    )
    assert cert.proved
    assert cert.guarantees.extra["limit_has_zero_loss"] is (schedule != "cosine")
    for target, count in cert.guarantees.iterations_to_loss.items():
        if count is not None and cert.iteration + count < cert.run.history.loss.size:
            assert cert.run.history.loss[cert.iteration + count] <= float(target)


def test_a_step_beyond_the_limit_is_not_proved() -> None:
    problem, net = gaussian_problem(), network()
    operator = bound_operator(problem.operator.to_dense())
    fine = dp.descend(problem, net).network
    gamma = 3 / enclose_base(operator, problem.y, fine, SquaredError(), unprojected=False).values[s.norm_AJ].lower ** 2
    cert = certify_at(problem, fine, SquaredError(), operator, Step(gamma))
    assert cert.verdict is Verdict.REFUTED
    assert any(h.id == "step" and "use a step" in h.reason for h in cert.hypotheses)


def test_json_is_complete_and_reproducible(tmp_path) -> None:
    texts = []
    for name in ("a", "b"):
        cert = dp.certify(gaussian_problem(), network())
        path = save(cert, tmp_path / name)
        texts.append(path.read_text())
        assert sorted(p.name for p in path.parent.iterdir()) == ["arrays-final.npz", "arrays.npz", "certificate.json"]
    assert texts[0] == texts[1]
    record = json.loads(texts[0])
    assert record["format"] == "dipproofs-certificate" and record["version"] == 2
    names = "sigma_A norm_A sigma_J sigma_AJ norm_AJ norm_AJ_ball lipschitz_J lipschitz_AJ c_0 gamma rho S F_inf psi_0"
    for name in names.split():
        assert record["quantities"][name]["evidence"] == "proved"
    with np.load(tmp_path / "a" / "arrays.npz", allow_pickle=False) as arrays:
        assert {"A", "y", "u", "W", "V", "x_true"} <= set(arrays.files)


def test_width_bounds_in_the_same_session_leave_certificates_alone() -> None:
    import dipproofs.theory.width  # noqa: F401

    symbols = [q.symbol for q in quantities().values()]
    assert len(set(symbols)) == len(symbols), "two quantities with one symbol would be mixed up"
