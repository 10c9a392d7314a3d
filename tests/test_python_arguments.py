"""Wrong arguments from Python are one line, whichever function they reach first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import gaussian_problem, network

import dipproofs as dp
from dipproofs.certify import check
from dipproofs.problems import load_problem

SHARED: list[tuple[dict[str, Any], str]] = [
    ({"step": None}, 'descent.step: found None, expected a positive number or "auto"'),
    ({"step": [1.0]}, "descent.step: found [1.0], expected a positive number"),
    ({"step": np.array([1.0])}, "descent.step: found [1.], expected a positive number"),
    ({"loss": 3}, "loss: found 3, expected a loss; use dp.SquaredError()"),
    ({"loss": dp.SquaredError}, "loss: found the class SquaredError, expected a loss"),
    ({"loss": "sqared"}, "loss.kind: found 'sqared', expected one of"),
    ({"loss": "huber"}, "loss.delta: missing"),
    ({"problem": 3}, "problem: found int, expected an InverseProblem"),
    ({"problem": network()}, "problem: found TwoLayer, expected an InverseProblem"),
    ({"network": 5}, "network: found int, expected a TwoLayer"),
    ({"network": dp.TwoLayer}, "network: found the class TwoLayer, expected a TwoLayer"),
]
OF_RUNS: list[tuple[dict[str, Any], str]] = [
    ({"tolerance": "x"}, 'descent.tolerance: found "x", expected a number ≥ 0'),
    ({"tolerance": -1.0}, "descent.tolerance: found -1.0"),
    ({"max_iterations": None}, "descent.max_iterations: found None, expected an integer ≥ 0"),
    ({"max_iterations": 2.5}, "descent.max_iterations: found 2.5"),
    ({"max_iterations": np.nan}, "descent.max_iterations: found nan"),
    ({"step": True}, "descent.step: found true, expected a positive number"),
    ({"schedule": [1]}, "descent.schedule: found [1]"),
    (
        {"schedule": "constant", "schedule_options": {"power": 1.0}},
        "descent.schedule constant: found options ['power'], expected none",
    ),
    ({"schedule": "polynomial", "schedule_options": {"power": -1.0}}, "descent.power: found -1"),
    ({"schedule": "polynomial", "schedule_options": {"power": "a"}}, 'descent.power: found "a"'),
    ({"schedule": "cosine", "schedule_options": {"horizon": "a"}}, 'descent.horizon: found "a"'),
]
OF_CERTIFY: list[tuple[dict[str, Any], str]] = [
    ({"distance": "a"}, 'certificate.distance: found "a", expected a finite number ≥ 0'),
    ({"distance": -1.0}, "certificate.distance: found -1.0"),
]


def refuse(call: Any, change: dict[str, Any], start: str) -> None:
    given = {"problem": gaussian_problem(), "network": network()} | change
    with pytest.raises(dp.InputError) as caught:
        call(given.pop("problem"), given.pop("network"), **given)
    line = str(caught.value)
    assert line.startswith(start) and "\n" not in line, line


@pytest.mark.parametrize(("change", "start"), SHARED + OF_RUNS + OF_CERTIFY)
def test_certify(change: dict[str, Any], start: str) -> None:
    refuse(dp.certify, change, start)


@pytest.mark.parametrize(("change", "start"), SHARED + OF_RUNS)
def test_descend(change: dict[str, Any], start: str) -> None:
    refuse(dp.descend, change, start)


@pytest.mark.parametrize(("change", "start"), SHARED)
def test_check(change: dict[str, Any], start: str) -> None:
    refuse(check, change, start)


def test_a_loss_without_parameters_goes_by_its_name() -> None:
    named = dp.descend(gaussian_problem(), network(), "log-cosh", max_iterations=5)
    made = dp.descend(gaussian_problem(), network(), dp.LogCosh(), max_iterations=5)
    np.testing.assert_array_equal(named.history.loss, made.history.loss)
    assert dp.certify(gaussian_problem(), network(), "squared", max_iterations=0).loss["kind"] == "squared"


@pytest.mark.parametrize("path", [3, None, b"problem.toml"])
def test_no_path(path: Any) -> None:
    with pytest.raises(dp.InputError, match=r"^problem file: found .*, expected the path of a TOML file$"):
        load_problem(path)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: dp.MLP.init((2, 3), widht=4), "MLP.init: found argument 'widht'"),
        (lambda: dp.Skip.init((8, 8), scale=1), "did you mean scales?"),
        (lambda: dp.operator_norm(np.eye(2), inshape=(2,)), "did you mean in_shape?"),
        (lambda: dp.from_jax(lambda p: p, np.ones(2), output_shap=(2,)), "did you mean output_shape?"),
        (lambda: dp.TwoLayer.init(n=4, widht=8, input_dimension=2, seed=0), "did you mean width?"),
    ],
)
def test_a_misspelt_argument_is_named(call: Any, expected: str) -> None:
    with pytest.raises(dp.InputError) as caught:
        call()
    assert expected in str(caught.value) and isinstance(caught.value, TypeError)
