"""The verifier's quick arithmetic against its exact one, at several sizes, scales and conditions."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from dipproofs.verify.arithmetic import Gram, Matrix, frobenius, orthonormalised, rounded
from dipproofs.verify.arithmetic.extremes import lanczos, largest
from dipproofs.verify.arithmetic.rounded import COARSE, Rounded


def matrices(m: int, n: int, scale: float, seed: int) -> tuple[Matrix, Rounded]:
    """The same floats in both arithmetics, the quick one with an error that is really there."""
    rng = np.random.default_rng(seed)
    exact = rng.standard_normal((m, n)) * 10.0 ** rng.integers(-6, 3, (m, n)) * scale
    off = rng.standard_normal((m, n)) * 1e-13 * scale
    return Matrix.of(exact) + Matrix.of(off), Rounded(exact, float(np.linalg.norm(off)) * (1 + 1e-12))


def inside(found: Rounded, truth: Matrix) -> bool:
    """Whether the truth is within the error that was found."""
    return not frobenius(truth - Matrix.of(found.values)) > found.error


@pytest.mark.parametrize(("m", "k", "n", "scale"), [(5, 4, 3, 1.0), (12, 70, 9, 1e-30), (1, 90, 2, 1e25)])
def test_every_operation_contains_the_truth(m: int, k: int, n: int, scale: float) -> None:
    (X, x), (Y, y) = matrices(m, k, scale, 0), matrices(k, n, 1.0, 1)
    (Z, z) = matrices(m, k, scale, 2)
    factors = [arb(j + 1) / 3 for j in range(k)]
    pairs = [
        (x @ y, X @ Y), (x @ x.T, X @ X.T), (x.T @ x, X.T @ X), (x + z, X + Z), (x - z, X - Z), (Z - x, Z - X),
        (x.scaled(factors), X.scaled(factors)), (x.times(arb(2).sqrt()), X.times(arb(2).sqrt())),
        (x.hstack(z), X.hstack(Z)), (X @ y, X @ Y), (rounded(X), X), (X.to(COARSE), X),
    ]  # fmt: skip
    for found, truth in pairs:
        assert inside(found, truth)
    assert not inside(Rounded((x @ y).values * (1 + 1e-9)), X @ Y)  # a control: no error is claimed
    assert x.largest_column().overlaps(X.largest_column())


def test_products_are_accurate() -> None:
    rng = np.random.default_rng(0)
    x = Rounded(rng.standard_normal((60, 2000)))
    for product in (x @ x.T, x @ Rounded(np.ascontiguousarray(x.values.T))):
        assert product.error < 4e-16 * arb(product.length)  # γ_n|X||X|ᵀ would be 2e-13·√60


@pytest.mark.parametrize("n", [3, 40])
@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_extreme_eigenvalues_contain_the_exact_ones(n: int, spread: float) -> None:
    rng = np.random.default_rng(n)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    N = Q * np.linspace(spread, 1, n)
    quick, exact = Gram(Rounded(N)), Gram(Matrix.of(N, 96))
    for found, truth in ((quick.norm, exact.norm), (quick.sigma, exact.sigma)):
        assert found.overlaps(truth)
        assert found.rad() < 1e-8 * truth.mid()
    assert found.contains(truth.mid())


def test_an_error_of_the_matrix_widens_its_eigenvalues() -> None:
    K = Rounded(np.diag([1.0, 2.0, 3.0]), 0.25)
    assert largest(K, 1).contains(3.25) and largest(K, 1).contains(2.75)
    assert largest(K, -1).contains(-0.75) and not largest(K, 1).contains(3.6)


def test_numbers_out_of_range_are_refused() -> None:
    for bad in (np.array([[1e200]]), np.array([[np.nan]]), np.array([[1e-100]])):
        with pytest.raises(ValueError, match="too large or too small"):
            Rounded(bad)


def test_coordinates_in_quick_arithmetic() -> None:
    N = np.random.default_rng(1).standard_normal((8, 30))
    found = orthonormalised(Rounded(N))
    assert found is not None and found[1] < 1e-11
    W = found[0].values
    assert np.allclose(W.T @ N @ N.T @ W, np.eye(8), atol=1e-10)


def test_lanczos_proposes_the_top_of_a_clustered_spectrum() -> None:
    values = np.linspace(0, 1, 600) ** 2
    assert abs(lanczos(lambda v: values * v, 600)[0] - 1) < 1e-9


def test_large_matrices_are_decided_without_all_eigenvalues() -> None:
    values = np.concatenate([[1e-3], np.linspace(0.1, 1, 309)])
    Q = np.linalg.qr(np.random.default_rng(3).standard_normal((310, 310)))[0]
    gram = Gram(Rounded(Q * values))
    for found, truth in ((gram.norm, 1.0), (gram.sigma, 1e-3)):
        assert abs(found - truth) < 1e-9 * truth


def test_frobenius_norms_of_many_entries_contain_those_entry_by_entry() -> None:
    x = np.random.default_rng(5).standard_normal((60, 50)) * 1e-3
    quick, exact = Rounded(x).frobenius(), frobenius(Matrix.of(x))
    assert quick.overlaps(exact) and quick.rad() < 1e-11 * exact.mid()
    assert Rounded(x, 1e-3).frobenius().contains(exact.mid() + 9e-4)
