"""The least-squares solution, cheaply where the operator allows it, against the one by the SVD."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import conditioned

import dipproofs as dp
from dipproofs.enclosures import Bound
from dipproofs.losses import make_loss
from dipproofs.operators.bounds import bound_operator
from dipproofs.recovery import signal_error as module
from dipproofs.recovery.least_squares import least_squares
from dipproofs.recovery.signal_error import Recovery


@pytest.mark.parametrize("kappa", [1.0, 1e3, 8e4, 1e7, 1e10])
def test_it_is_that_of_the_svd(kappa: float) -> None:
    A, b = conditioned(12, 7, kappa), np.random.default_rng(1).standard_normal(12)
    expected = np.linalg.lstsq(A, b, rcond=None)[0]
    away = np.linalg.norm(least_squares(bound_operator(A), b) - expected)
    # both are backward stable, or as good after refinement: u κ² ‖r‖ + u κ ‖c‖
    assert away <= 100 * 2.0**-52 * (kappa * np.linalg.norm(expected) + kappa**2 * np.linalg.norm(b))


@pytest.mark.parametrize("scale", [1e-200, 1e-170, 1e160, 1e200])
def test_squares_that_leave_the_range_of_floats_do_no_harm(scale: float) -> None:
    A, c = scale * conditioned(12, 7, 1e2), np.arange(1.0, 8.0)
    np.testing.assert_allclose(least_squares(bound_operator(A), A @ c), c, rtol=1e-10)


@pytest.mark.parametrize("A", [np.eye(6)[[3, 1, 0, 2, 5, 4]], -np.eye(4), conditioned(12, 7, 1e2)])
def test_no_svd_of_what_is_well_conditioned(A: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty times the cost of a Cholesky factor; the limit's error stays enclosed and sharp."""
    x = np.random.default_rng(2).standard_normal(A.shape[1])
    y = A @ x + 0.01 * np.random.default_rng(3).standard_normal(A.shape[0])
    expected = np.linalg.norm(np.linalg.lstsq(A, y, rcond=None)[0] - x)

    def bound() -> Bound:
        found = Recovery(problem, network, bound_operator(A), make_loss("squared")).limit_error
        assert found is not None and found.lower <= expected <= found.upper
        return found

    def never(*_: object, **__: object) -> None:
        raise AssertionError("an SVD")

    network = dp.TwoLayer.init(n=A.shape[1], width=64, input_dimension=3, seed=0)
    problem = dp.InverseProblem(A, y, x_true=x)
    with monkeypatch.context() as changed:
        changed.setattr(module, "least_squares", lambda operator, b: np.linalg.lstsq(operator.matrix.mid, b)[0])
        by_svd = bound()
    monkeypatch.setattr(np.linalg, "lstsq", never)
    assert bound().upper - bound().lower <= 2 * (by_svd.upper - by_svd.lower) + 1e-12
