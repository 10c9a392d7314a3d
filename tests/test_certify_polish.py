"""Certificates with a polish: the record at the polished point, the distance from the run's end, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers import masked_convolution

import dipproofs as dp
from dipproofs.errors import InputError
from dipproofs.networks import TwoLayer
from dipproofs.report.claims import claim_lines
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
