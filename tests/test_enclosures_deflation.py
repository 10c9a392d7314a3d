"""Norms by deflation, the defect of nearly orthonormal rows and products in blocks, against plain linear algebra."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from dipproofs.enclosures import IntervalMatrix, blocks, norm, singular, threads
from dipproofs.enclosures.deflation import deflated_norm_upper
from dipproofs.enclosures.krylov import top_vectors
from dipproofs.enclosures.singular import extreme_singular_values

RNG = np.random.default_rng(7)


def with_singular_values(values: np.ndarray, rows: int) -> np.ndarray:
    left, right = (np.linalg.qr(RNG.standard_normal((size, values.size)))[0] for size in (rows, values.size + 3))
    return (left * values) @ right.T


@pytest.mark.parametrize("count", [1, 3, 6])
@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-3, 0.3])
def test_a_deflated_norm_is_never_too_small(count: int, noise: float) -> None:
    useful = 0
    for decay in (0.3, 1.0, 2.0):
        for twice in (False, True):
            values = 10.0 * np.arange(1.0, 31.0) ** -decay
            values[1] = values[0] if twice else values[1]
            matrix = with_singular_values(values, 40)
            vectors = np.linalg.svd(matrix)[2][:count].T
            vectors = vectors + noise * RNG.standard_normal(vectors.shape) / math.sqrt(vectors.shape[0])
            bound = deflated_norm_upper(matrix, vectors)
            assert bound >= norm(IntervalMatrix(matrix)).lower
            useful += bound < 10.0 * (1 + 1e-6 + 4 * noise)
    assert useful > 0 or count < 6 or noise > 0.1


def test_deflation_gives_up_where_it_cannot_help() -> None:
    assert deflated_norm_upper(np.eye(9), np.eye(9)[:, :3]) == math.inf  # what is left is as large
    assert deflated_norm_upper(np.eye(9), np.ones((9, 2))) == math.inf  # far from orthonormal
    assert deflated_norm_upper(np.eye(9), np.full((9, 2), math.nan)) == math.inf
    assert deflated_norm_upper(np.diag([1e200, 1.0, 1.0]), np.eye(3)[:, :1]) == math.inf


def test_both_ways_to_the_norm_of_a_triangle_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    triangle = np.triu(with_singular_values(np.arange(1.0, 38.0) ** -1.0, 40))
    vectors = top_vectors(lambda v: triangle @ (triangle.T @ v), 40)
    found = singular._triangle_norm_upper(triangle, vectors)
    monkeypatch.setattr(singular, "deflated_norm_upper", lambda *_: math.inf)
    other = singular._triangle_norm_upper(triangle, vectors)
    assert found == pytest.approx(other, rel=1e-7)
    assert min(found, other) >= norm(IntervalMatrix(triangle)).lower


@pytest.mark.parametrize("size", [1, 2, 5, 11])
def test_products_in_blocks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(blocks, "_WIDTH", 4)
    rows = RNG.standard_normal((size, 13))
    product = blocks.symmetric_product(rows)
    assert np.array_equal(product, product.T)
    np.testing.assert_allclose(product, rows @ rows.T, atol=1e-13)
    triangle = np.triu(RNG.standard_normal((size, size))) + 4 * np.eye(size)
    np.testing.assert_allclose(blocks.triangle_times(triangle, rows), triangle.T @ rows, atol=1e-13)
    inverse = triangle + np.tril(np.full((size, size), 7.0), -1)
    assert blocks.invert_upper(inverse)
    np.testing.assert_allclose(inverse @ triangle, np.eye(size), atol=1e-13)
    assert not np.tril(inverse, -1).any()
    triangle[size // 2, size // 2] = 0.0
    assert not blocks.invert_upper(triangle)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_the_defect_of_nearly_orthonormal_rows(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(blocks, "_WIDTH", 4)
    for noise in (0.0, 1e-12, 1e-3, 0.5):
        rows = np.linalg.qr(RNG.standard_normal((12, size)))[0].T + noise * RNG.standard_normal((size, 12))
        defect = np.linalg.norm(rows @ rows.T - np.eye(size), 2)
        found = blocks.orthogonality_defect(np.ascontiguousarray(rows))
        assert (1 - 1e-12) * defect <= found <= 4 * defect + 1e-13


@pytest.mark.parametrize("star", [True, False])
def test_the_defect_counts_all_that_is_off_the_diagonal(monkeypatch: pytest.MonkeyPatch, star: bool) -> None:
    monkeypatch.setattr(blocks, "_WIDTH", 4)
    off = np.full((12, 12), 0.0 if star else 1e-3)
    off[0, 4:] = off[4:, 0] = (
        1e-3  # one row with everything: sums of rows are the smaller bound, else the Frobenius norm
    )
    values, vectors = np.linalg.eigh(np.eye(12) + off)
    rows = (vectors * np.sqrt(values)) @ vectors.T
    defect = np.linalg.norm(off, 2)
    assert (1 - 1e-9) * defect <= blocks.orthogonality_defect(rows)


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_WIDTH", 64)
    x = IntervalMatrix(RNG.standard_normal((300, 300)))
    found = []
    for count in (1, 3):
        monkeypatch.setattr(threads, "_threads", lambda count=count: count)
        product = blocks.symmetric_product(x.mid)
        with threads.one_thread():
            found.append((*extreme_singular_values(x), product.tobytes()))
    assert found[0] == found[1]


def test_threads_keep_the_warnings_of_their_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_threads", lambda: 2)
    divide: Callable[[float], float] = lambda x: float(np.float64(1.0) / np.float64(x))  # noqa: E731
    with np.errstate(divide="ignore"):
        assert threads.in_parallel(divide, [0.0, 2.0]) == [math.inf, 0.5]
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        threads.in_parallel(divide, [0.0, 2.0])


def test_blas_has_its_threads_back_when_the_last_of_several_holders_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        num_threads = 4

        def limit(self, limits: int) -> Library:
            self.before, self.num_threads = self.num_threads, limits
            return self

        def restore_original_limits(self) -> None:
            self.num_threads = self.before

    library = Library()
    monkeypatch.setattr(threads, "_blas", lambda: library)
    first, second = threads.one_thread(), threads.one_thread()
    first.__enter__()
    second.__enter__()
    assert library.num_threads == 1
    first.__exit__(None, None, None)  # as threads that overlap do
    assert library.num_threads == 1
    second.__exit__(None, None, None)
    assert library.num_threads == 4
