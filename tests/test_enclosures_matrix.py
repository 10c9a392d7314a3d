"""Interval matrices and verified linear algebra: what is taken, what is refused, sharpness at size."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dipproofs.enclosures import (
    IntervalMatrix,
    Verdict,
    lambda_min,
    matrix_rank,
    row_space_basis,
    sigma_min,
)
from dipproofs.errors import InputError


@pytest.mark.parametrize(
    "bad",
    [
        np.array([[1.0, math.nan]]),
        np.array([[math.inf, 1.0]]),
        np.array([[1j, 1.0]]),
        np.array([["a"]]),
        np.array([[2**53 + 1]]),
        np.array([[-(2**53) - 1, 1]]),
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


@pytest.mark.parametrize("radius", [0.0, 1e-9, 1e-3, 0.1])
def test_the_row_space_of_rows_known_up_to_a_radius(radius: float) -> None:
    rows = np.array([[3.0, 0.0, 4.0], [0.0, 5.0, 0.0]])
    space = row_space_basis(IntervalMatrix(rows, np.full_like(rows, radius)))
    assert space.is_decided and space.gram_min.lower > 0
    assert space.gram_min.lower <= 1 <= space.gram_max.upper
    assert space.gram_max.upper - space.gram_min.lower <= 6 * radius + 1e-9
