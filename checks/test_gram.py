"""Gram matrices with radii of rank one: entries and eigenvalues contain the truth, decided exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from dipproofs.enclosures import Bound, Gram
from dipproofs.enclosures.spread import Entrywise, RankOne

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


def test_radii_of_rank_one_cover_their_matrix() -> None:
    """Each answer of `RankOne` is at least what the matrix of radii implies, in rational numbers."""
    rng = np.random.default_rng(6)
    for n in (1, 2, 5, 9):
        for scale in (1.0, 1e-160, 1e120):
            b, d, x = (rng.uniform(0, 2, n) + 1e-3 for _ in range(3))
            radius = RankOne(float(rng.uniform(0, 1)), b * scale, float(rng.choice([0.0, 1e-300, 1e-3])))
            R = [
                [
                    Fraction(radius.factor) * Fraction(float(p)) * Fraction(float(q)) + Fraction(radius.absolute)
                    for q in radius.weights
                ]
                for p in radius.weights
            ]
            along = [sum(row[j] * Fraction(float(d[j])) for j in range(n)) for row in R]
            spread, diagonal = radius.spread(d), radius.diagonal()
            ends = [Fraction(float(v)) for v in x]
            form = sum(R[i][j] * ends[i] * ends[j] for i in range(n) for j in range(n))
            assert all(Fraction(float(spread[i])) * Fraction(float(d[i])) >= along[i] for i in range(n))
            assert all(Fraction(float(diagonal[i])) >= R[i][i] for i in range(n))
            assert Fraction(radius.quadratic(x)) >= form
            assert Fraction(radius.norm()) ** 2 >= sum(R[i][j] ** 2 for i in range(n) for j in range(n)) / n
            assert spread.max() <= Entrywise(np.array(R, dtype=float)).spread(d).max() * (1 + 1e-12) + 1e-300
            for exponent in (-7, 0, 3):
                moved = radius.shifted(exponent)
                power = Fraction(2) ** exponent
                entries = (
                    (Fraction(moved.factor) * Fraction(float(p)) * Fraction(float(q)) + Fraction(moved.absolute), i, j)
                    for i, p in enumerate(moved.weights)
                    for j, q in enumerate(moved.weights)
                )
                assert all(entry >= R[i][j] * power for entry, i, j in entries)


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
