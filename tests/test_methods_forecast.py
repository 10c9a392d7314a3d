"""`guarantees.forecast`: a curve that the run stays below, that the verifier makes again and that notices a change."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers import changed, gaussian_problem, network

import dipproofs as dp
from dipproofs.certificate.record import Certificate
from dipproofs.certificate.write import save
from dipproofs.certify.methods import forecast as producer
from dipproofs.certify.methods.forecast import with_forecast
from dipproofs.descent import descend
from dipproofs.enclosures import Bound, IntervalMatrix


@cache
def runs() -> tuple[Certificate, np.ndarray]:
    """A certificate where the loss is small enough for the curve to be sharp, and the losses of the run from there."""
    rng = np.random.default_rng(3)
    U, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    A = U * np.geomspace(1, 1 / 4, 6)
    network = dp.TwoLayer.init(n=6, width=96, input_dimension=3, seed=1)
    problem = dp.InverseProblem(A, A @ network.output() + 1e-3 * rng.normal(size=6))  # residual in all directions
    cert = dp.certify_point(problem, network, method="gradient-descent", step=0.8)
    return cert, descend(problem, network, step=0.8, tolerance=1e-20, max_iterations=4000).history.loss


def certified() -> Certificate:
    return runs()[0]


def forecast() -> dict[str, Any]:
    return dict(certified().guarantees.extra["forecast"])


def test_the_run_stays_below_the_curve() -> None:
    cert, loss = runs()
    R = np.sqrt(2 * loss)
    seen = [(R[i], bound) for i, bound in zip(forecast()["iterations"], forecast()["proved"]) if i < R.size]
    assert len(seen) > 20 and all(true <= bound * (1 + 1e-9) for true, bound in seen)
    # it is better than the contraction alone, and the frozen curve starts where the run does
    rate = np.exp(cert.guarantees.log_contraction_per_step.upper)
    last = forecast()["iterations"][-1]
    assert forecast()["proved"][-1] < 0.8 * R[0] * rate**last
    assert forecast()["frozen"][0] == pytest.approx(R[0], rel=1e-9)
    assert rate ** forecast()["length"] <= 1e-3 < rate ** (forecast()["length"] - 65)  # as long as the residual needs


def test_counts_come_from_it_where_it_is_better_and_are_kept() -> None:
    cert, loss = runs()
    rate = 2 * cert.guarantees.log_contraction_per_step.upper
    better = 0
    for key, count in cert.guarantees.iterations_to_loss.items():
        if count and count < loss.size:
            assert loss[count] <= float(key) * (1 + 1e-9)
            better += count < np.log(loss[0] / float(key)) / -rate - 1
    assert better >= 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(certified(), tmp_path_factory.mktemp("forecast")).parent


def test_it_is_verified(folder: Path) -> None:
    assert dp.verify(folder / "certificate.json")
    assert dp.verify(changed(folder, lambda record: record))


CHANGES = {
    "lower": lambda facts: facts["forecast"].update(proved=[0.99 * b for b in facts["forecast"]["proved"]]),
    "longer": lambda facts: facts["forecast"].update(length=10**9),
    "beyond": lambda facts: facts["forecast"]["iterations"].__setitem__(-1, 10**7),
    "words": lambda facts: facts["forecast"].update(proved="small"),
    "without": lambda facts: facts.pop("forecast"),  # then the counts that rest on it are too small
    "count": lambda facts: facts["iterations_to_loss"].update({"1e-09": 1}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changes_are_noticed(what: str, folder: Path) -> None:
    assert not dp.verify(changed(folder, lambda record: CHANGES[what](record["guarantees"])))


def test_none_for_a_network_without_its_jacobian() -> None:
    base: Any = SimpleNamespace(network=object())
    assert with_forecast(certified(), base, ()) is certified()


def test_none_without_a_constant_step() -> None:
    cert = dp.certify(gaussian_problem(), network(), step=0.5, schedule="polynomial", max_iterations=300)
    assert cert.proved and "forecast" not in cert.guarantees.extra


def test_a_count_that_is_smaller_already_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimpleNamespace(iterations_to=lambda target: 7, to_json=dict)
    monkeypatch.setattr(producer, "residual_forecast", lambda *_: made)
    facts = replace(certified().guarantees, iterations_to_loss={"0.1": 5, "0.01": 9, "0.001": None})
    base: Any = SimpleNamespace(
        residual_scale=Bound.exact(1), prediction=IntervalMatrix.from_exact(np.ones(1)), y=np.ones(1),
        network=SimpleNamespace(linearisation=lambda _: None), loss=dp.SquaredError(),
        operator=SimpleNamespace(columns=SimpleNamespace(identity=True)),
    )  # fmt: skip
    found = replace(certified(), guarantees=facts)
    found = with_forecast(found, base, (0.1, 0.01, 0.001))
    assert found.guarantees.iterations_to_loss == {"0.1": 5, "0.01": 7, "0.001": 7}
