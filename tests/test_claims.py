"""Existence, convergence and signal follow from the record, and the verifier compares them with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import changed

import dipproofs as dp
from dipproofs.certificate.claims import claims_of, derive
from dipproofs.certificate.write import save
from dipproofs.verify import verify

ROOT = Path(__file__).parents[1]
PROVED = {"lower": 0.1, "upper": 0.2, "evidence": "proved"}


def record(**changes: Any) -> dict[str, Any]:
    base = {
        "verdict": "proved", "hypotheses": [{"id": "H", "verdict": "proved"}], "quantities": {"S": PROVED},
        "guarantees": {"distance_to_limit": PROVED, "limit_has_zero_loss": True, "recovery_error": None},
        "method": {"kind": "gradient-descent"}, "run": {"iterations": 3},
    }  # fmt: skip
    return base | changes


def failed(verdict: str = "undecided") -> dict[str, Any]:
    hypotheses = [{"id": "rank", "verdict": "proved"}, {"id": "H", "verdict": verdict, "reason": "too narrow"}]
    return {"verdict": verdict, "hypotheses": hypotheses, "guarantees": {}}


def test_a_proof() -> None:
    claims = claims_of(record())
    assert (claims.convergence.verdict, claims.convergence.start) == ("proved", "certified iterate")
    assert (claims.existence.verdict, claims.existence.of, claims.existence.radius) == (
        "proved",
        "certified iterate",
        PROVED,
    )
    assert claims.signal.verdict == "undecided" and claims.signal.error is None


def test_the_last_point_is_nearest_to_the_fit() -> None:
    nearer = {**PROVED, "upper": 0.11}
    final = record(guarantees={"distance_to_limit": nearer, "limit_has_zero_loss": True})
    found = derive(record(final=final))
    assert found["existence"] == {"verdict": "proved", "radius": nearer, "of": "final"}
    polished = derive(record(final=final, polish={"method": "gauss-newton", "moved": 0.5}, **failed()))
    assert polished["existence"]["of"] == "polished" and polished["convergence"]["verdict"] == "undecided"
    assert derive(record(final={**final, **failed()}))["existence"]["of"] == "certified iterate"


def test_steps_that_stop_short_leave_existence() -> None:
    found = derive(record(guarantees={"distance_to_limit": PROVED, "limit_has_zero_loss": False}))
    assert found["existence"]["radius"] == PROVED  # S, with steps of full size
    weak = record(guarantees={"distance_to_limit": {**PROVED, "evidence": "assumed"}, "limit_has_zero_loss": True})
    assert derive(weak)["existence"]["verdict"] == "undecided"


@pytest.mark.parametrize("verdict", ["undecided", "refuted"])
def test_failures_say_why(verdict: str) -> None:
    found = derive(record(**failed(verdict)))
    assert found["convergence"]["verdict"] == verdict and found["convergence"]["reason"] == "too narrow"
    assert found["existence"] == {
        "verdict": "undecided", "radius": None, "of": "certified iterate", "reason": "too narrow"
    }  # fmt: skip


def test_a_loss_of_zero_is_an_exact_fit() -> None:
    zero = {"lower": 0.0, "upper": 0.0, "evidence": "proved"}
    start = {"id": "start", "verdict": "refuted", "margin": zero, "reason": "the loss is exactly 0"}
    found = derive({"verdict": "refuted", "hypotheses": [start], "guarantees": {}})
    assert found["existence"] == {"verdict": "proved", "radius": zero, "of": "given"}
    assert found["convergence"]["verdict"] == "refuted"


def test_signal() -> None:
    bound, stated = {**PROVED, "upper": 0.3}, {**PROVED, "evidence": "assumed"}
    assert derive(record(guarantees={"recovery_error": bound}))["signal"] == {
        "verdict": "proved", "reason": "", "error": bound
    }  # fmt: skip
    sharp = {"recovery_error": bound, "recovery": {"sharp": {"error": PROVED}}}
    assert derive(record(guarantees=sharp))["signal"]["error"] == PROVED
    assert derive(record(guarantees={"recovery_error": stated}))["signal"]["verdict"] == "undecided"
    refuted = {"recovery": {"restricted_injectivity": {"verdict": "refuted", "reason": "sees too little"}}}
    assert derive(record(guarantees=refuted))["signal"] == {
        "verdict": "refuted", "reason": "sees too little", "error": None
    }  # fmt: skip


# --- files -----------------------------------------------------------------------------------------------------------
def test_version_1_is_still_verified() -> None:
    found = verify(Path(__file__).parent / "data" / "v1" / "certificate.json")
    assert found.valid and "claims" not in json.loads((Path(__file__).parent / "data/v1/certificate.json").read_text())


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        ("existence", {"radius": {"lower": 0.0, "upper": 1e-9, "evidence": "proved"}}),
        ("convergence", {"method": "adam"}),
        ("convergence", {"from": "given"}),
        ("signal", {"verdict": "proved", "error": {"lower": 0.0, "upper": 1e-9, "evidence": "proved"}}),
        ("horizon", {"verdict": "proved"}),
    ],
)
def test_claims_that_do_not_follow_are_refused(tmp_path: Path, claim: str, change: dict[str, Any]) -> None:
    folder = shutil.copytree(ROOT / "examples" / "certificate", tmp_path / "certificate")

    def claim_more(record: dict[str, Any]) -> None:
        assert record["version"] == 2
        record["claims"][claim] = record["claims"].get(claim, {}) | change

    found = verify(changed(folder, claim_more))
    assert not found.valid and any(f"claims.{claim}" in finding for finding in found.findings)


def _stopped(level: float, **options: Any) -> dp.Certificate:
    network = dp.TwoLayer.init(n=4, width=96, input_dimension=2)
    x = network.output() + 0.2
    noise = level * np.random.default_rng(0).standard_normal(4)
    return dp.certify(dp.InverseProblem(np.eye(4), x + noise, x_true=x), network, **options)


@pytest.mark.parametrize("stop", ["guaranteed", "certified"])
def test_the_answer_when_to_stop_is_a_claim(stop: str) -> None:
    cert = _stopped(0.05, stop=stop)
    found = cert.claims.stopping
    assert found is not None and found.verdict == "proved" and found.iteration is not None
    assert cert.run is not None and found.iteration <= cert.run.iterations and found.data_error["evidence"] == "proved"
    checked = dp.verify(cert)
    assert checked.valid, checked.findings


def test_a_forged_answer_is_found(tmp_path: Path) -> None:
    save(_stopped(0.05, stop="guaranteed"), tmp_path)
    sooner = changed(tmp_path, lambda record: record["claims"]["stopping"].update(iteration=0))
    assert any("claims.stopping" in finding for finding in dp.verify(sooner).findings)


def test_without_noise_nothing_is_said_about_stopping() -> None:
    problem = dp.InverseProblem(np.eye(2), np.ones(2))
    cert = dp.certify(problem, dp.TwoLayer.init(n=2, width=32, input_dimension=2), max_iterations=0)
    assert cert.claims.stopping is None and "stopping" not in cert.to_json()["claims"]
