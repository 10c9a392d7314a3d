"""Small promises that everything rests on: the constants of binary64, the factors for rounding, counts of steps."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from dipproofs.certify.guarantees import _residual_count
from dipproofs.enclosures import Bound, IntervalMatrix, lambda_max, lambda_min
from dipproofs.enclosures.rounding import MAX_TERMS, TINY, UNIT, gamma, inflation, require_ieee
from dipproofs.theory import ACTIVATIONS
from dipproofs.theory.activations.base import x
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


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_oscillations_of_slopes(name: str) -> None:
    """sup φ' − inf φ' is bounded, within 2 %; the grid covers all that matters of [−12, 12]."""
    activation = ACTIVATIONS[name]
    values = sp.lambdify(x, activation.dphi, "scipy")(np.linspace(-12, 12, 6001)) + np.zeros(6001)
    spread, bound = float(values.max() - values.min()), float(oscillation_of(activation))
    assert spread <= bound * (1 + 1e-12) and bound <= 1.02 * spread
