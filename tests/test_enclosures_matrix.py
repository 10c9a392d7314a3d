"""Interval matrices and verified linear algebra: interfaces, refusals, quality of the bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dipproofs.enclosures import (
    Bound,
    IntervalMatrix,
    Verdict,
    lambda_max,
    lambda_min,
    matrix_rank,
    norm,
    residual_lower_bound,
    row_space_basis,
    sigma_min,
)
from dipproofs.errors import InputError


def conditioned(n: int, condition: float, seed: int = 0, columns: int | None = None) -> np.ndarray:
    """A matrix with singular values from 1 to 1/condition, in geometric progression."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((n, n)))[0]
    right = np.linalg.qr(rng.standard_normal((columns or n, n)))[0]
    return left * np.geomspace(1, 1 / condition, n) @ right.T


@pytest.mark.parametrize(
    "bad",
    [
        np.array([[1.0, math.nan]]),
        np.array([[math.inf, 1.0]]),
        np.array([[1j, 1.0]]),
        np.array([["a"]]),
        np.array([[2**53 + 1]]),
        np.ones((2, 2, 2)),
        np.array([[1.0]], dtype=object),
        np.array([[1.0]], dtype=np.longdouble),
    ],
)
def test_bad_entries_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError) as error:
        IntervalMatrix.from_exact(bad)
    assert "\n" not in str(error.value)


def test_shapes_are_checked() -> None:
    a = IntervalMatrix(np.ones((2, 3)))
    for wrong in (
        lambda: a @ a,
        lambda: a + a.T,
        lambda: a.scale_columns(IntervalMatrix(np.ones(2))),
        lambda: lambda_min(a),
        lambda: IntervalMatrix(np.ones(2), -np.ones(2)),
        lambda: IntervalMatrix(np.ones(2), np.full(2, math.nan)),
        lambda: sigma_min(IntervalMatrix(np.ones((0, 3)))),
    ):
        with pytest.raises(InputError):
            wrong()


def test_single_precision_is_taken_exactly() -> None:
    a = np.array([[0.1, 0.2]], dtype=np.float32)
    assert IntervalMatrix.from_exact(a).mid[0, 0] == float(a[0, 0]) != 0.1


def test_overflow_becomes_unknown_not_nan() -> None:
    a = IntervalMatrix(np.full((3, 3), 1e200))
    product = a @ a
    assert not np.isnan(product.mid).any() and np.isinf(product.rad).all()
    assert lambda_min(product) == Bound.unknown()
    assert norm(a).upper == pytest.approx(3e200)
    assert sigma_min(product) == Bound(0.0, math.inf)


def test_products_with_a_mask_are_exact() -> None:
    rng = np.random.default_rng(0)
    v = rng.standard_normal((20, 6))
    picked = IntervalMatrix(np.eye(20)[[3, 5, 11]]) @ IntervalMatrix(v)
    assert np.array_equal(picked.mid, v[[3, 5, 11]]) and picked.rad is not None and picked.rad.max() < 1e-290


@pytest.mark.parametrize(("n", "condition"), [(50, 1e2), (300, 1e4), (200, 1e8), (120, 1e12)])
def test_smallest_singular_values_are_narrow(n: int, condition: float) -> None:
    a = conditioned(n, condition, columns=n + 17)
    bound = sigma_min(IntervalMatrix(a))
    assert bound.lower * (1 - 1e-2) <= 1 / condition <= bound.upper * (1 + 1e-2)
    assert bound.relative_width < (1e-6 if condition <= 1e4 else 1e-2)
    assert sigma_min(IntervalMatrix(a.T)).relative_width < (1e-6 if condition <= 1e4 else 1e-2)


def test_repeated_eigenvalues() -> None:
    block = conditioned(12, 10)
    gram = np.kron(block @ block.T, np.eye(5))
    low, high = lambda_min(IntervalMatrix(gram)), lambda_max(IntervalMatrix(gram))
    assert low.relative_width < 1e-8 and high.relative_width < 1e-8
    assert low.lower <= 0.01 <= low.upper * (1 + 1e-12) and high.contains(high.mid)


def test_indefinite_and_singular_matrices() -> None:
    rng = np.random.default_rng(3)
    for n in (30, 90, 500):
        a = rng.standard_normal((n, n))
        symmetric = np.tril(a) + np.tril(a, -1).T
        reference = np.linalg.eigvalsh(symmetric)
        low, high = lambda_min(IntervalMatrix(symmetric)), lambda_max(IntervalMatrix(symmetric))
        assert low.lower <= reference[0] + 1e-9 and low.upper >= reference[0] - 1e-9 and low.upper < 0
        assert high.lower > 0 and high.relative_width < 1e-6
        flat = rng.integers(-3, 4, (n, n - 1)).astype(float)
        assert lambda_min(IntervalMatrix(flat @ flat.T)).lower <= 0


