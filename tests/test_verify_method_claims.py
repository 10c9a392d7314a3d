"""What a certificate says of its method beside the hypotheses: nothing is accepted that was not examined."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.certificate.claims import derive
from dipproofs.certificate.record import Certificate
from dipproofs.report.signal import signal_sentences
from tests.verify_cases import Record, load, write

HORIZON = {
    "verdict": "proved",
    "iterations": 1000,
    "residual_factor": {"lower": 0, "upper": 1e-9, "evidence": "proved"},
}
POINT = "no theorem about the convergence of adam was decided; hypotheses and verdict are about the point"


@cache
def certified() -> Certificate:
    network = dp.TwoLayer.init(n=4, width=64, input_dimension=2, seed=0)
    A = np.eye(2, 4)
    problem = dp.InverseProblem(A, A @ network.output() + 1e-7)
    return dp.certify_point(problem, network, method="gradient-descent", step=0.01)


def named(kind: str, **options: Any) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        record["method"] = {"kind": kind, **options}
        record["claims"]["convergence"]["method"] = kind

    return change


def bare(record: Record) -> None:
    """Without what only convergence gives."""
    record["guarantees"] = {key: record["guarantees"][key] for key in ("distance_to_limit", "recovery")}
    record["claims"]["existence"]["radius"] = record["quantities"]["S"]


def adam(record: Record) -> None:
    bare(record)
    named("adam")(record)


def adam_with(horizon: Any) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        bare(record)
        named("adam", claims="existence", horizon=horizon)(record)
        record["claims"] |= {"horizon": horizon}
        record["claims"]["convergence"] |= {"verdict": "undecided", "reason": POINT}

    return change


def horizon_of_descent(record: Record) -> None:
    record["method"]["horizon"] = record["claims"]["horizon"] = HORIZON


CHANGES: dict[str, Callable[[Record], None]] = {
    "a method nobody knows": named("descent with weight decay"),
    "adam converges": adam,
    "momentum of gradient descent": named("gradient-descent", momentum=0.99),
    "a horizon of gradient descent": horizon_of_descent,
    "a horizon in words": adam_with("proved for ever"),
    "an undecided horizon with numbers": adam_with(HORIZON | {"verdict": "undecided"}),
    "no object": lambda record: record.update(method=["gradient-descent"]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_unexamined_words_are_refused(what: str, tmp_path: Any) -> None:
    assert certified().proved
    record, arrays = load(certified().save(tmp_path))
    assert dp.verify(write(tmp_path, record, arrays))
    changed = copy.deepcopy(record)
    CHANGES[what](changed)
    found = dp.verify(write(tmp_path, changed, arrays))
    assert not found and any("method" in finding for finding in found.findings), found.findings


def test_a_point_that_adam_reached_is_accepted(tmp_path: Any) -> None:
    record, arrays = load(certified().save(tmp_path))
    adam_with({"verdict": "undecided", "iterations": 0, "residual_factor": None})(record)
    assert dp.verify(write(tmp_path, record, arrays))


def test_a_weight_of_the_proof_is_no_noise_level(tmp_path: Path) -> None:
    """Heavy ball has a δ of its own, here 0; the noise is not known, so that no error of the data follows."""
    record, arrays = load(with_momentum().save(tmp_path))
    assert with_momentum().proved and record["method"]["parameters"]["delta"] == 0
    entry = record["guarantees"]["recovery"]["early_stopping"]
    assert entry["level"] is None and dp.verify(write(tmp_path, record, arrays))
    entry["data_error"] = {"lower": 0.0, "upper": 1e-9, "evidence": "proved"}
    found = dp.verify(write(tmp_path, record, arrays))
    assert not found and "data_error" in str(found)


@pytest.fixture(scope="module")
def by_adam() -> Certificate:
    """A run of Adam with a signal and noise, of which the certified iterate is not the last."""
    network = dp.TwoLayer.init(n=4, width=96, input_dimension=2)
    x = network.output() + 0.2
    noise = 0.05 * np.random.default_rng(0).standard_normal(4)
    problem = dp.InverseProblem(np.eye(4), x + noise, x_true=x)
    found = dp.certify(problem, network, method="adam", step=1e-3, max_iterations=600)
    assert found.proved and found.later is not None
    return found


def _goes_on_otherwise(record: Record) -> None:
    """The end of the run as a start of gradient descent: what follows of that is then said of the run of Adam."""
    record["final"]["method"] = {"kind": "gradient-descent"}
    record["run"]["steps"] = [[0, record["final"]["quantities"]["gamma"]["upper"]]]
    horizon = {"asked": 1, "verdict": "undecided", "iterations": 0, "residual_factor": None, "reason": ""}
    record["method"]["horizon"] = horizon


def _without_run(record: Record) -> None:
    _goes_on_otherwise(record)
    del record["run"]["method"]


def _another_run(record: Record) -> None:
    """Gradient descent, proved to converge from an iterate of a run of Adam."""
    record["run"]["steps"] = [[0, record["quantities"]["gamma"]["upper"]]]
    record["method"], record["final"] = {"kind": "gradient-descent"}, None
    record["guarantees"]["limit_has_zero_loss"] = True


def _error_in_the_limit(record: Record) -> None:
    weak = {"lower": 0.0, "upper": 10.0, "evidence": "proved"}
    record["guarantees"]["recovery"].update(at_limit=weak, true_error_at_limit=weak)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (_goes_on_otherwise, "final.method.kind"),
        (_without_run, "final.method.kind"),
        (_another_run, "method.kind"),
        (_error_in_the_limit, "at_limit"),
    ],
)
def test_nothing_of_gradient_descent_is_said_of_adam(
    change: Callable[[Record], None], word: str, by_adam: Certificate, tmp_path: Path
) -> None:
    path = by_adam.save(tmp_path)
    assert dp.verify(path)
    record, _ = load(path)
    change(record)
    record["claims"] = derive(record)
    path.write_text(json.dumps(record))
    found = dp.verify(path)
    assert not found and word in str(found), found.findings


def small_run(noise: float | None = None, **options: Any) -> Certificate:
    rng = np.random.default_rng(5)
    problem = dp.InverseProblem(rng.standard_normal((2, 4)), rng.standard_normal(2), noise=noise)
    return dp.certify(problem, dp.TwoLayer.init(n=4, width=24, input_dimension=2, seed=3), **options)


@cache
def with_momentum(noise: float | None = None) -> Certificate:
    return small_run(noise, method="heavy-ball", momentum=0.5, max_iterations=2000)


def test_a_residual_may_grow_with_momentum(tmp_path: Path) -> None:
    """What is promised from here on rests on the envelope, not on this iterate's residual, which is smaller."""
    record, arrays = load(with_momentum().save(tmp_path))
    loss, envelope = record["quantities"]["loss_0"]["upper"], record["guarantees"]["residual_envelope"]["upper"]
    assert with_momentum().proved and envelope**2 / 2 > 1.01 * loss
    for target, valid in ((envelope**2 / 2 * 1.001, True), (1.001 * loss, False)):
        record["guarantees"]["iterations_to_loss"] = {f"{target:.6e}": 0}
        found = dp.verify(write(tmp_path, record, arrays))
        assert bool(found) == valid and (valid or "iterations_to_loss" in str(found)), found.findings


