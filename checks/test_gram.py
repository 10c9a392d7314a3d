"""Gram matrices with radii of rank one: entries and eigenvalues contain the truth, decided exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from dipproofs.enclosures import Bound, Gram
from dipproofs.enclosures.spread import RankOne

from .test_enclosures import FAMILIES, fractions, instances, lambda_max_in, lambda_min_in, multiply

Exact = list[list[Fraction]]


def exact_product(a: np.ndarray, d: np.ndarray) -> Exact:
    """diag(d)·A·Aᵀ·diag(d) in rational numbers."""
    rows = [[Fraction(float(f)) * x for x in row] for f, row in zip(d, fractions(a))]
    return multiply(rows, [list(column) for column in zip(*rows)])


def inside(gram: Gram, exact: Exact) -> bool:
    """Whether every entry is within factor·b_i·b_j + absolute of the midpoint."""
    radius, n = gram.radius, len(exact)
    if not radius.is_finite:
        return True
    b = [Fraction(float(x)) for x in radius.weights]
    factor, absolute = Fraction(float(radius.factor)), Fraction(float(radius.absolute))
    return all(
        abs(exact[i][j] - Fraction(float(gram.mid[i, j]))) <= factor * b[i] * b[j] + absolute
        for i in range(n)
        for j in range(n)
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_gram_matrices_contain_the_truth(family: Callable[..., np.ndarray]) -> None:
    rng = np.random.default_rng(5)
    for a in instances(family, 12):
        factors = rng.uniform(-1, 1, a.shape[0]) * 10.0 ** rng.integers(-9, 9)
        factors[rng.integers(a.shape[0])] = rng.choice([0.0, 1.0, 1e-200])
        plain, ones = Gram.of_rows(a), np.ones(a.shape[0])
        for gram, d in ((plain, ones), (plain.scaled(factors), factors)):
            exact = exact_product(a, d)
            assert np.array_equal(gram.mid, gram.mid.T)
            assert inside(gram, exact)
            assert lambda_max_in(exact, gram.largest())
            assert lambda_min_in(exact, gram.smallest())


def test_a_gram_matrix_without_its_radius_is_caught() -> None:
    rng = np.random.default_rng(7)
    a, d = rng.standard_normal((6, 8)), rng.uniform(0.1, 1, 6)
    bare = Gram(Gram.of_rows(a).mid, RankOne(0.0, np.ones(6), 0.0))
    assert not inside(bare, exact_product(a, np.ones(6)))
    kept = Gram.of_rows(a)
    unscaled = Gram(kept.scaled(d).mid, RankOne(0.0, kept.radius.weights, 0.0))
    assert not inside(unscaled, exact_product(a, d))
    top = kept.largest()
    assert not lambda_max_in(exact_product(a, np.ones(6)), Bound(top.upper * (1 + 1e-9), top.upper * 2))