def test_badly_scaled_diagonals_use_the_balanced_test() -> None:
    d = np.geomspace(1, 1e-9, 60)
    correlation = 0.5 * np.eye(60) + 0.5
    bound = lambda_min(IntervalMatrix(d[:, None] * correlation * d))
    assert bound.lower > 1e-19


def test_an_asymmetric_midpoint_means_its_lower_triangle() -> None:
    m = np.array([[2.0, 99.0], [1.0, 2.0]])
    assert lambda_min(IntervalMatrix(m)).contains(1) and lambda_max(IntervalMatrix(m)).contains(3)


def test_residual_certificate_accepts_any_factor() -> None:
    a = conditioned(40, 100)
    gram = IntervalMatrix(a).gram()
    truth = lambda_min(gram)
    tau = 0.9 * truth.lower
    good = np.linalg.cholesky(gram.mid - tau * np.eye(40))
    assert 0.8 * truth.lower < residual_lower_bound(gram, tau, good) <= truth.upper
    for factor in (np.zeros((40, 40)), np.eye(40), np.random.default_rng(0).standard_normal((40, 40))):
        assert residual_lower_bound(gram, tau, factor) <= truth.upper


def test_norm_is_an_upper_bound_where_power_iteration_is_not() -> None:
    a = np.diag([1.0, 1.0 + 1e-9, 0.5])
    bound = norm(IntervalMatrix(a))
    assert bound.contains(1.0 + 1e-9) and bound.relative_width < 1e-12
    assert norm(IntervalMatrix(np.array([3.0, 4.0]))).contains(5)
    assert norm(IntervalMatrix(np.zeros((3, 4)))).upper == 0


def test_numerical_rank_is_not_the_rank() -> None:
    tiny = np.diag([1.0, 1.0, 1e-20])
    assert np.linalg.matrix_rank(tiny) == 2 and matrix_rank(IntervalMatrix(tiny)).value == 3
    rounded = np.array([[0.1, 0.3], [0.2, 0.6]])
    assert matrix_rank(IntervalMatrix(rounded)).value == 1
    nearly = np.array([[0.1, 0.3], [0.3, 0.9]])  # 0.3 is not 3·0.1 in floats
    assert matrix_rank(IntervalMatrix(nearly)).value == 2
    assert matrix_rank(IntervalMatrix(np.zeros((3, 2)))).value == 0


def test_an_undecidable_rank_says_what_to_do() -> None:
    wide = IntervalMatrix(np.ones((3, 3)), np.full((3, 3), 1e-3))
    rank = matrix_rank(wide)
    assert rank.value is None and rank.verdict is Verdict.UNDECIDED and "exact" in rank.reason
    rng = np.random.default_rng(0)
    deficient = rng.integers(-9, 10, (30, 4)) @ rng.integers(-9, 10, (4, 30))
    assert "remove dependent rows" in matrix_rank(IntervalMatrix(deficient), work_limit=0.0).reason
    assert matrix_rank(IntervalMatrix(deficient)).value == 4
    space = row_space_basis(wide)
    assert not space.is_decided and space.decision.verdict is Verdict.UNDECIDED and space.decision.reason


def test_row_spaces() -> None:
    mask = np.eye(8)[[1, 4, 6]]
    space = row_space_basis(mask)
    assert space.rank == 3 and list(space.coordinates) == [1, 4, 6] and space.B.is_exact
    assert row_space_basis(np.vstack([np.eye(4), np.ones((2, 4))])).is_whole_space
    a = conditioned(6, 1e3, columns=10)
    space = row_space_basis(np.vstack([a, a[:2] + a[1:3]]))
    assert space.rank in (6, 7, 8)  # float sums need not be exact: then the rank is honestly larger
    low, high = lambda_min(space.B.gram()), lambda_max(space.B.gram())
    assert space.gram_min.lower <= low.upper and low.lower <= space.gram_min.upper
    assert space.gram_max.lower <= high.upper and high.lower <= space.gram_max.upper


def test_injectivity_on_the_row_space() -> None:
    a, j = conditioned(5, 10, columns=9), conditioned(9, 50, seed=2, columns=30)
    space = row_space_basis(a)
    q = np.linalg.qr(a.T)[0]
    truth = np.linalg.svd(q.T @ j, compute_uv=False)[-1]
    bound = space.sigma_min(IntervalMatrix(j))
    assert bound.lower <= truth * (1 + 1e-10) and truth <= bound.upper * (1 + 1e-10)
    assert bound.relative_width < 1e-8
    assert space.sigma_min(IntervalMatrix(j[:, :3])) == Bound.exact(0)
