"""σ_min through the factor of the Gram matrix, against the verifier's exact arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers import conditioned

from dipproofs.enclosures import IntervalMatrix, norm, sigma_min, singular
from dipproofs.enclosures.gram import Gram
from dipproofs.enclosures.singular import extreme_singular_values
from dipproofs.verify.arithmetic import Gram as OtherGram
from dipproofs.verify.arithmetic import Matrix


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e6, 1e7, 1e9])
@pytest.mark.parametrize(("m", "n"), [(3, 3), (12, 30)])
def test_the_factor_of_the_gram_matrix_gives_the_truth(
    monkeypatch: pytest.MonkeyPatch, m: int, n: int, condition: float
) -> None:
    monkeypatch.setattr(singular, "_SMALL", 0)
    for seed in range(6):
        x = conditioned(m, n, condition, seed)
        truth = OtherGram(Matrix.of(x)).sigma
        found = singular._by_factor(x, Gram.of_rows(x))
        assert found.lower <= float(truth.upper()) and float(truth.lower()) <= found.upper
        assert found.lower > 0 or condition > 1e7  # not vacuous
        assert found.upper < math.inf or condition > 1e7


def test_both_extremes_agree_with_each_alone() -> None:
    x = IntervalMatrix.from_exact(conditioned(230, 260, 1e4, 1))
    largest, smallest = extreme_singular_values(x)
    assert largest == norm(x)
    assert smallest == sigma_min(x) and smallest.lower > 0
    assert smallest.contains(1e-4) or abs(smallest.lower - 1e-4) < 1e-11
    assert smallest.relative_width < 1e-6


def test_a_triangle_times_its_transpose() -> None:
    rng = np.random.default_rng(0)
    triangle = np.triu(rng.standard_normal((40, 40)))
    a, b = Gram.of_triangle(triangle), Gram.of_rows(triangle)
    assert np.array_equal(a.mid, a.mid.T)
    np.testing.assert_allclose(a.mid, b.mid, rtol=0, atol=1e-12)
    assert a.largest().lower <= b.largest().upper and b.largest().lower <= a.largest().upper
