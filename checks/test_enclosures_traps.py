"""Matrices made to mislead: minors that a prime divides, radii that only scale, stacks, rows of zeros, every power."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy as sp

from dipproofs.enclosures import Gram, IntervalMatrix, Verdict, matrix_rank, sigma_min
from dipproofs.enclosures.floats import compile_floats
from dipproofs.enclosures.spectral import spectral_upper
from dipproofs.enclosures.spread import RankOne


def largest_prime_below(number: int) -> int:
    while not flint.fmpz(number).is_probable_prime():
        number -= 1
    return number


@pytest.mark.parametrize("exponent", [60, 61, 62, 63])
def test_a_minor_that_is_a_prime_is_not_taken_for_zero(exponent: int) -> None:
    """2^e − c is prime: modulo it, [[2^(e/2), 1], [c, 2^(e/2)]] has rank 1. The other rows are dependent."""
    prime = largest_prime_below(2**exponent - 1)
    a = np.zeros((4, 4))
    a[:2, :2] = [[2.0 ** (exponent // 2), 1.0], [2**exponent - prime, 2.0 ** (exponent - exponent // 2)]]
    a[2:, 2:] = [[1.0, 3.0], [2.0, 6.0]]
    found = matrix_rank(IntervalMatrix(a))
    assert (found.value, found.verdict) == (3, Verdict.PROVED)


def test_radii_of_scaled_gram_matrices_scale() -> None:
    """diag(d)(M ± factor·b_ib_j ± absolute)diag(d): every end is inside, each part of the radius alone too."""
    rng = np.random.default_rng(3)
    for trial in range(60):
        n = int(rng.integers(1, 5))
        M, b, d = np.eye(n), rng.uniform(0.5, 2, n), rng.uniform(-2, 2, n)
        factor, absolute = rng.uniform(0, 1e-3, 2) * ((1, 0), (0, 1), (1, 1))[trial % 3]
        found = Gram(M, RankOne(float(factor), b, float(absolute))).scaled(d)
        r = found.radius
        for i in range(n):
            for j in range(n):
                scale = Fraction(d[i]) * Fraction(d[j])
                far = Fraction(factor) * Fraction(b[i]) * Fraction(b[j]) + Fraction(absolute)
                own = Fraction(float(r.factor)) * Fraction(float(r.weights[i])) * Fraction(float(r.weights[j]))
                own += Fraction(float(r.absolute))
                for end in (-far, far):
                    assert abs(scale * (int(i == j) + end) - Fraction(float(found.mid[i, j]))) <= own
        largest = max(abs(d)) ** 2
        assert r.absolute <= absolute * largest * (1 + 1e-12) + 1e-300
        assert r.factor <= factor * (1 + 1e-12) + 1e-14


@pytest.mark.parametrize("lead", [(), (2,), (2, 3), (1, 2, 2)])
def test_norms_of_stacks_of_any_depth(lead: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal((*lead, 4, 7))
    for stack in (x, x.swapaxes(-1, -2), x + 1j * x[..., ::-1, :]):
        true, found = np.linalg.norm(stack, 2, axis=(-2, -1)), spectral_upper(stack)
        assert found.shape == lead and (true <= found * (1 + 1e-12)).all() and (found <= 1.05 * true).all()


@pytest.mark.parametrize("n", [3, 40, 130])
def test_a_kernel_that_is_seen_exactly_gives_an_upper_end_near_zero(n: int) -> None:
    """A row of zeros, or two rows that are equal but for signs: σ_min = 0, and the upper end says nearly so."""
    rng = np.random.default_rng(n)
    full = rng.standard_normal((n, n + 5))
    for last in (np.zeros(n + 5), -full[0], full[0] + full[1]):
        a = np.vstack([full[:-1], last])
        for matrix in (a, a.T):
            found = sigma_min(IntervalMatrix.from_exact(matrix))
            assert found.lower == 0 and found.upper <= 1e-12


def test_compiled_floats_know_every_power() -> None:
    x, y = sp.symbols("x y", positive=True)
    powers = [x, x**2, x**3, sp.sqrt(x), x ** sp.Rational(3, 2), 1 / x, x**-2, 1 / sp.sqrt(x), x**y, 2**y, sp.exp(y)]
    function = compile_floats((x, y), [(None, power) for power in (*powers, y / x**2, 3 * x / (y * sp.sqrt(x)))])
    a, b = 1.7, 0.6
    wanted = [a, a**2, a**3, a**0.5, a**1.5, 1 / a, a**-2, a**-0.5, a**b, 2**b, np.exp(b), b / a**2, 3 * a**0.5 / b]
    assert np.allclose(function(np.float64(a), np.float64(b)), wanted, rtol=1e-14)


def test_norms_of_stacks_of_zeros_and_of_what_is_no_number() -> None:
    assert spectral_upper(np.zeros((2, 3, 4))).tolist() == [0.0, 0.0] and float(spectral_upper(np.zeros((3, 4)))) == 0
    for bad in (np.inf, np.nan):
        assert np.isinf(spectral_upper(np.full((2, 1, 3), bad))).all()
    assert spectral_upper(np.zeros((2, 0, 3))).tolist() == [0.0, 0.0]
