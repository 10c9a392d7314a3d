"""Each structure against its own matrix: products, enclosed singular values, exact ranks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp

import dipproofs as dp
from dipproofs.certificate.write import save
from dipproofs.enclosures import Bound
from dipproofs.errors import InputError
from dipproofs.operators import Operator, as_operator
from dipproofs.operators.bounds import bound_operator
from dipproofs.operators.structure import (
    BlockDiagonal,
    Circulant,
    Dense,
    Diagonal,
    Product,
    Selection,
    Separable,
    Sparse,
    Stack,
    Structure,
    algebra,
)

Rng = np.random.Generator


def exact_rank(matrix: np.ndarray) -> int:
    numbers = [Fraction(value) for value in matrix.astype(float).ravel().tolist()]
    common = max(number.denominator for number in numbers)
    return int(flint.fmpz_mat(*matrix.shape, [int(number * common) for number in numbers]).rank())


def selection(rng: Rng) -> Structure:
    n = int(rng.integers(1, 9))
    return Selection(rng.integers(0, n, int(rng.integers(1, 12))), n)  # rows may repeat


def diagonal(rng: Rng) -> Structure:
    return Diagonal(rng.standard_normal(7) * (rng.random(7) < 0.7) + np.eye(7)[0])


def circulant(rng: Rng) -> Structure:
    shape = [(1, 8), (4, 6), (5, 3), (8, 1)][int(rng.integers(4))]
    return Circulant(rng.standard_normal(shape) * (rng.random(shape) < 0.6) + 1e-3)


def zeros_in_the_spectrum(rng: Rng) -> Structure:
    """Differences and means: exact zeros, that floats see as small numbers."""
    shape = [(1, 12), (6, 4), (4, 4), (3, 9)][int(rng.integers(4))]
    first, second = np.zeros(shape), np.zeros(shape)
    first[0, 0], first[0, -1] = 0.1, -0.1
    second[:2, : 1 + shape[1] // 2] = 0.3
    kernel = first if rng.random() < 0.5 else second
    return Circulant(np.roll(kernel, tuple(rng.integers(0, 3, 2)), (0, 1)))


def separable(rng: Rng) -> Structure:
    return Separable(rng.standard_normal((3, 4)), rng.standard_normal((5, int(rng.integers(2, 7)))))


def deficient_separable(rng: Rng) -> Structure:
    first = np.outer(rng.integers(1, 4, 3), rng.integers(-2, 3, 4) * 1.0 + 0.5)
    return Separable(first, rng.integers(-2, 3, (3, 3)) + 3.0 * np.eye(3))


def rounded_deficient_separable(rng: Rng) -> Structure:
    return Separable(np.outer(rng.standard_normal(2), rng.standard_normal(3)), rng.standard_normal((2, 2)))


def sparse(rng: Rng) -> Structure:
    matrix = rng.standard_normal((9, 8)) * (rng.random((9, 8)) < 0.2)
    matrix[0, 0] = 1.0
    return Sparse(sp.csr_array(matrix))


def repeated_blocks(rng: Rng) -> Structure:
    return Sparse(sp.csr_array(np.kron(np.eye(4)[rng.permutation(4)], rng.integers(-1, 2, (2, 3)) + np.eye(2, 3))))


def complex_stack(rng: Rng) -> Structure:
    block: Structure = circulant(rng)
    return BlockDiagonal((block, selection(rng), block))


def sampled_blur(rng: Rng) -> Structure:
    blur = zeros_in_the_spectrum(rng) if rng.random() < 0.5 else circulant(rng)
    n = blur.shape[1]
    return Product(Selection(rng.integers(0, n, int(rng.integers(1, n + 2))), n), blur)


def weighted(rng: Rng) -> Structure:
    """Weights before or after, some of them 0; products of entries are rounded."""
    inner: Structure = separable(rng) if rng.random() < 0.5 else circulant(rng)
    m, n = inner.shape
    if rng.random() < 0.5:
        return Product(Diagonal(rng.standard_normal(m) * (rng.random(m) < 0.9) + np.eye(m)[0]), inner)
    return Product(inner, Diagonal(rng.standard_normal(n) * (rng.random(n) < 0.9) + np.eye(n)[0]))


def blurred_part(rng: Rng) -> Structure:
    """A matrix that sees some pixels only."""
    columns = int(rng.integers(2, 6))
    inner = Dense(rng.integers(-2, 3, (4, columns)) + np.eye(4, columns))
    return Product(inner, Selection(rng.permutation(7)[:columns], 7))


def convolutions_in_a_stack(rng: Rng) -> Structure:
    """Differences along both axes: constants are lost; with a smoothing only where their zeros meet."""
    kernels = [np.zeros((4, 6)) for _ in range(3)]
    kernels[0][0, 0], kernels[0][0, -1] = 0.1, -0.1
    kernels[1][0, 0], kernels[1][-1, 0] = 0.3, -0.3
    kernels[2][0, :2] = 0.5
    return Stack(tuple(Circulant(kernels[i]) for i in rng.permutation(3)[: int(rng.integers(1, 4))]))


def diagonals_in_a_stack(rng: Rng) -> Structure:
    weights = [Diagonal(rng.integers(-3, 4, 6) / 8.0 + 0.25 * np.eye(6)[0]) for _ in range(2)]
    return Stack((*weights[: int(rng.integers(1, 3))], Selection(rng.integers(0, 6, int(rng.integers(1, 5))), 6)))


def mixed_stack(rng: Rng) -> Structure:
    blur = zeros_in_the_spectrum(rng)
    n = blur.shape[1]
    others = (
        Selection(rng.integers(0, n, 3), n),
        Dense(rng.integers(-2, 3, (2, n)) + np.eye(2, n)),
        Circulant(rng.standard_normal((1, n))),
    )
    return Stack((blur, *(others[i] for i in rng.permutation(3)[:2])))


def nested(rng: Rng) -> Structure:
    blur = circulant(rng)
    n = blur.shape[1]
    views = [Product(Selection(rng.permutation(n)[: n // 2], n), blur), Product(blur, Diagonal(rng.random(n) + 0.5))]
    return BlockDiagonal((Stack(tuple(views)), selection(rng)))


def dense(rng: Rng) -> Structure:
    rank = int(rng.integers(1, 4))
    return Dense(rng.integers(-3, 4, (5, rank)).astype(float) @ rng.integers(-3, 4, (rank, 4)) + 0.0 * rng.random())


MAKERS: list[Callable[[Rng], Structure]] = [
    selection, diagonal, circulant, zeros_in_the_spectrum, separable, deficient_separable,
    rounded_deficient_separable, sparse, repeated_blocks, complex_stack, dense, sampled_blur, weighted, blurred_part,
    convolutions_in_a_stack, diagonals_in_a_stack, mixed_stack, nested,
]  # fmt: skip
#: Rounded products of deficient factors may have any rank.
MAY_STAY_OPEN = {rounded_deficient_separable: 0, separable: 5}


def encloses(bound: Bound, value: float, scale: float) -> bool:
    slack = 1e-12 * scale
    return bound.lower <= value + slack and value - slack <= bound.upper


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_structure_is_its_matrix(make: Callable[[Rng], Structure]) -> None:
    decided = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        structure = make(rng)
        matrix = structure.dense()
        m, n = structure.shape
        assert matrix.shape == (m, n)
        for x, w in ((rng.standard_normal(n), rng.standard_normal(m)), (rng.random((n, 3)), rng.random((m, 3)))):
            np.testing.assert_allclose(structure.matvec(x), matrix @ x, atol=1e-13)
            np.testing.assert_allclose(structure.rmatvec(w), matrix.T @ w, atol=1e-13)
        if not matrix.any():
            continue
        found, values = structure.spectrum(), np.linalg.svd(matrix, compute_uv=False)
        rank = exact_rank(matrix)
        assert encloses(found.norm, values[0], values[0])
        assert encloses(found.smallest, values[-1] if rank == min(m, n) else 0.0, values[0])
        assert encloses(found.smallest_nonzero, values[rank - 1], values[0])
        assert found.norm.evidence.name == "PROVED" and found.norm.relative_width < 1e-9
        if found.rank is not None:
            decided += 1
            assert found.rank == rank
            if found.smallest_nonzero.upper > 1e-12 * values[0]:  # else it is the rounding of entries
                assert found.smallest_nonzero.relative_width < 1e-6
                assert (found.smallest.lower > 0) is (rank == min(m, n))
    assert decided >= MAY_STAY_OPEN.get(make, 10)


COARSE = {sampled_blur: 8, weighted: 3, blurred_part: 8, mixed_stack: 3, nested: 0}


@pytest.mark.parametrize("make", COARSE, ids=lambda make: make.__name__)
def test_bounds_without_a_matrix_hold_too(make: Callable[[Rng], Structure], monkeypatch: pytest.MonkeyPatch) -> None:
    """What large operators get: coarser, and never wrong."""
    monkeypatch.setattr("dipproofs.operators.structure.base.MATRIX_WORK", 0)
    positive = 0
    for seed in range(40):
        structure = make(np.random.default_rng(seed))
        matrix = structure.dense()
        found, values, rank = structure.spectrum(), np.linalg.svd(matrix, compute_uv=False), exact_rank(matrix)
        assert encloses(found.norm, values[0], values[0])
        assert encloses(found.smallest, values[-1] if rank == min(structure.shape) else 0.0, values[0])
        assert found.rank in (None, rank)
        positive += found.smallest.lower > 0
    assert positive >= COARSE[make]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_algebra_is_that_of_the_matrices(make: Callable[[Rng], Structure]) -> None:
    counted = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        structure = make(rng)
        m, n = structure.shape
        A = structure.dense().astype(float)
        left, right = Selection(rng.integers(0, m, 3), m), Diagonal(rng.standard_normal(n))
        other = Diagonal(rng.standard_normal(m))
        results = [
            (algebra.product(left, structure), left.dense() @ A),
            (algebra.product(structure, right), A @ right.dense()),
            (algebra.product(other, structure), other.dense() @ A),
            (algebra.multiple(structure, -1.5), -1.5 * A),
            (algebra.transpose(structure), A.T),
            (algebra.stack([structure, right, structure]), np.vstack([A, right.dense(), A])),
            (algebra.total([structure, structure]), 2 * A),
        ]
        for result, expected in results:
            if result is not None:
                counted += 1
                np.testing.assert_allclose(result.dense(), expected, atol=1e-13)
    assert counted >= 18


def test_products_of_convolutions_and_of_factors() -> None:
    rng = np.random.default_rng(4)
    first, second = Circulant(rng.random((4, 5))), Circulant(rng.random((4, 5)) * (rng.random((4, 5)) < 0.3))
    third, fourth = Separable(rng.random((3, 4)), rng.random((5, 6))), Separable(rng.random((4, 2)), rng.random((6, 3)))
    for left, right in ((first, second), (third, fourth)):
        found = algebra.product(left, right)
        assert found is not None and found.kind == left.kind
        np.testing.assert_allclose(found.dense(), left.dense() @ right.dense(), atol=1e-13)
    whole = algebra.stack([first, Selection(np.arange(20), 20)])
    assert whole.spectrum().smallest.lower > 1  # √(1 + least²), in the common basis


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_jax_applies_a_structure(make: Callable[[Rng], Structure]) -> None:
    rng = np.random.default_rng(1)
    operator = Operator(make(rng))
    x, w = rng.standard_normal(operator.columns), rng.standard_normal(operator.rows)
    A = operator.to_dense()
    np.testing.assert_allclose(jax.jit(operator.matvec)(jnp.asarray(x)), A @ x, atol=1e-13)
    np.testing.assert_allclose(jax.jit(operator.adjoint)(jnp.asarray(w)), A.T @ w, atol=1e-13)


def test_nobody_can_write_to_a_structure() -> None:
    kernel, matrix = np.ones((2, 2)), sp.csr_array(np.eye(3, 4) * 2)
    circular, rare = Circulant(kernel), Sparse(matrix)
    kernel[0, 0] = matrix.data[0] = 7.0
    assert circular.kernel[0, 0] == 1.0 and rare.matrix.data[0] == 2.0
    with pytest.raises(ValueError, match="read-only"):
        circular.kernel[0, 0] = 2.0


RECOGNISED: dict[str, tuple[Any, tuple[int, ...], str]] = {
    "restriction": (lambda x: x[..., ::2], (4, 6), "mask"),
    "permutation": (lambda x: x.T, (4, 6), "mask"),
    "weights": (lambda x: x * np.arange(24.0).reshape(4, 6), (4, 6), "diagonal"),
    "mask with zeros": (lambda x: x * (np.arange(24).reshape(4, 6) % 2), (4, 6), "diagonal"),
    "circular blur": (lambda x: x + 0.3 * np.roll(x, 1, 0) + 0.1 * np.roll(x, -2, 1), (4, 6), "circulant"),
    "circular differences in (1, 1, H, W)": (lambda x: np.roll(x, 1, -1) - x, (1, 1, 4, 6), "circulant"),
    "fast transform": (lambda x: np.fft.irfft(np.fft.rfft(x) * [1, 0.5, 0.2, 0.1], 6), (6,), "circulant"),
    "differences": (lambda x: np.diff(x, axis=0), (4, 6), "dense"),
    "blur with zeros outside": (lambda x: x + np.pad(x, ((1, 0), (0, 0)))[:-1], (4, 6), "dense"),
    "a weight too many in a small row": (
        lambda x: x * np.array([1e12, *[1e-5] * 5]) + 1e-4 * np.roll(x, 1) * np.eye(6)[3],
        (6,),
        "dense",
    ),
    "weights of any size": (lambda x: x * 10.0 ** np.arange(-150, 150, 60), (5,), "diagonal"),
    "identity by fast transforms": (lambda x: np.fft.irfft(np.fft.rfft(x), 6), (6,), "diagonal"),
    "a weight too many": (lambda x: x + np.roll(x, 1) + 1e-9 * np.eye(6)[0] * x, (6,), "dense"),
}


@pytest.mark.parametrize("name", RECOGNISED)
def test_structure_is_recognised_in_functions(name: str) -> None:
    function, shape, kind = RECOGNISED[name]
    operator = as_operator((function, None), in_shape=shape)
    assert operator.structure.kind == kind
    columns = [function(unit.reshape(shape)).ravel() for unit in np.eye(int(np.prod(shape)))]
    np.testing.assert_allclose(operator.to_dense(), np.array(columns).T, atol=1e-15)


def test_a_wrong_adjoint_of_a_recognised_map_is_refused() -> None:
    with pytest.raises(InputError, match="dot test"):
        as_operator((lambda x: np.roll(x, 1) + x, lambda w: np.roll(w, 1) + w), in_shape=(8,))
    with pytest.raises(InputError, match="2 times the transpose"):
        as_operator((lambda x: x[::2], lambda w: 2 * np.kron(w, [1.0, 0.0])), in_shape=(8,))


def test_facts() -> None:
    rng = np.random.default_rng(0)
    A = rng.standard_normal((5, 8))
    values = np.linalg.svd(A, compute_uv=False)
    assert encloses(dp.operator_norm(A), values[0], 1) and encloses(dp.smallest_singular_value(A), values[-1], 1)
    assert encloses(dp.condition_number(A), values[0] / values[-1], 10)
    lame = np.vstack([A, A[:1]])[:, :4]
    assert dp.condition_number(np.outer([1, 2], [1, 1])).lower == np.inf
    assert dp.smallest_singular_value(np.outer([1, 2], [1, 1]), nonzero=True).contains(Fraction(0)) is False
    assert dp.operator_facts(lame).rank == 4
    twice = dp.operator_facts(A + 1j * rng.standard_normal((5, 8)))
    assert twice.shape == (10, 16) and twice.rank == 10


def test_a_large_blur_needs_no_matrix() -> None:
    def blur(image: np.ndarray) -> np.ndarray:
        return (image + np.roll(image, 1, 0)) / 2

    facts = dp.operator_facts((blur, None), in_shape=(256, 256))
    assert facts.structure == "circulant" and facts.rank == 255 * 256 and facts.norm.contains(1)
    with pytest.raises(InputError, match="at most 268435456 entries"):
        as_operator((blur, None), in_shape=(256, 256)).to_dense()


def test_a_certified_mask_never_becomes_a_matrix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Selection, "dense", lambda self: pytest.fail("a matrix was made"))
    operator = Operator(Selection(np.array([1, 2, 6]), 8))
    problem = dp.InverseProblem(operator, np.array([0.3, 0.1, -0.2]))
    certificate = dp.certify(problem, dp.TwoLayer.init(n=8, width=256, input_dimension=5, seed=3), max_iterations=400)
    assert certificate.proved and dp.verify(save(certificate, tmp_path)).valid


def test_structure_gives_the_bounds_of_the_matrix() -> None:
    for make in (circulant, zeros_in_the_spectrum, separable, sparse, selection):
        operator = Operator(make(np.random.default_rng(5)))
        found, plain = bound_operator(operator), bound_operator(operator.to_dense())
        assert found.rank == plain.rank and found.decision.verdict is plain.decision.verdict
        for one, other in ((found.norm, plain.norm), (found.sigma, plain.sigma)):
            assert one.lower <= other.upper and other.lower <= one.upper


def test_power_iteration_is_below_the_norm() -> None:
    A = np.diag([1.0, 0.999])
    x = np.array([1e-6, 1.0])
    for _ in range(50):
        x = A.T @ (A @ x)
        x /= np.linalg.norm(x)
    assert np.linalg.norm(A @ x) < dp.operator_norm(A).lower


@pytest.mark.parametrize(
    "forward",
    [lambda x: np.clip(x, -1, 1), lambda x: np.round(8 * x) / 8, lambda x: np.clip(x, -1, 1)[::2], lambda x: np.clip(
        np.array([[1.0, 0.5, 0.0, 0.0], [0.0, 1.0, 1.0, 0.25]]) @ x, -50, 50),
     lambda x: np.round(256 * x[::2]) / 256, lambda x: np.cumsum(np.round(256 * x) / 256),
     lambda x: np.cumsum(x * (np.abs(x) > 0.1)), lambda x: (x * (np.abs(x) > 1e-9))[::2],
     lambda x: np.arange(1.0, 5.0) * np.clip(x, -1e5, 1e5), lambda x: np.cumsum(x) + 1e-14],
    ids=["clip", "round", "selection and clip", "matrix and clip", "selection in 8 bits", "8 bits", "threshold",
         "selection and threshold", "saturation", "offset"],
)  # fmt: skip
def test_maps_that_clip_round_or_threshold_are_not_linear(forward) -> None:
    with pytest.raises(InputError, match="linear"):
        as_operator((forward, None), in_shape=(4,))
