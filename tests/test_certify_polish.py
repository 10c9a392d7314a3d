"""Certificates with a polish: the record at the polished point, the distance from the run's end, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import masked_convolution

import dipproofs as dp
from dipproofs.errors import InputError
from dipproofs.networks import TwoLayer
from dipproofs.report.claims import claim_lines
from dipproofs.report.console import render_certificate, to_text
from dipproofs.report.facts import reconstruction
from dipproofs.report.numbers import above
from dipproofs.report.saved import load_saved
from dipproofs.verify.polish import check_polish


@pytest.fixture(scope="module")
def polished() -> dp.Certificate:
    network, A, y = masked_convolution(m=8)
    problem = dp.InverseProblem(A, y)
    return dp.certify(problem, network, max_iterations=2, polish="gauss-newton")


def test_existence_counts_from_the_end_of_the_run(polished: dp.Certificate) -> None:
    assert not polished.proved and polished.final is not None and polished.final.proved
    existence = polished.claims.existence
    assert existence.of == "polished" and existence.verdict == "proved"
    polish = dict(polished.polish or {})
    arrays = polished.final.arrays
    names = [name.removeprefix("theta/") for name in arrays if name.startswith("theta/")]
    exact = np.sqrt(sum(float(((arrays[f"theta/{n}"] - arrays[f"theta_run/{n}"]) ** 2).sum()) for n in names))
    assert exact <= polish["moved"] <= exact * (1 + 1e-12) and polish["iterations"] >= 1
    own = polished.final.guarantees.distance_to_limit
    assert own is not None and existence.radius is not None
    assert polish["moved"] + own.upper <= existence.radius["upper"] <= (polish["moved"] + own.upper) * (1 + 1e-12)


def test_the_verifier_proves_both_records(polished: dp.Certificate) -> None:
    found = dp.verify(polished)
    assert found.valid and sum(row.outcome == "ok" for row in found.rows) > 30, found.findings


def test_the_run_keeps_its_own_verdict(polished: dp.Certificate) -> None:
    record = json.loads(json.dumps(polished.to_json()))
    assert record["verdict"] == "undecided" and record["claims"]["convergence"]["verdict"] == "undecided"
    assert record["claims"]["existence"]["of"] == "polished" and record["final"]["verdict"] == "proved"
    sentence = next(line.sentence for line in claim_lines(polished) if line.name == "existence")
    assert "the end of the run" in sentence


def test_without_a_bound_of_the_error_the_reason_and_a_cure_are_said(polished: dp.Certificate) -> None:
    signal = next(line for line in claim_lines(polished) if line.name == "signal")
    n = polished.run.network.output().size
    assert signal.verdict == "undecided"
    assert signal.sentence.startswith(f"No bound: A sees 8 of {n} directions; fixed atoms (two-layer-synthesis)")


def test_a_smaller_distance_is_found(polished: dp.Certificate) -> None:
    record, arrays = polished.to_json(), polished.final.arrays if polished.final is not None else {}
    assert check_polish(record, arrays) == []
    assert check_polish(record, None) != []
    for moved in (0.0, record["polish"]["moved"] * 0.999, None, -1.0, float("nan")):
        assert check_polish({**record, "polish": {**record["polish"], "moved": moved}}, arrays) != []
    without = {name: array for name, array in arrays.items() if not name.startswith("theta_run/")}
    assert "theta_run" in check_polish(record, without)[0]


@pytest.mark.parametrize(
    "network, options, words",
    [
        (None, {"polish": "newton"}, "polish: found 'newton', expected 'none' or 'gauss-newton'"),
        (TwoLayer.init(n=36, width=8, input_dimension=2), {"polish": "gauss-newton"}, "polish: found a two-layer"),
    ],
)
def test_what_cannot_be_polished_is_refused(network: TwoLayer | None, options: dict, words: str) -> None:
    own, A, y = masked_convolution(m=8)
    problem = dp.InverseProblem(A, y)
    with pytest.raises(InputError, match=words):
        dp.certify(problem, network or own, **options)


@pytest.fixture(scope="module")
def seen_whole() -> dp.Certificate:
    """A run that ends far from its noisy data, of which everything is seen, and a polish that fits them."""
    network = dp.MLP.init((3, 3), width=12, depth=1, fourier_features=4)
    x, rng = np.linspace(0.2, 0.8, 9), np.random.default_rng(0)
    problem = dp.InverseProblem(np.eye(9), x + 0.01 * rng.standard_normal(9), x_true=x)
    return dp.certify(problem, network, max_iterations=3, polish="gauss-newton")


def test_signal_and_stopping_are_claimed_of_the_run(seen_whole: dp.Certificate) -> None:
    cert = seen_whole
    assert cert.run is not None and cert.final is not None and cert.final.proved
    away = np.asarray(cert.run.network.output()).ravel() - cert.arrays["x_true"]
    own, of_polished = cert.guarantees.recovery_error, cert.final.guarantees.recovery_error
    assert own is not None and of_polished is not None and of_polished.upper < np.linalg.norm(away) < own.upper
    assert cert.claims.signal.error == own.to_json()
    assert cert.final.guarantees.early_stopping_iteration == 0 and cert.guarantees.early_stopping_iteration is None
    stopping = cert.claims.stopping
    assert stopping is not None and stopping.verdict == "undecided" and stopping.iteration is None
    assert dp.verify(cert).valid


def test_a_report_keeps_the_polished_point_apart(seen_whole: dp.Certificate, tmp_path: Path) -> None:
    assert seen_whole.final is not None
    own, of_polished = seen_whole.guarantees.recovery_error, seen_whole.final.guarantees.recovery_error
    assert own is not None and of_polished is not None
    signal = next(line.sentence for line in claim_lines(seen_whole) if line.name == "signal")
    assert above(own.upper) in signal and above(of_polished.upper) not in signal
    seen_whole.save(tmp_path, report=True)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "At the polished point: proved" in page and "of the polished parameters" in page
    for text in (page, to_text(render_certificate(seen_whole, verbose=True), 300)):
        assert "polished point" in text and "again at 3" not in text and "θ at iteration 3" not in text
    again = reconstruction(load_saved(tmp_path).certificate)
    np.testing.assert_allclose(again, reconstruction(seen_whole), rtol=1e-12)
