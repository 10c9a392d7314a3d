"""A loss that may be exactly 0 within rounding: existence is proved, with a radius of its upper end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import changed

import dipproofs as dp
from dipproofs.certificate.write import save


def _fitted(loss: str) -> tuple[dp.InverseProblem, dp.TwoLayer]:
    """The data are the network's own output, as floats have it."""
    offset = {"poisson": 1.0, "cross-entropy": 0.5}.get(loss, 0.0)
    network = dp.TwoLayer.init(n=3, width=64, input_dimension=2, output_offset=offset, output_scale=0.1)
    return dp.InverseProblem(np.eye(3), network.output()), network


def _balanced() -> tuple[dp.InverseProblem, dp.TwoLayer]:
    """Opposite units: the output is exactly 0, which no arithmetic with φ(a) enclosed can see."""
    W = np.repeat(np.random.default_rng(0).standard_normal((32, 2)), 2, axis=0)
    V = np.tile([[1.0, -1.0]], (3, 32))
    return dp.InverseProblem(np.eye(3), np.zeros(3)), dp.TwoLayer(np.array([1.0, 0.0]), W, V)


@pytest.mark.parametrize("loss", ["squared", "poisson"])
def test_a_fit_up_to_rounding_is_an_exact_fit_nearby(loss: str) -> None:
    cert = dp.certify(*_fitted(loss), loss, max_iterations=0)
    assert cert.quantities["loss_0"].lower == 0 < cert.quantities["loss_0"].upper < 1e-25
    assert cert.claims.existence.verdict == "proved" and cert.claims.existence.radius["upper"] < 1e-12
    assert dp.verify(cert).valid


@pytest.mark.parametrize("schedule", ["constant", "backtracking"])
def test_zero_is_within_both_enclosures(schedule: str) -> None:
    cert = dp.certify(*_balanced(), schedule=schedule)
    assert cert.claims.existence.verdict == "proved" and cert.quantities["S"].lower == 0
    assert dp.verify(cert).valid


FORGED = [("S", "lower", 0.5), ("psi_0", "lower", 0.5), ("loss_0", "lower", 0.5), ("S", "upper", 0)]


@pytest.mark.parametrize(("name", "end", "factor"), FORGED)
def test_what_may_be_zero_may_not_be_claimed_otherwise(tmp_path: Path, name: str, end: str, factor: float) -> None:
    def spoil(record: dict[str, Any]) -> None:
        bound = record["quantities"][name]
        bound[end] = bound["upper"] * factor

    save(dp.certify(*_balanced()), tmp_path)
    assert not dp.verify(changed(tmp_path, spoil)).valid


def test_nothing_is_refuted_below_the_bound() -> None:
    """Too narrow for (H) at the bound: still not refuted, as the loss may be 0."""
    problem, network = _balanced()
    cert = dp.certify(problem, network, step=1e9, max_iterations=0)
    assert str(cert.verdict) == "undecided" and dp.verify(cert).valid


def test_momentum_does_not_rest_at_zero_loss() -> None:
    cert = dp.certify(*_balanced(), method="heavy-ball", momentum=0.5)
    start = next(h for h in cert.hypotheses if h.id == "start")
    assert str(start.verdict) == "undecided" and not cert.proved and dp.verify(cert).valid


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_an_ill_conditioned_operator_is_verified(seed: int) -> None:
    """The curvature correction x is not small against F there; with the loss 0 it is 0; claimed is the contraction."""
    A = np.random.default_rng(seed).standard_normal((3, 5)) * np.array([[1.0], [1e-5], [1e-11]])
    network = dp.TwoLayer.init(n=5, width=64, input_dimension=3, seed=2)
    cert = dp.certify_point(dp.InverseProblem(A, A @ network.output()), network)
    assert cert.proved and dp.verify(cert)


@pytest.mark.parametrize("kind", ["squared", "log-cosh"])
def test_a_failed_certificate_states_the_loss_and_not_its_bound(kind: str, tmp_path: Path) -> None:
    """Too narrow to be injective, at data that fit to rounding: what is published of the loss holds 0 as well."""
    A = np.diag([1.0, 1.0, 1.0 + 1e-15, 1.0])
    network = dp.TwoLayer.init(n=4, width=2, input_dimension=3, train="inner", seed=0)
    cert = dp.certify(dp.InverseProblem(A, A @ network.output()), network, loss=kind)
    loss = cert.quantities["loss_0"]
    assert cert.verdict.name == "REFUTED" and loss is not None and loss.lower == 0 < loss.upper
    assert dp.verify(save(cert, tmp_path)).valid
