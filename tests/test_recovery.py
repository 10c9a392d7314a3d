"""Recovery and early stopping through the public interface: what is reported, labelled, refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.certify import (
    Certificate,
    atoms_tradeoff,
    certify,
    gaussian_operator,
    injective,
    on_cone,
    on_generated_cone,
    on_subspace,
)
from dipproofs.certify.stop import fitted_problem
from dipproofs.enclosures import Verdict
from dipproofs.errors import InputError
from dipproofs.losses import make_loss
from dipproofs.recovery.restricted import fully_expressive

RNG = np.random.default_rng(0)
TALL = RNG.standard_normal((7, 4)) + 2 * np.eye(7, 4)
WIDE = RNG.standard_normal((6, 8)) / 2
ATOMS = np.linalg.qr(RNG.standard_normal((8, 3)))[0] * [1.0, 2.0, 0.5]
X4, X8 = RNG.standard_normal(4), ATOMS @ np.array([1.0, -0.5, 1.5]) + 0.05 * RNG.standard_normal(8)


def network(n: int, **options: Any) -> dp.TwoLayer:
    return dp.TwoLayer.init(n=n, width=256, input_dimension=3, seed=1, **options)


def tall(level: float = 0.05, *, known: bool = True, noise: Any = None, **options: Any) -> Certificate:
    epsilon = np.random.default_rng(5).standard_normal(7)
    epsilon *= level * np.linalg.norm(TALL @ X4) / np.linalg.norm(epsilon)
    problem = dp.InverseProblem(TALL, TALL @ X4 + epsilon, X4 if known else None, noise)
    return certify(problem, network(4), max_iterations=3000, **options)


def synthesis(**options: Any) -> Certificate:
    known = options.pop("known", True)
    problem = dp.InverseProblem(WIDE, WIDE @ X8 + 0.01, X8 if known else None, options.pop("noise", None))
    return certify(problem, network(3, basis=ATOMS), max_iterations=3000, **options)


def recovery(certificate: Certificate) -> dict[str, Any]:
    return dict(certificate.guarantees.extra["recovery"])


# --- reported ---------------------------------------------------------------------------------------------
def test_known_signal_gives_proved_bounds_in_three_parts() -> None:
    certificate = synthesis()
    entry, error = recovery(certificate), certificate.guarantees.recovery_error
    assert certificate.proved and error is not None and str(error.evidence) == "proved"
    total = entry["data"] + entry["noise"] + entry["distance"]
    assert abs(total.upper - error.upper) < 1e-6 * error.upper
    assert entry["true_error"].upper <= entry["sharp"]["error"].upper <= error.upper
    assert entry["restricted_injectivity"]["verdict"] == "proved"
    assert entry["early_stopping"]["data_error"].upper < entry["early_stopping"]["data_error_unprojected"].upper
    assert "least-squares" in entry["limit"]
    text = json.dumps(certificate.to_json())
    assert json.loads(text)["guarantees"]["recovery"]["sharp"]["error"]["evidence"] == "proved"


def test_sigma_of_a_basis_that_is_not_orthonormal() -> None:
    found = on_subspace(WIDE, ATOMS)
    expected = np.linalg.svd(WIDE @ np.linalg.qr(ATOMS)[0], compute_uv=False)[-1]
    assert found.verdict is Verdict.PROVED and found.constant is not None
    assert found.constant.lower <= expected * (1 + 1e-12) and found.constant.upper >= expected * (1 - 1e-12)
    assert found.constant.relative_width < 1e-6
    assert recovery(synthesis())["sigma_AQ"].contains(expected)


def test_stated_noise_and_distance_are_labelled_and_leave_the_verdict_alone() -> None:
    certificate = synthesis(known=False, noise=0.05, distance=0.3)
    entry, error = recovery(certificate), certificate.guarantees.recovery_error
    assert certificate.proved and error is not None and str(error.evidence) == "assumed"
    assert entry["noise_source"] == "stated" and entry["early_stopping"]["evidence"] == "assumed"
    assert entry["true_error"] is None and certificate.guarantees.early_stopping_iteration is not None


def test_noise_is_estimated_from_what_the_model_cannot_represent() -> None:
    certificate = tall(known=False)
    entry, error = recovery(certificate), certificate.guarantees.recovery_error
    assert certificate.proved and entry["noise_source"] == "estimated"
    assert error is not None and str(error.evidence) == "estimated"
    truth = recovery(tall())["noise_norm"].upper
    assert 0.2 < entry["noise_norm"].upper / truth < 5


def test_unknown_noise_gives_no_claim_but_a_reason() -> None:
    problem = dp.InverseProblem(ATOMS.T, np.ones(3))
    certificate = certify(problem, network(3, basis=ATOMS), max_iterations=3000)
    entry = recovery(certificate)
    assert certificate.guarantees.recovery_error is None and entry["early_stopping"]["level"] is None
    assert "noise.norm" in entry["early_stopping"]["reason"]


def test_more_atoms_than_observations_are_refuted() -> None:
    atoms = np.eye(8)[:, :7]
    problem = dp.InverseProblem(WIDE, WIDE @ X8, X8)
    certificate = certify(problem, network(7, basis=atoms), max_iterations=3000)
    entry = recovery(certificate)
    assert certificate.proved and certificate.guarantees.recovery_error is None
    assert entry["restricted_injectivity"]["verdict"] == "refuted"
    assert "at most 6 atoms" in entry["restricted_injectivity"]["reason"]
    assert on_subspace(WIDE, atoms).verdict is Verdict.REFUTED


def test_loss_with_another_minimiser_says_nothing_about_the_signal() -> None:
    problem = dp.InverseProblem(np.eye(3), np.array([0.4, 0.5, 0.6]), np.zeros(3))
    certificate = certify(problem, network(3), make_loss("logit-cross-entropy"), max_iterations=500)
    if certificate.proved:
        assert certificate.guarantees.recovery_error is None
        assert "not minimal at y" in recovery(certificate)["early_stopping"]["reason"]


# --- the run ----------------------------------------------------------------------------------------------
def test_guaranteed_stop_is_the_first_iterate_below_the_noise() -> None:
    certificate = tall(stop="guaranteed")
    run, final = certificate.run, certificate.final or certificate
    level = recovery(final)["early_stopping"]["level"]
    assert run.stopped == "guaranteed" and final.quantities["psi_0"].upper <= level.lower
    residuals = np.sqrt(2 * run.history.loss)  # of the projected data
    assert residuals[-1] <= level.lower < residuals[-2] * (1 + 1e-6)
    assert final.guarantees.early_stopping_iteration == 0
    assert run.iterations < tall().run.iterations


def test_projected_data_have_the_same_gradients_and_loss_zero() -> None:
    from dipproofs.operators.bounds import bound_operator

    problem = dp.InverseProblem(TALL, np.arange(7.0))
    net = network(4, output_offset=0.5)
    fitted = fitted_problem(problem, net, bound_operator(TALL), make_loss("squared"))
    assert np.allclose(TALL.T @ (fitted.y - problem.y), 0, atol=1e-12)
    assert np.linalg.matrix_rank(np.column_stack([TALL, fitted.y])) == 4
    certificate = certify(problem, net, max_iterations=3000)
    assert certificate.run.stopped == "tolerance" and certificate.final.proved


def test_zero_noise_runs_to_the_tolerance() -> None:
    certificate = tall(level=0.0, stop="guaranteed")
    assert certificate.run.stopped == "tolerance" and certificate.proved
    assert recovery(certificate)["early_stopping"]["level"].upper < 1e-12


def test_noise_larger_than_the_signal_says_so() -> None:
    certificate = tall(level=50.0)
    entry = recovery(certificate)
    assert certificate.guarantees.early_stopping_iteration == 0
    assert "x = 0 would do as well" in entry["early_stopping"]["reason"]


def test_data_are_guaranteed_even_where_the_signal_cannot_be() -> None:
    """m < n without atoms: nothing about x, but the stop at the noise level is proved."""
    y = WIDE @ X8
    problem = dp.InverseProblem(WIDE, y + 0.05 * np.linalg.norm(y) / np.sqrt(6), X8)
    certificate = certify(problem, network(8), max_iterations=3000, stop="guaranteed")
    assert certificate.run.stopped == "guaranteed" and certificate.guarantees.recovery_error is None
    error = WIDE @ (certificate.run.network.output() - X8)
    assert np.linalg.norm(error) <= 2 * problem.noise_norm


def test_nearly_dependent_atoms_are_undecided_not_refuted() -> None:
    atoms = np.ones((8, 2))
    atoms[0, 1] += 2.0**-52
    point = atoms_tradeoff(dp.InverseProblem(WIDE / 3, np.ones(6), X8), atoms, [2])[0]
    assert point.bound is None and point.verdict is Verdict.UNDECIDED and point.vacuous


# --- refused, in one line -----------------------------------------------------------------------------------


def test_guaranteed_stop_without_noise_is_refused() -> None:
    problem = dp.InverseProblem(WIDE[:3], np.ones(3))
    with pytest.raises(InputError, match=r"noise\.norm"):
        certify(problem, network(3, basis=ATOMS), stop="guaranteed")


# --- restricted injectivity -----------------------------------------------------------------------------
def test_injective_operators() -> None:
    assert injective(TALL).verdict is Verdict.PROVED
    assert injective(WIDE).verdict is Verdict.REFUTED
    assert injective(np.ones((3, 2))).verdict is Verdict.UNDECIDED


def test_unknown_cones_are_undecided() -> None:
    found = fully_expressive(Verdict.UNDECIDED, 3, 5)
    assert found.verdict is Verdict.UNDECIDED and "λ_min" in found.reason


def test_gaussian_operator_is_only_probable() -> None:
    found = gaussian_operator(200, 5.0, 0.01)
    assert found.verdict is Verdict.UNDECIDED and found.probability == 0.99
    assert found.constant is not None and str(found.constant.evidence) == "assumed"
    assert gaussian_operator(3, 5.0).constant is None
    for bad in ((0, 1.0, 0.1), (5, float("inf"), 0.1), (5, 1.0, 0.0)):
        with pytest.raises(InputError):
            gaussian_operator(*bad)


def test_cones_of_known_value() -> None:
    orthant = np.eye(2)
    A = np.array([[1.0, -1.0]])
    assert on_generated_cone(A, orthant).verdict is Verdict.REFUTED
    half = on_cone(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0]]))
    assert half.verdict is Verdict.PROVED and half.constant is not None
    assert half.constant.lower <= 1.0 <= half.constant.upper and half.constant.lower > 0.99
    empty = on_cone(np.array([[1.0]]), np.array([[1.0], [-1.0]]))
    assert empty.verdict is not Verdict.REFUTED
    for bad in (np.eye(3), np.array([[np.nan, 0.0], [0.0, 1.0]])):
        with pytest.raises(InputError):
            on_cone(A, bad)
    with pytest.raises(InputError, match="at most"):
        on_generated_cone(A, np.ones((2, 40)))
