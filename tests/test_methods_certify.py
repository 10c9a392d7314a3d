"""Runs with momentum and with Adam, certified from one end to the other, and what the verifier refuses."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import kept_by_the_run
from verify_cases import set_at, tampered, times

import dipproofs as dp
from dipproofs.certificate.record import Certificate
from dipproofs.certificate.write import save
from dipproofs.errors import InputError

STEP = {"heavy-ball": "auto", "nesterov": "auto", "adam": 3e-3}


@cache
def certified(method: str, noise: float = 0.0) -> Certificate:
    rng = np.random.default_rng(0)
    U, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    V, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    A = (U * np.geomspace(1, 1 / 3, 5)) @ V[:, :5].T
    x = rng.normal(size=8)
    known = {"x_true": x} if noise else {}
    problem = dp.InverseProblem(A, A @ x + noise * np.ones(5) / np.sqrt(5), **known)
    network = dp.TwoLayer.init(n=8, width=64, input_dimension=3, seed=0)
    return dp.certify(problem, network, step=STEP[method], method=method, tolerance=1e-18, max_iterations=4000)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folders: dict[str, Path] = {}

    def make(method: str) -> Path:
        if method not in folders:
            folders[method] = tmp_path_factory.mktemp(method)
            save(certified(method), folders[method])
        return folders[method]

    return make


@pytest.mark.parametrize("method", ["heavy-ball", "nesterov"])
def test_momentum_is_proved_and_verified(method: str, saved: Any) -> None:
    cert = certified(method)
    assert cert.proved and cert.form == "residual" and cert.method["kind"] == method
    assert cert.claims.convergence.verdict == "proved" and cert.claims.existence.of == "final"
    assert cert.iteration < cert.run.iterations / 2
    assert all(h.reason == "" for h in cert.hypotheses if h.id == "injective")  # reasons are for what is not proved
    kept_by_the_run(cert)
    result = dp.verify(saved(method) / "certificate.json")
    assert result, str(result)


def test_momentum_stops_at_the_noise_as_promised() -> None:
    noise = 2e-3
    cert = certified("heavy-ball", noise)
    stop, loss = cert.guarantees.early_stopping_iteration, cert.run.history.loss[cert.iteration :]
    assert stop and np.sqrt(2 * loss[stop]) <= noise < np.sqrt(2 * loss[0])
    assert cert.final is not None and cert.final.guarantees.early_stopping_iteration == 0


def test_adam_proves_existence_and_a_horizon(saved: Any) -> None:
    cert = certified("adam")
    assert cert.proved and cert.point_only
    assert cert.claims.convergence.verdict == "undecided" and cert.claims.existence.verdict == "proved"
    horizon = json.loads(json.dumps(cert.to_json()["claims"]["horizon"]))
    assert horizon["verdict"] == "proved" and horizon["iterations"] >= 10
    R = np.sqrt(2 * cert.run.history.loss[cert.iteration :])
    N = min(horizon["iterations"], R.size - 1)
    factor = horizon["residual_factor"]["upper"] if horizon["iterations"] == N else 1.0
    assert R[N] <= factor * R[0] * (1 + 1e-9)
    result = dp.verify(saved("adam") / "certificate.json")
    assert result, str(result)


def both(key: str, value: Any) -> Any:
    """A change of the horizon in the method and in the claims, which repeat it."""

    def change(record: Any) -> None:
        for place in (record["method"], record["claims"]):
            place["horizon"] = {**place["horizon"], key: value(place["horizon"][key])}

    return change


MOMENTUM_CHANGES = {
    "momentum": set_at("method", "momentum", value=lambda b: b * 0.98),
    "eta": set_at("method", "parameters", "eta", value=lambda x: x * 0.98),
    "zeta": set_at("method", "parameters", "zeta", value=lambda x: x * 1.5),
    "no parameters": set_at("method", "parameters", value=None),
    "gradient descent": set_at("method", "kind", value="gradient-descent"),
    "state": set_at("method", "state", "norm", value={"lower": 0.0, "upper": 0.0, "evidence": "proved"}),
    "step": set_at("quantities", "gamma", value=lambda g: {**g, "lower": g["lower"] / 2, "upper": g["upper"] / 2}),
    "Lyapunov function": set_at("method", "lyapunov", value=lambda b: {**b, "lower": 0.0, "upper": b["upper"] * 0.9}),
    "contraction": set_at("method", "contraction", value=lambda b: {**b, "lower": 0.0, "upper": b["upper"] * 0.9}),
    "path": set_at("quantities", "S", value=lambda b: {**b, "upper": b["upper"] * 0.9}),
    "distance": set_at("guarantees", "distance_to_limit", value=lambda b: {**b, "upper": b["upper"] * 0.9}),
    "envelope": set_at("guarantees", "residual_envelope", value=lambda b: {**b, "lower": 0.0, "upper": b["upper"] / 2}),
    "rate": set_at(
        "guarantees",
        "log_contraction_per_step",
        value=lambda b: {**b, "lower": b["lower"] * 1.2, "upper": b["upper"] * 1.2},
    ),
    "count": set_at("guarantees", "iterations_to_loss", "1e-09", value=lambda n: int(n * 0.8)),
    "exchange": set_at("method", "exchanges", 0, "factor", value=lambda x: 1 + (x - 1) * 0.5),
    "exchange of nothing": set_at("method", "exchanges", 0, "alpha", value=0.0),
    "exchange before the start": set_at("method", "exchanges", 0, "after", value=-1),
    "no exchange": set_at("method", "exchanges", value=[]),
    "schedule": set_at("schedule", value={"kind": "cosine", "length": 100, "final": 0.1}),
}


@pytest.mark.parametrize("what", MOMENTUM_CHANGES)
def test_tampered_records_of_momentum_are_rejected(what: str, saved: Any, tmp_path: Path) -> None:
    assert not dp.verify(tampered(saved("heavy-ball"), tmp_path, MOMENTUM_CHANGES[what]))


@pytest.mark.parametrize("name", ["state/velocity/W", "state/velocity/V"])
def test_tampered_states_are_rejected(name: str, saved: Any, tmp_path: Path) -> None:
    assert not dp.verify(tampered(saved("heavy-ball"), tmp_path, arrays=times(name, 1.001)))
    assert dp.verify(tampered(saved("heavy-ball"), tmp_path, arrays=times(name, 1.0)))


ADAM_CHANGES: dict[str, tuple[Any, Any]] = {
    "horizon": (both("iterations", lambda n: 2 * n), None),
    "factor": (
        both("residual_factor", lambda b: {**b, "upper": b["upper"] * 0.5}),
        None,
    ),
    "beta2": (set_at("method", "beta2", value=0.9995), None),
    "learning rate": (set_at("method", "step", value=lambda lr: lr * (1 - 1e-9)), None),
    "change of the metric": (set_at("method", "parameters", "metric_change", value=lambda d: d / 2), None),
    "t": (None, lambda arrays: arrays.update({"state/t": arrays["state/t"] + 1})),
    "m": (None, times("state/m/V", 1.001)),
    "v": (None, times("state/v/W", 1.001)),
    "rate": (
        set_at("guarantees", "log_contraction_per_step", value={"lower": -1.0, "upper": -0.1, "evidence": "proved"}),
        None,
    ),
}


@pytest.mark.parametrize("what", ADAM_CHANGES)
def test_tampered_horizons_are_rejected(what: str, saved: Any, tmp_path: Path) -> None:
    change, arrays = ADAM_CHANGES[what]
    assert not dp.verify(tampered(saved("adam"), tmp_path, change, arrays))


def test_a_method_without_a_theorem_says_so_and_proves_existence() -> None:
    rng = np.random.default_rng(1)
    problem = dp.InverseProblem(rng.normal(size=(3, 6)), rng.normal(size=3))
    network = dp.TwoLayer.init(n=6, width=64, input_dimension=3, seed=0)
    said: list[str] = []
    cert = dp.certify(problem, network, loss="log-cosh", method="heavy-ball", momentum=0.5, say=said.append)
    assert dp.verify(cert)  # which does not ask for a theorem either
    assert any("no theorem" in line and "existence" in line for line in said)
    assert cert.point_only and cert.claims.convergence.verdict == "undecided"
    assert cert.claims.existence.verdict == "proved" and cert.guarantees.iterations_to_loss == {}


@pytest.mark.parametrize("horizon", [0, 1.5, True, "many"])
def test_bad_horizons(horizon: Any) -> None:
    problem = dp.InverseProblem(np.eye(2), np.ones(2))
    network = dp.TwoLayer.init(n=2, width=8, input_dimension=2, seed=0)
    with pytest.raises(InputError, match="claim_horizon"):
        dp.certify(problem, network, method="adam", claim_horizon=horizon)


# --- a point, whoever trained it --------------------------------------------------------------------------------


def given(method: str) -> dict[str, Any]:
    """What is known of the iterate of a certificate: a problem, the network there, its state, step and options."""
    cert = certified(method)
    state = {name.removeprefix("state/"): a for name, a in cert.arrays.items() if name.startswith("state/")}
    network = dp.TwoLayer(cert.arrays["u"], cert.arrays["W"], cert.arrays["V"])
    step = cert.method.get("step") or cert.quantities["gamma"].upper
    known = {"network": network, "method": method, "state": state, "step": step, "momentum": cert.method["momentum"]}
    return {"problem": dp.InverseProblem(cert.arrays["A"], cert.arrays["y"]), **known}


@pytest.mark.parametrize("method", ["heavy-ball", "nesterov", "adam"])
def test_the_same_is_proved_of_a_given_point(method: str) -> None:
    cert, there = dp.certify_point(**given(method)), certified(method)
    assert cert.proved and cert.claims.convergence.start == "given" and cert.claims.existence.of == "given"
    assert cert.claims.convergence.verdict == there.claims.convergence.verdict
    if method == "adam":
        assert cert.claims.horizon["iterations"] == there.claims.horizon["iterations"]
    else:
        assert cert.quantities["S"].upper == pytest.approx(there.quantities["S"].upper)
    result = dp.verify(cert)
    assert result, str(result)


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "no state": ("heavy-ball", {"state": None}, "momentum_buffer"),
    "half a state": ("heavy-ball", {"state": {"velocity/W": np.zeros((64, 3))}}, "velocity/V"),
    "momentum 1": ("heavy-ball", {"momentum": 1.0}, r"\[0, 1\["),
    "momentum -0.1": ("nesterov", {"momentum": -0.1}, r"\[0, 1\["),
    "no momentum": ("nesterov", {"momentum": None}, "momentum"),
    "no step": ("heavy-ball", {"step": None}, "step"),
    "beta2 too small": ("adam", {"beta2": 0.5}, "momentum"),
    "no moments": ("adam", {"state": None}, "exp_avg"),
    "horizon": ("adam", {"claim_horizon": 0}, "claim_horizon"),
    "unknown": ("heavy-ball", {"method": "rmsprop"}, "heavy-ball"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_points(what: str) -> None:
    method, change, expected = BAD[what]
    with pytest.raises(InputError, match=expected) as caught:
        dp.certify_point(**{**given(method), **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("smallest", [3e-5, 1e-5])
def test_a_rate_of_ten_millionths_is_confirmed(smallest: float) -> None:
    """The verifier's own η is off by 10⁻¹², which is not small beside such a rate."""
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((n, 2)))[0] for n in (2, 5))
    A = (U * [1, smallest]) @ V.T
    network = dp.TwoLayer.init(n=5, width=8, input_dimension=3, seed=0, train="outer")
    data = A @ np.asarray(network.output()) * (1 + 1e-9)
    found = dp.certify(dp.InverseProblem(A, data), network, method="heavy-ball", max_iterations=0)
    assert found.proved and dp.verify(found)
