"""λ_min in plain float64 against exact values: graded, nearly singular, subnormal and huge matrices."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx, fmpz_mat
from helpers import conditioned

from dipproofs.verify.arithmetic import Gram, Matrix, orthonormalised
from dipproofs.verify.arithmetic.preconditioned import largest_of_rows, least_eigenvalue
from dipproofs.verify.arithmetic.rounded import Rounded


def least(x: np.ndarray) -> arb:
    """λ_min(xxᵀ) in the verifier's exact arithmetic, to about 13 digits."""
    with ctx.workprec(128):
        found = orthonormalised(Matrix.of(x))
        assert found is not None
        return arb(1, found[1]) / Gram(found[0]).largest


@pytest.mark.parametrize(("m", "n"), [(2, 2), (7, 30), (40, 40), (60, 61)])
@pytest.mark.parametrize(("condition", "goal"), [(1.0, 1e-9), (1e3, 1e-9), (1e5, 1e-8), (1e7, 1e-6), (1e11, 1e-3)])
@pytest.mark.parametrize("scale", [1.0, 2.0**-90, 2.0**90])
def test_least_eigenvalues_contain_the_exact_ones(m: int, n: int, condition: float, goal: float, scale: float) -> None:
    x = conditioned(m, n, condition, m) * scale
    found = least_eigenvalue(Rounded(x), goal)
    truth = least(x)
    assert found is not None and found.contains(truth) and found.rad() < goal * found.mid()
    wrong = least_eigenvalue(Rounded(x * (1 + 4 * goal)), goal)
    assert wrong is not None and not wrong.contains(truth)  # a control: the enclosure is that narrow


def test_rational_values_are_enclosed_exactly() -> None:
    """σ_min of an integer matrix with a known determinant: 2×2, λ = (t − √(t² − 4d²))/2."""
    x = np.array([[3.0, 1.0], [5.0, 2.0]])
    gram, determinant = fmpz_mat(2, 2, [3, 1, 5, 2]), 1
    trace = sum(int(value) ** 2 for value in gram.entries())
    with ctx.workprec(256):
        truth = (arb(trace) - (arb(trace) ** 2 - 4 * determinant**2).sqrt()) / 2
    found = least_eigenvalue(Rounded(x), 1e-9)
    assert found is not None and found.contains(truth)


@pytest.mark.parametrize("rows", [[1e-14, 1.0], [1.0, 1e-300], [0.0, 1.0], [5e-324, 1.0]])
def test_what_is_nearly_singular_is_given_up(rows: list[float]) -> None:
    assert least_eigenvalue(Rounded(np.array(rows)[:, None] * np.eye(2)), 1e-16) is None
    exact = least_eigenvalue(Rounded(np.ones((2, 3)) * np.array(rows)[:, None]), 0.5)
    assert exact is None  # dependent rows


def test_subnormal_entries_beside_large_ones() -> None:
    x = np.diag([1.0, 2.0, 3.0]) + 5e-324 * np.ones((3, 3))
    found = least_eigenvalue(Rounded(x), 1e-9)
    assert found is not None and found.contains(1)


def test_an_error_of_the_matrix_widens_the_value() -> None:
    x = np.diag([1.0, 2.0])
    found = least_eigenvalue(Rounded(x, 1e-6), 1e-4)
    assert found is not None and found.contains((1 - arb("1e-6")) ** 2) and found.contains((1 + arb("1e-6")) ** 2)
    assert least_eigenvalue(Rounded(x, 1e-3), 1e-4) is None


def test_out_of_range_or_too_much_asked_for() -> None:
    assert least_eigenvalue(Rounded(np.eye(2) * 2.0**150), 1e-9) is None
    assert least_eigenvalue(Rounded(np.eye(2)), 1e-15) is None


def test_proposals_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong factor, and a wrong Gram matrix, give no answer or a true one."""
    x = conditioned(20, 25, 10.0, 3)
    truth = least(x)
    found = least_eigenvalue(Rounded(x), 1e-9, np.eye(20))
    assert found is None or found.contains(truth)
    original = np.linalg.cholesky
    monkeypatch.setattr(np.linalg, "cholesky", lambda k: original(k) * (1 + 1e-5))
    found = least_eigenvalue(Rounded(x), 1e-3)
    assert found is None or found.contains(truth)


def test_norms_of_rows_contain_the_exact_ones() -> None:
    for condition in (1.0, 1e8):
        W = conditioned(50, 50, condition, 5)
        with ctx.workprec(128):
            truth = Gram(Matrix.of(W)).largest
        found = largest_of_rows(W)
        assert found.contains(truth) and found.rad() < 1e-11
