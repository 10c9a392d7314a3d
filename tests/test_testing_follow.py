"""The reference follows momentum, Adam and graphs: true claims hold, false ones are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.certificate.record import Certificate
from dipproofs.descent import make_schedule
from dipproofs.losses import make_loss
from dipproofs.testing.follow import followable, target_data, violations
from dipproofs.testing.problem import perturbed

METHODS: dict[str, dict[str, Any]] = {
    "heavy-ball": {"method": "heavy-ball", "momentum": 0.5},
    "nesterov": {"method": "nesterov", "momentum": 0.5},
    "adam": {"method": "adam", "claim_horizon": 60},
    "graph": {},
}


@cache
def certified(name: str) -> tuple[dp.InverseProblem, Certificate]:
    rng = np.random.default_rng(0)
    A = np.linalg.qr(rng.standard_normal((16, 16)))[0][:3]
    problem = dp.InverseProblem(A, 0.3 * rng.standard_normal(3))
    if name == "graph":
        network: Any = dp.Convolutional.init((4, 4), channels=6, depth=2, input_channels=4, seed=3, activation="tanh")
    else:
        network = dp.TwoLayer.init(n=16, width=96, input_dimension=4, seed=0)
    return problem, dp.certify(problem, network, max_iterations=3000, **METHODS[name])


def broken(name: str, change: Callable[[Certificate], Certificate] = lambda cert: cert) -> list[str]:
    problem, cert = certified(name)
    schedule = make_schedule("constant")
    changed = change(cert)
    assert followable(changed, schedule)
    return violations(changed, problem, dp.SquaredError(), schedule, cert.run)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_claimed_happens(name: str) -> None:
    assert certified(name)[1].proved
    assert broken(name) == []


def scaled(name: str, factor: float) -> Callable[[Certificate], Certificate]:
    """Multiply a quantity or a guarantee."""

    def change(cert: Certificate) -> Certificate:
        if (bound := cert.quantities.get(name)) is not None:
            return replace(cert, quantities={**cert.quantities, name: bound * factor})
        facts = cert.guarantees
        if name in facts.extra:
            return replace(cert, guarantees=replace(facts, extra={**facts.extra, name: facts.extra[name] * factor}))
        return replace(cert, guarantees=replace(facts, **{name: getattr(facts, name) * factor}))

    return change


def sooner(cert: Certificate) -> Certificate:
    counts = {key: max(steps // 3, 0) for key, steps in cert.guarantees.iterations_to_loss.items() if steps is not None}
    return replace(cert, guarantees=replace(cert.guarantees, iterations_to_loss=counts))


def method(**changes: Any) -> Callable[[Certificate], Certificate]:
    return lambda cert: replace(cert, method={**cert.method, **changes})


def moved(prefix: str, factor: float) -> Callable[[Certificate], Certificate]:
    def change(cert: Certificate) -> Certificate:
        assert any(key.startswith(prefix) for key in cert.arrays)
        arrays = {key: a * factor if key.startswith(prefix) else a for key, a in cert.arrays.items()}
        return replace(cert, arrays=arrays)

    return change


HORIZON = {"asked": 60, "verdict": "proved", "iterations": 60, "residual_factor": {"lower": 0, "upper": 1e-4}}
FAULTS = {
    "heavy-ball: envelope": ("heavy-ball", scaled("residual_envelope", 0.3), "rate"),
    "heavy-ball: path": ("heavy-ball", scaled("S", 0.1), "path longer"),
    "heavy-ball: counts": ("heavy-ball", sooner, "loss above"),
    "heavy-ball: momentum": ("heavy-ball", method(momentum=0.6), "loss is another"),
    "heavy-ball: state": ("heavy-ball", moved("state/velocity/", -1.0), "loss is another"),
    "nesterov: step": ("nesterov", scaled("gamma", 1.01), "loss is another"),
    "nesterov: as heavy ball": ("nesterov", method(kind="heavy-ball"), "loss is another"),
    "adam: horizon": ("adam", method(horizon=HORIZON | {"residual_factor": dp.Bound(0.0, 1e-7)}), "horizon"),
    "adam: state": ("adam", moved("state/v/", 2.0), "loss is another"),
    "adam: existence": ("adam", scaled("distance_to_limit", 0.3), "exact fit"),
    "graph: rate": ("graph", scaled("log_contraction_per_step", 3.0), "rate"),
    "graph: path": ("graph", scaled("S", 0.2), "path longer"),
    "graph: limit": ("graph", scaled("distance_to_limit", 0.2), "farther away"),
    "graph: counts": ("graph", sooner, "loss above"),
    "graph: parameters": ("graph", moved("theta/", 1.0001), "loss is another"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_false_is_seen(fault: str) -> None:
    name, change, words = FAULTS[fault]
    found = broken(name, change)
    assert any(words in line for line in found), found


def test_parameters_of_a_file_are_perturbed() -> None:
    network = dp.Convolutional.init((4, 4), channels=2, depth=2, input_channels=2, seed=3)
    assert perturbed(network, 0) is network
    one, again, other = (perturbed(network, seed).parameters() for seed in (1, 1, 2))
    for name, array in network.parameters().items():
        assert np.array_equal(one[name], again[name])
        assert np.array_equal(one[name], other[name]) == (not array.any())
        assert np.linalg.norm(one[name] - array) < 0.5 * np.linalg.norm(array) + 1e-300


@pytest.mark.parametrize("method", ["heavy-ball", "nesterov"])
def test_a_point_of_a_method_without_a_theorem_is_followed_by_gradient_descent(method: str) -> None:
    problem, _ = certified("graph")
    network, loss = dp.TwoLayer.init(n=16, width=96, input_dimension=4, seed=0), make_loss("log-cosh")
    cert = dp.certify(problem, network, loss=loss, method=method, momentum=0.5, max_iterations=300)
    assert cert.proved and cert.method["claims"] == "existence"
    schedule = make_schedule("constant")
    assert violations(cert, problem, loss, schedule, cert.run) == []
    assert violations(scaled("S", 0.1)(cert), problem, loss, schedule, cert.run)


def test_an_ill_conditioned_operator_costs_the_reference_no_digits() -> None:
    """Data that A reaches, or that a row and its copy disagree about."""
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((n, 4)))[0] for n in (4, 7))
    A, y = (U * np.geomspace(1, 1e-10, 4)) @ V.T, rng.standard_normal(4)
    network = dp.TwoLayer.init(n=7, width=64, input_dimension=3, seed=0, train="outer")
    for rows, data, expected in ((A, y, y), (A[[0, 1, 1]], y[:3], [y[0], (y[1] + y[2]) / 2, (y[1] + y[2]) / 2])):
        problem = dp.InverseProblem(rows, data)
        cert = dp.certify(problem, network, max_iterations=0)
        assert np.allclose(target_data(problem, cert, dp.SquaredError()), expected, rtol=0, atol=1e-14)
