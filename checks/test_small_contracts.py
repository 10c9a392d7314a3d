"""Small promises that everything rests on: the constants of binary64, the factors for rounding, counts of steps."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from dipproofs.certify.guarantees import _residual_count
from dipproofs.certify.methods.state import total_norm
from dipproofs.enclosures import Bound, IntervalMatrix, lambda_max, lambda_min
from dipproofs.enclosures.rounding import MAX_TERMS, TINY, UNIT, gamma, inflation, require_ieee
from dipproofs.enclosures.spectral import spectral_upper
from dipproofs.enclosures.threads import SMALL, both
from dipproofs.enclosures.upward import upward
from dipproofs.theory.activations.base import Activation, x
from dipproofs.theory.width.sparse import oscillation_of

TERMS = [0, 1, 2, 3, 10, 4096, 10**6, MAX_TERMS]


def test_constants_of_binary64() -> None:
    """UNIT is half the spacing at 1, TINY the smallest normal number, and the longest sum stays below 1/8."""
    assert sys.float_info.epsilon == 2 * UNIT and sys.float_info.min == TINY
    assert Fraction(MAX_TERMS) * Fraction(UNIT) <= Fraction(1, 8)
    require_ieee()


@pytest.mark.parametrize("terms", TERMS)
def test_factors_for_rounding(terms: int) -> None:
    """γ_p ≥ pu/(1−pu) by at most one float; f(1−u) ≥ 1+γ_p and ≥ 1/(1−γ_p), so that fl(x·f) is large enough."""
    u = Fraction(1, 2**53)
    exact = terms * u / (1 - terms * u)
    assert exact <= Fraction(gamma(terms)) <= exact * (1 + 4 * u) + Fraction(TINY)
    reached = Fraction(inflation(terms)) * (1 - u)
    assert reached >= 1 + exact and reached >= 1 / (1 - exact)
    assert Fraction(inflation(terms)) <= 1 + (2 * terms + 8) * u


@pytest.mark.parametrize("terms", [-1, MAX_TERMS + 1])
def test_factors_say_where_they_end(terms: int) -> None:
    for factor in (gamma, inflation):
        with pytest.raises(ValueError, match="operations"):
            factor(terms)


def test_count_of_contractions() -> None:
    """The smallest N with f_0 e^{2Nλ} ≤ target at the upper ends of f_0 and λ; none unless λ < 0 for certain."""
    loss, rate = Bound(2.0, 3.0), Bound(-0.3, -0.2)
    for target in (2.5, 1.0, 1e-3, 1e-30):
        count = _residual_count(loss, target, rate)
        assert count is not None
        assert 3.0 * math.exp(-0.4 * count) <= target < 3.0 * math.exp(-0.4 * (count - 1))
    assert _residual_count(loss, 3.0, rate) == _residual_count(loss, 3.0, None) == 0
    assert _residual_count(loss, 2.9, rate) == 1  # f_0 may be 3
    for unusable in (Bound(-0.3, 0.2), Bound(-0.3, 0.0), Bound(0.1, 0.2), None):
        assert _residual_count(loss, 1.0, unusable) is None
    assert _residual_count(loss, 0.0, rate) is None


def test_eigenvalues_of_tiny_matrices() -> None:
    """[[3, 1], [1, 3]]·2⁻¹⁰⁷⁰ has the eigenvalues 2·2⁻¹⁰⁷⁰ and 4·2⁻¹⁰⁷⁰, although every product underflows."""
    matrix = IntervalMatrix.from_exact(np.array([[3.0, 1.0], [1.0, 3.0]]) * 2.0**-1070)
    for found, exact in ((lambda_min(matrix), 2.0**-1069), (lambda_max(matrix), 2.0**-1068)):
        assert found.lower <= exact <= found.upper


def test_oscillation_in_general_is_twice_the_largest_slope() -> None:
    """Of 3 sin x, whose slope runs over [−3, 3]."""
    assert oscillation_of(Activation("3 sin", 3 * sp.sin(x), 3 * sp.cos(x), sp.Integer(3), sp.Integer(3), "")) == 6


@pytest.mark.parametrize("power", [2, 3, 5, sp.Rational(3, 2), -1, -3, sp.Rational(-3, 2)])
@pytest.mark.parametrize("value", [0.3, 1.0, 1.7, 1e-30])
def test_powers_are_rounded_upward(power: sp.Rational, value: float) -> None:
    q = sp.Symbol("q", nonnegative=True)
    found = float(upward(q**power, {q: value}))
    p, root = sp.Rational(power).p, sp.Rational(power).q
    exact = Fraction(value) ** int(p)  # = (q^power)^root
    assert exact <= Fraction(found) ** int(root) <= exact * (1 + Fraction(1, 10**13))


def test_norms_of_long_rows_cover_additions_that_are_lost() -> None:
    """(1, δ, …, δ) with δ² below half a unit of 1: floats may add nothing at all."""
    count = 2**18
    row = np.full(count, 2.0**-27)
    row[0] = 1.0
    exact = 1 + Fraction(count - 1, 2**54)
    for shaped in (row[None, :], row[:, None]):
        assert exact <= Fraction(float(spectral_upper(shaped))) ** 2 <= exact * (1 + Fraction(1, 10**6))


def test_the_norm_of_several_arrays_is_that_of_their_entries() -> None:
    for size in (0.01, 1.0, 300.0):
        found = total_norm(
            {"a": IntervalMatrix(size * np.array([[2.0, 3.0]])), "b": IntervalMatrix(np.array([6 * size]))}
        )
        assert found.contains(7 * size) and found.relative_width < 1e-12


@pytest.mark.parametrize("multiplications", [0, 2**25, SMALL, 2 * SMALL])
def test_both_results_are_given_whatever_they_cost(multiplications: int) -> None:
    assert both(lambda: 1, lambda: 2, multiplications) == (1, 2)


@pytest.mark.parametrize("factor", [0.0, 1.0, math.inf])
def test_a_product_with_zero_is_zero(factor: float) -> None:
    a, b = sp.symbols("a b", nonnegative=True)
    assert upward(a * b, {a: 0.0, b: factor}) == upward(a * b, {a: factor, b: 0.0}) == 0.0
