"""`as_operator` and `InverseProblem`: what is adapted, and what is refused in one line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from PIL import Image
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from dipproofs.errors import InputError
from dipproofs.operators.adapters.real_stacks import stack_vector
from dipproofs.operators.dot_test import dot_test
from dipproofs.operators.inpainting import selection_operator
from dipproofs.problems import InverseProblem, Operator, as_operator

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
    """Behaves like a torch tensor that needs gradients: NumPy gets no array of it, but of `detach().cpu()`."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> np.ndarray:
        return self.data


class ScicoLike:
    """Has the attributes of a scico operator: shapes, its own precision, `adj`."""

    input_shape, output_shape = (2, 3), (4,)
    input_dtype = output_dtype = np.float64

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    def __call__(self, x: Any) -> Any:
        assert x.shape == (2, 3)
        return jnp.asarray(self.matrix) @ x.ravel()

    def adj(self, w: Any) -> Any:
        return (jnp.asarray(self.matrix.T) @ w).reshape(2, 3)


class LineaxLike:
    """Has the methods of a lineax operator."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    def as_matrix(self) -> Any:
        return jnp.asarray(self.matrix)

    def in_structure(self) -> Any:
        return jax.ShapeDtypeStruct((2, 3), jnp.float64)


class OdlLike:
    """Has the attributes of an ODL operator."""

    domain = SimpleNamespace(shape=(2, 3))

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.matrix @ x.ravel()

    def adjoint(self, w: np.ndarray) -> np.ndarray:
        return (self.matrix.T @ w).reshape(2, 3)


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


def _of_tensors(x: Any) -> Any:
    raise TypeError(f"linear(): argument 'input' (position 1) must be Tensor, not {type(x).__name__}")  # torch's words


ADAPTED: dict[str, Any] = {
    "array": lambda: as_operator(A),
    "lists": lambda: as_operator(A.tolist()),
    "fortran order": lambda: as_operator(np.asfortranarray(A)),
    "jax array": lambda: as_operator(jnp.asarray(A)),
    "csr": lambda: as_operator(sp.csr_array(A)),
    "csc": lambda: as_operator(sp.csc_matrix(A)),
    "coo": lambda: as_operator(sp.coo_array(A)),
    "lil": lambda: as_operator(sp.lil_matrix(A)),
    "forward only": lambda: as_operator((lambda x: A @ x, None), in_shape=(6,)),
    "forward and adjoint in a list": lambda: as_operator([lambda x: A @ x, None], in_shape=(6,)),
    "tensor with gradient": lambda: as_operator(Tensor(A)),
    "scico": lambda: as_operator(ScicoLike(A)),
    "lineax": lambda: as_operator(LineaxLike(A)),
    "odl": lambda: as_operator(OdlLike(A)),
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


def test_64_bit_mode_is_entered_where_it_is_needed() -> None:
    jax.config.update("jax_enable_x64", False)
    try:
        assert as_operator(forward_in_jax, in_shape=(6,)).to_dense().dtype == np.float64
        assert not jax.config.read("jax_enable_x64")
        assert as_operator(forward_in_jax, in_shape=(6,), dtype="float32").to_dense().dtype == np.float32
    finally:
        jax.config.update("jax_enable_x64", True)


def test_tall_and_rank_deficient_operators_are_accepted() -> None:
    assert as_operator(A.T).shape == (6, 4)
    assert as_operator(np.ones((5, 3))).shape == (5, 3)


WRONG = A.copy()
WRONG[2, 3] *= -1.0
COMPLEX = A + 1j
SINGLE = A.astype(np.float32)

REFUSED: dict[str, tuple[Any, str]] = {
    "complex pair": (
        lambda: as_operator((lambda x: COMPLEX @ x, lambda w: COMPLEX.T @ w), in_shape=(6,)),
        "the transpose of A without complex conjugation",
    ),
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
    "numpy function": (
        lambda: as_operator(lambda x: np.cumsum(np.asarray(x)), in_shape=(3,)),
        "give as_operator((forward, None)",
    ),
    "torch function": (lambda: as_operator(_of_tensors, in_shape=(3,)), "convert=torch.from_numpy"),
    "torch pair": (lambda: as_operator((_of_tensors, None), in_shape=(3,)), "convert=torch.from_numpy"),
    "imaginary rounding": (
        lambda: as_operator((lambda x: x * (1 + 1e-17j), None), in_shape=(3,)),
        "return .real",
    ),
    "real-linear for complex": (
        lambda: as_operator((lambda x: x + 1j * x.conj(), None), in_shape=(3,), unknowns="complex"),
        "not linear",
    ),
    "unknowns": (lambda: as_operator(A, unknowns="quaternion"), 'expected "complex" or "real"'),
    "complex signal of a real one": (
        lambda: InverseProblem(as_operator(COMPLEX, unknowns="real"), np.ones(4), np.ones(6) * 1j),
        'unknowns="complex"',
    ),
    "nonlinear function": (lambda: as_operator(jnp.tanh, in_shape=(3,)), "expected a linear one"),
    "affine function": (lambda: as_operator(lambda x: x + 1.0, in_shape=(3,)), "linear"),
    "nonlinear pair": (lambda: as_operator((lambda x: x * abs(x) + x[::-1], lambda w: w), in_shape=(5,)), "not linear"),
    "affine pair": (lambda: as_operator((lambda x: x + 1.0, lambda w: w), in_shape=(5,)), "not linear"),
    "wrong adjoint pair": (lambda: as_operator((lambda x: A @ x, lambda w: WRONG.T @ w), in_shape=(6,)), "dot test"),
    "scaled adjoint pair": (
        lambda: as_operator((lambda x: A @ x, lambda w: 1.001 * A.T @ w), in_shape=(6,)),
        "1.001 times the transpose of A (dot test",
    ),
    "negated adjoint": (lambda: as_operator((lambda x: A @ x, lambda w: -(A.T @ w)), in_shape=(6,)), "is -1 times"),
    "weighted adjoint": (
        lambda: as_operator((lambda x: A @ x, lambda w: np.linspace(1, 2, 6) * (A.T @ w)), in_shape=(6,)),
        "rows multiplied by weights from 1 to 2",
    ),
    "weighted data": (
        lambda: as_operator((lambda x: A @ x, lambda w: A.T @ (np.linspace(1, 2, 4) * w)), in_shape=(6,)),
        "columns multiplied by weights from 1 to 2",
    ),
    "single precision on the way": (
        lambda: as_operator((lambda x: (SINGLE @ x.astype(np.float32)).astype(float), None), in_shape=(6,)),
        'dtype="float32"',
    ),
    "wrong adjoint operator": (lambda: as_operator(PylopsLike(A, WRONG.T)), "dot test"),
    "inverse for adjoint": (lambda: as_operator(PylopsLike(A, np.linalg.pinv(A))), "dot test"),
    "adjoint of wrong length": (lambda: as_operator(PylopsLike(A, A)), "rmatvec failed"),
    "wrong physics": (lambda: as_operator(physics(A, WRONG.T), in_shape=(1, 1, 2, 3), convert=Tensor), "dot test"),
    "failing pair": (lambda: as_operator((lambda x: x[99], lambda w: w), in_shape=(6,)), "A failed"),
    "noise length": (lambda: InverseProblem(A, np.ones(4), noise=np.ones(3)), "noise: found length 3"),
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


COMPLEX_MAPS: dict[str, Any] = {
    "array": lambda **k: as_operator(COMPLEX, **k),
    "lists": lambda **k: as_operator(COMPLEX.tolist(), **k),
    "sparse": lambda **k: as_operator(sp.csr_array(COMPLEX), **k),
    "linear operator": lambda **k: as_operator(aslinearoperator(COMPLEX), **k),
    "pylops": lambda **k: as_operator(PylopsLike(COMPLEX), **k),
    "pair": lambda **k: as_operator((lambda x: COMPLEX @ x, lambda w: COMPLEX.conj().T @ w), in_shape=(6,), **k),
    "forward only": lambda **k: as_operator((lambda x: COMPLEX @ x, None), in_shape=(6,), **k),
    "jax function": lambda **k: as_operator(lambda x: jnp.asarray(COMPLEX) @ x, in_shape=(6,), **k),
}


@pytest.mark.parametrize("name", COMPLEX_MAPS)
def test_complex_operators_act_on_stacks(name: str) -> None:
    rng = np.random.default_rng(4)
    x, w = rng.standard_normal(6) + 1j * rng.standard_normal(6), rng.standard_normal(4) + 1j * rng.standard_normal(4)
    operator = COMPLEX_MAPS[name]()
    assert operator.shape == (8, 12)
    np.testing.assert_allclose(operator.to_dense() @ stack_vector(x), stack_vector(COMPLEX @ x), atol=1e-13)
    np.testing.assert_allclose(operator.to_dense().T @ stack_vector(w), stack_vector(COMPLEX.conj().T @ w), atol=1e-13)
    real = COMPLEX_MAPS[name](unknowns="real")
    assert real.shape == (8, 6)
    np.testing.assert_allclose(real.to_dense() @ x.real, stack_vector(COMPLEX @ x.real), atol=1e-13)


def test_a_transform_of_real_signals_has_real_unknowns() -> None:
    half = as_operator((np.fft.rfft, None), in_shape=(8,))  # refuses complex signals
    assert half.shape == (10, 8) and not half.complex_signal
    full = as_operator(jnp.fft.fft, in_shape=(8,))
    assert full.shape == (16, 16) and full.complex_signal


@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 1, 2, 3)])
def test_a_complex_problem_is_the_real_one_of_its_stacks(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    x = rng.standard_normal(6) + 1j * rng.standard_normal(6)
    problem = InverseProblem(COMPLEX, (COMPLEX @ x).reshape(2, 2), x.reshape(shape))
    assert problem.is_complex and problem.shape == (8, 12)
    assert problem.noise_norm == pytest.approx(0.0, abs=1e-13)
    assert problem.image_shape == (None if shape == (6,) else (4, 3))
    np.testing.assert_array_equal(problem.signal(problem.x_true).ravel(), x)
    assert problem.signal(problem.x_true).shape == (shape[-2:] if len(shape) > 1 else shape)


def test_complex_data_of_a_real_operator() -> None:
    problem = InverseProblem(A, A @ (np.arange(6) * 1j))
    assert problem.shape == (8, 12) and problem.is_complex
    expected = np.block([[A, np.zeros_like(A)], [np.zeros_like(A), A]])
    np.testing.assert_array_equal(problem.operator.to_dense(), expected)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (1, 4), (2, 2), (1, 1, 2, 2)])
def test_data_and_signals_of_any_shape_row_by_row(shape: tuple[int, ...]) -> None:
    y, x = np.arange(4.0), np.arange(6.0)
    problem = InverseProblem(A, y.reshape(shape), x.reshape(1, 1, 2, 3), noise=np.full(shape, 0.5))
    np.testing.assert_array_equal(problem.y, y)
    np.testing.assert_array_equal(problem.x_true, x)
    assert problem.image_shape == (2, 3) and problem.noise_norm == pytest.approx(1.0)


def test_tensors_and_pictures_are_data() -> None:
    picture = Image.fromarray(np.array([[0, 51], [102, 255]], dtype=np.uint8))
    problem = InverseProblem(np.eye(4), picture, Tensor(np.ones((1, 1, 2, 2))))
    np.testing.assert_allclose(problem.y, [0.0, 0.2, 0.4, 1.0])
    assert problem.image_shape == (2, 2)


def test_a_mask_takes_the_whole_picture() -> None:
    mask = selection_operator(np.array([0, 3]), 4)
    assert InverseProblem(mask, np.arange(4.0).reshape(2, 2)).y.tolist() == [0.0, 3.0]
    assert InverseProblem(mask, [5.0, 6.0]).y.tolist() == [5.0, 6.0]


def test_an_operator_in_single_precision_is_said() -> None:
    operator = as_operator(lambda x: jnp.cumsum(x.astype(jnp.float32)) / 3, in_shape=(9,))
    assert "float32" in repr(operator)


def test_a_wrong_adjoint_of_two_entries_is_seen() -> None:
    """The signs of the two cancel in every other trial."""
    A = np.array([[1.0, 2.0], [0.0, 3.0]])
    for seed in range(50):
        with pytest.raises(InputError, match="fails the dot test"):
            dot_test(lambda x: A @ x, lambda w: A @ w, A, "operator", seed=seed)
