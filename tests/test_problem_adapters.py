"""`as_operator` and `InverseProblem`: what is adapted, and what is refused in one line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from dipproofs.errors import InputError
from dipproofs.problems import InverseProblem, Operator, as_operator

jax.config.update("jax_enable_x64", True)

A = np.random.default_rng(0).standard_normal((4, 6))


class PylopsLike:
    """Has the attributes of a PyLops operator without being a SciPy one."""

    def __init__(self, matrix: np.ndarray, adjoint: np.ndarray | None = None) -> None:
        self.matrix = matrix
        self.back = matrix.conj().T if adjoint is None else adjoint
        self.shape, self.dtype = matrix.shape, matrix.dtype

    def matvec(self, x: np.ndarray) -> np.ndarray:
        return self.matrix @ x

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        return self.back @ w


class Tensor:
    """Behaves like a torch tensor as far as conversion goes: no NumPy array, but `detach().cpu()`."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> np.ndarray:
        return self.data


def physics(matrix: np.ndarray, back: np.ndarray) -> Any:
    def forward(x: Tensor) -> Tensor:
        assert x.data.shape == (1, 1, 2, 3)
        return Tensor((matrix @ x.data.ravel()).reshape(1, 1, 2, 2))

    def adjoint(w: Tensor) -> Tensor:
        assert w.data.shape == (1, 1, 2, 2)
        return Tensor((back @ w.data.ravel()).reshape(1, 1, 2, 3))

    return SimpleNamespace(A=forward, A_adjoint=adjoint)


def forward_in_jax(x: Any) -> Any:
    return jnp.asarray(A, x.dtype) @ x


ADAPTED: dict[str, Any] = {
    "array": lambda: as_operator(A),
    "lists": lambda: as_operator(A.tolist()),
    "fortran order": lambda: as_operator(np.asfortranarray(A)),
    "jax array": lambda: as_operator(jnp.asarray(A)),
    "csr": lambda: as_operator(sp.csr_array(A)),
    "csc": lambda: as_operator(sp.csc_matrix(A)),
    "coo": lambda: as_operator(sp.coo_array(A)),
    "lil": lambda: as_operator(sp.lil_matrix(A)),
    "linear operator": lambda: as_operator(aslinearoperator(A)),
    "matvec only": lambda: as_operator(LinearOperator(A.shape, matvec=lambda x: A @ x.ravel(), dtype=A.dtype)),
    "pylops": lambda: as_operator(PylopsLike(A)),
    "pair": lambda: as_operator((lambda x: A @ x, lambda w: A.T @ w), in_shape=(6,)),
    "physics": lambda: as_operator(physics(A, A.T), in_shape=(1, 1, 2, 3), convert=Tensor),
    "jax function": lambda: as_operator(forward_in_jax, in_shape=(6,)),
    "operator": lambda: as_operator(Operator(A)),
}