def test_where_a_residual_may_grow_a_small_one_is_said_to_be_here() -> None:
    """Within the noise, but at a velocity: nothing is said of the next iterates."""
    rng = np.random.default_rng(5)
    A, network = rng.standard_normal((2, 4)), dp.TwoLayer.init(n=4, width=64, input_dimension=2, seed=3)
    problem = dp.InverseProblem(A, A @ network.output() + np.array([1e-6, -1e-6]), x_true=network.output() - 1e-5)
    state = {f"velocity/{name}": 1e-4 * rng.standard_normal(v.shape) for name, v in network.parameters().items()}
    certificate = dp.certify_point(problem, network, method="heavy-ball", momentum=0.5, state=state, step=0.02)
    assert certificate.guarantees.early_stopping_iteration == 0
    said = next(line for line in signal_sentences(certificate) if line.startswith("Early stopping"))
    assert "at iteration 0 the prediction" in said and " on the prediction" not in said


@pytest.mark.parametrize("method", ["heavy-ball", "nesterov"])
def test_without_momentum_gradient_descent_is_claimed(method: str, tmp_path: Path) -> None:
    certificate = small_run(method=method, momentum=0.0, max_iterations=300)
    assert certificate.proved and certificate.claims.convergence.method == "gradient-descent"
    record, arrays = load(certificate.save(tmp_path))
    assert dp.verify(write(tmp_path, record, arrays))
    record["run"]["method"]["momentum"] = 0.5
    found = dp.verify(write(tmp_path, record, arrays))
    assert not found and "method.kind" in str(found)


@pytest.mark.parametrize(("method", "step"), [("heavy-ball", 1e9), ("nesterov", 1e9), ("adam", 1e160)])
def test_a_run_that_overflowed_is_one_of_its_method(method: str, step: float, tmp_path: Path) -> None:
    certificate = small_run(method=method, step=step, max_iterations=300)
    assert certificate.run is not None and certificate.run.stopped == "not finite"
    assert str(certificate.verdict) == "refuted" and certificate.claims.convergence.method == method
    assert dp.verify(certificate.save(tmp_path))


def test_what_was_observed_is_not_proved(tmp_path: Path) -> None:
    record, arrays = load(with_momentum().save(tmp_path))
    record["run"]["evidence"] = "proved"
    found = dp.verify(write(tmp_path, record, arrays))
    assert not found and "run.evidence" in str(found)


def test_within_the_noise_for_good_only_when_the_envelope_is(tmp_path: Path) -> None:
    """The certified iterate's residual is below the noise, which later ones with momentum need not be."""
    level = 1.001 * with_momentum().quantities["psi_0"].upper
    record, arrays = load(with_momentum(level).save(tmp_path))
    assert with_momentum(level).proved and record["guarantees"]["residual_envelope"]["upper"] > 4 * level
    for count, valid in ((0, True), (1, False), (5, False), (40, True)):
        record["guarantees"]["early_stopping_iteration"] = count
        record["claims"] = derive(record)
        found = dp.verify(write(tmp_path, record, arrays))
        assert bool(found) == valid and (valid or "early_stopping_iteration" in str(found)), found.findings