@pytest.mark.parametrize("name", ADAPTED)
def test_what_is_adapted(name: str) -> None:
    operator = ADAPTED[name]()
    np.testing.assert_allclose(operator.to_dense(), A, atol=1e-15)
    x, w = np.arange(6.0), np.arange(4.0)
    np.testing.assert_allclose(operator.matvec(jnp.asarray(x)), A @ x, atol=1e-13)
    np.testing.assert_allclose(operator.adjoint(jnp.asarray(w)), A.T @ w, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("adapt", [lambda a: a, sp.csr_array])
def test_numbers_are_kept_exactly(dtype: Any, adapt: Any) -> None:
    matrix = A.astype(dtype)
    dense = as_operator(adapt(matrix)).to_dense()
    assert dense.dtype == dtype
    assert np.array_equal(dense, matrix)


@pytest.mark.parametrize("value", [np.arange(6).reshape(2, 3), np.eye(2, dtype=bool), np.eye(2, dtype=np.float16)])
def test_integers_booleans_and_half_precision_are_exact(value: np.ndarray) -> None:
    assert np.array_equal(as_operator(value).to_dense(), value)


def test_a_caller_cannot_change_the_problem_afterwards() -> None:
    matrix, y = A.copy(), np.ones(4)
    problem = InverseProblem(matrix, y)
    matrix[0, 0] = y[0] = 99.0
    assert problem.operator.to_dense()[0, 0] == A[0, 0]
    assert problem.y[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        problem.operator.to_dense()[0, 0] = 1.0


def test_an_image_function_in_jax() -> None:
    def cumulative(image: Any) -> Any:
        return jnp.cumsum(image, axis=0)[:, ::2]

    operator = as_operator(cumulative, in_shape=(5, 8))
    assert operator.shape == (20, 40)
    assert operator.domain_shape == (5, 8)
    image = np.random.default_rng(0).random((5, 8))
    np.testing.assert_allclose(operator.matvec(image.ravel()), np.cumsum(image, axis=0)[:, ::2].ravel(), atol=1e-14)
    w = np.random.default_rng(1).random(20)
    back = jax.jit(operator.adjoint)(jnp.asarray(w))
    np.testing.assert_allclose(back, operator.to_dense().T @ w, atol=1e-13)


def test_a_function_in_single_precision() -> None:
    operator = as_operator(forward_in_jax, in_shape=(6,), dtype="float32")
    assert operator.to_dense().dtype == np.float32


def test_without_64_bit_mode_a_function_needs_float32() -> None:
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(InputError, match="64-bit mode is off"):
            as_operator(forward_in_jax, in_shape=(6,))
        assert as_operator(forward_in_jax, in_shape=(6,), dtype="float32").shape == (4, 6)
    finally:
        jax.config.update("jax_enable_x64", True)


def test_tall_and_rank_deficient_operators_are_accepted() -> None:
    assert as_operator(A.T).shape == (6, 4)
    assert as_operator(np.ones((5, 3))).shape == (5, 3)


WRONG = A.copy()
WRONG[2, 3] *= -1.0
COMPLEX = A + 1j

REFUSED: dict[str, tuple[Any, str]] = {
    "complex array": (lambda: as_operator(COMPLEX), "complex"),
    "complex sparse": (lambda: as_operator(sp.csr_array(COMPLEX)), "complex"),
    "complex linear operator": (lambda: as_operator(aslinearoperator(COMPLEX)), "complex"),
    "complex pair": (lambda: as_operator((lambda x: COMPLEX @ x, lambda w: w), in_shape=(6,)), "complex"),
    "complex function": (lambda: as_operator(lambda x: jnp.fft.fft(x), in_shape=(6,)), "complex"),
    "nan": (lambda: as_operator(np.where(A > 1, np.nan, A)), "found nan"),
    "inf sparse": (lambda: as_operator(sp.csr_array(np.where(A > 1, np.inf, A))), "found inf"),
    "nan function": (lambda: as_operator(lambda x: x / 0.0, in_shape=(3,)), "found"),
    "zero": (lambda: as_operator(np.zeros((2, 3))), "zero operator"),
    "zero sparse": (lambda: as_operator(sp.csr_array((2, 3))), "zero operator"),
    "zero pair": (lambda: as_operator((lambda x: 0 * x, lambda w: 0 * w), in_shape=(3,)), "zero operator"),
    "empty": (lambda: as_operator(np.zeros((0, 3))), "empty"),
    "empty sparse": (lambda: as_operator(sp.csr_array((0, 3))), "at least 1×1"),
    "vector": (lambda: as_operator([1.0, 2.0]), "expected a matrix"),
    "text": (lambda: as_operator("A"), "dtype"),
    "none": (lambda: as_operator(None), "dtype object"),
    "ragged": (lambda: as_operator([[1.0], [1.0, 2.0]]), "expected an array of numbers"),
    "masked": (lambda: as_operator(np.ma.masked_greater(A, 0.0)), "masked"),
    "large integers": (lambda: as_operator([[2**53 + 1]]), "exactly"),
    "no in_shape": (lambda: as_operator(forward_in_jax), "without in_shape"),
    "bad in_shape": (lambda: as_operator(forward_in_jax, in_shape=(0,)), "in_shape"),
    "wrong in_shape": (lambda: as_operator(forward_in_jax, in_shape=(7,)), "fails on shape (7,)"),
    "nonlinear function": (lambda: as_operator(jnp.tanh, in_shape=(3,)), "expected a linear one"),
    "affine function": (lambda: as_operator(lambda x: x + 1.0, in_shape=(3,)), "linear"),
    "nonlinear pair": (lambda: as_operator((lambda x: x * abs(x) + x[::-1], lambda w: w), in_shape=(5,)), "not linear"),
    "affine pair": (lambda: as_operator((lambda x: x + 1.0, lambda w: w), in_shape=(5,)), "not linear"),
    "wrong adjoint pair": (lambda: as_operator((lambda x: A @ x, lambda w: WRONG.T @ w), in_shape=(6,)), "dot test"),
    "scaled adjoint pair": (
        lambda: as_operator((lambda x: A @ x, lambda w: 1.001 * A.T @ w), in_shape=(6,)),
        "dot test",
    ),
    "wrong adjoint operator": (lambda: as_operator(PylopsLike(A, WRONG.T)), "dot test"),
    "inverse for adjoint": (lambda: as_operator(PylopsLike(A, np.linalg.pinv(A))), "dot test"),
    "adjoint of wrong length": (lambda: as_operator(PylopsLike(A, A)), "rmatvec failed"),
    "wrong physics": (lambda: as_operator(physics(A, WRONG.T), in_shape=(1, 1, 2, 3), convert=Tensor), "dot test"),
    "failing pair": (lambda: as_operator((lambda x: x[99], lambda w: w), in_shape=(6,)), "A failed"),
    "y too long": (lambda: InverseProblem(A, np.ones(5)), "y: found length 5, expected 4"),
    "y matrix": (lambda: InverseProblem(A, np.ones((4, 1))), "expected a vector"),
    "y nan": (lambda: InverseProblem(A, [1, 2, 3, np.nan]), "y: found nan at index 3"),
    "y complex": (lambda: InverseProblem(A, np.ones(4) * 1j), "y: found complex"),
    "x_true": (lambda: InverseProblem(A, np.ones(4), np.ones(4)), "x_true: found length 4, expected 6"),
    "noise negative": (lambda: InverseProblem(A, np.ones(4), noise=-1.0), "noise: found -1"),
    "noise length": (lambda: InverseProblem(A, np.ones(4), noise=np.ones(3)), "noise: found length 3"),
    "noise matrix": (lambda: InverseProblem(A, np.ones(4), noise=np.ones((4, 1))), "noise: found shape (4, 1)"),
    "image shape": (lambda: InverseProblem(A, np.ones(4), image_shape=(2, 2)), "image_shape"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_is_refused(name: str) -> None:
    make, part = REFUSED[name]
    with pytest.raises(InputError) as caught:
        make()
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [1, 10, 100])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dot_test_accepts_correct_adjoints_of_any_scale(size: int, dtype: str) -> None:
    for seed in range(5):
        for scale in (1e-12, 1.0, 1e12):
            matrix = (scale * np.random.default_rng(seed).standard_normal((size, 2 * size))).astype(dtype)
            pair = (lambda x, a=matrix: a @ x, lambda w, a=matrix: a.T @ w)
            assert as_operator(pair, in_shape=(2 * size,), dtype=dtype).shape == matrix.shape


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dot_test_refuses_small_mistakes(dtype: str) -> None:
    relative = {"float32": 1e-2, "float64": 1e-9}[dtype]
    rng = np.random.default_rng(3)
    for _ in range(10):
        matrix = rng.standard_normal((40, 60)).astype(dtype)
        wrong = (matrix * (1 + relative * rng.standard_normal(matrix.shape))).astype(dtype)
        with pytest.raises(InputError, match="dot test"):
            as_operator((lambda x, a=matrix: a @ x, lambda w, a=wrong: a.T @ w), in_shape=(60,), dtype=dtype)


@pytest.mark.parametrize("noise", [0.5, np.array([0.3, 0.4, 0.0, 0.0])])
def test_noise_as_a_number_or_a_vector(noise: Any) -> None:
    assert InverseProblem(A, np.ones(4), noise=noise).noise_norm == pytest.approx(0.5)


def test_noise_is_unknown_without_the_signal() -> None:
    assert InverseProblem(A, np.ones(4)).noise_norm is None
    assert InverseProblem(A, A @ np.ones(6), np.ones(6)).noise_norm == 0.0
