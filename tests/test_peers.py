"""Real operators of PyLops, deepinv, scico, lineax and SciPy: adapted, or refused for a reason (tox -e peers)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse.linalg as sl

import dipproofs as dp
from dipproofs.errors import InputError

for library in ("pylops", "deepinv", "scico", "lineax"):
    pytest.importorskip(library)

pytestmark = pytest.mark.filterwarnings("ignore")

Case = tuple[Callable[[], Any], tuple[int, int], str]


def _import(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def _pylops() -> dict[str, Case]:
    def p() -> Any:
        return _import("pylops")

    def s() -> Any:
        return _import("pylops").signalprocessing

    w = np.hanning(5)
    return {
        "FirstDerivative": (lambda: p().FirstDerivative(16), (16, 16), "dense"),
        "FirstDerivative forward": (lambda: p().FirstDerivative(16, kind="forward"), (16, 16), "dense"),
        "SecondDerivative": (lambda: p().SecondDerivative(16), (16, 16), "dense"),
        "Laplacian": (lambda: p().Laplacian((5, 6)), (30, 30), "dense"),
        "Restriction": (lambda: p().Restriction(16, [1, 4, 9]), (3, 16), "mask"),
        "Diagonal": (lambda: p().Diagonal(np.arange(1.0, 9.0)), (8, 8), "diagonal"),
        "Identity": (lambda: p().Identity(8), (8, 8), "mask"),
        "Flip": (lambda: p().Flip(8), (8, 8), "mask"),
        "Roll": (lambda: p().Roll(8, shift=2), (8, 8), "mask"),
        "Transpose": (lambda: p().Transpose((3, 4), axes=(1, 0)), (12, 12), "mask"),
        "CausalIntegration": (lambda: p().CausalIntegration(8), (8, 8), "dense"),
        "Smoothing1D": (lambda: p().Smoothing1D(3, 12), (12, 12), "dense"),
        "Convolve1D": (lambda: s().Convolve1D(16, h=w, offset=2), (16, 16), "dense"),
        "Convolve2D": (lambda: s().Convolve2D((6, 6), h=np.ones((3, 3)), offset=(1, 1)), (36, 36), "dense"),
        "FFT": (lambda: s().FFT(8), (16, 16), "dense"),
        "FFT of real signals": (lambda: s().FFT(8, real=True), (10, 8), "dense"),
        "FFT2D": (lambda: s().FFT2D((4, 4)), (32, 32), "dense"),
        "DWT": (lambda: s().DWT(16, wavelet="haar", level=2), (16, 16), "dense"),
        "DCT": (lambda: s().DCT((8,)), (8, 8), "dense"),
        "Interp": (lambda: s().Interp(10, np.array([1.5, 4.25]))[0], (2, 10), "sparse"),
        "Radon2D": (
            lambda: s().Radon2D(np.arange(5.0), np.arange(6.0), np.linspace(-1, 1, 3), engine="numpy"),
            (30, 15),
            "dense",
        ),
        "Kronecker": (lambda: p().Kronecker(p().MatrixMult(np.ones((2, 3))), p().Identity(3)), (6, 9), "separable"),
        "VStack": (lambda: p().VStack([p().Identity(3), p().Diagonal(np.arange(1.0, 4.0))]), (6, 3), "stack"),
        "BlockDiag": (lambda: p().BlockDiag([p().Flip(3), p().Diagonal(np.ones(2))]), (5, 5), "block-diagonal"),
        "product": (lambda: p().Restriction(8, [1, 4]) @ p().Roll(8, shift=2), (2, 8), "mask"),
        "sum, multiple, transpose": (
            lambda: (2 * p().Restriction(8, [1, 4]) + p().Restriction(8, [0, 4])).T,
            (8, 2),
            "sparse",
        ),
        "MatrixMult in float32": (lambda: p().MatrixMult(np.ones((2, 3), np.float32)), (2, 3), "dense"),
    }


def _deepinv() -> dict[str, Case]:
    def p() -> Any:
        return _import("deepinv").physics

    def gauss() -> Any:
        return p().blur.gaussian_blur(0.6)

    def mri() -> Any:
        return p().MRI(mask=_import("torch").ones(8, 8), img_size=(2, 8, 8))

    return {
        "Inpainting": (lambda: p().Inpainting((1, 8, 8), mask=0.5), (64, 64), "diagonal"),
        "Blur": (lambda: p().Blur(img_size=(1, 8, 8), filter=gauss()), (4, 64), "dense"),
        "Blur circular": (
            lambda: p().Blur(img_size=(1, 8, 8), filter=gauss(), padding="circular"),
            (64, 64),
            "circulant",
        ),
        "BlurFFT": (lambda: p().BlurFFT((1, 8, 8), filter=gauss()), (64, 64), "circulant"),
        "CompressedSensing": (lambda: p().CompressedSensing(10, (1, 6, 6)), (10, 36), "dense"),
        "SinglePixelCamera": (lambda: p().SinglePixelCamera(10, (1, 8, 8)), (64, 64), "dense"),
        "MRI": (mri, (128, 128), "dense"),
        "composed": (
            lambda: p().Inpainting((1, 8, 8), mask=0.5) * p().BlurFFT((1, 8, 8), filter=gauss()),
            (64, 64),
            "product",
        ),
        "stacked": (
            lambda: p().BlurFFT((1, 8, 8), filter=gauss()).stack(p().Inpainting((1, 8, 8), mask=0.5)),
            (128, 64),
            "stack",
        ),
        "Downsampling": (lambda: p().Downsampling((1, 8, 8), filter="gaussian", factor=2), (16, 64), "dense"),
    }


def _scico() -> dict[str, Case]:
    def linop() -> Any:
        return _import("scico.linop")

    return {
        "CircularConvolve": (lambda: linop().CircularConvolve(jnp.ones((3, 3)), (8, 8)), (64, 64), "circulant"),
        "Convolve": (lambda: linop().Convolve(jnp.ones((3, 3)), (8, 8)), (100, 64), "dense"),
        "FiniteDifference": (lambda: linop().FiniteDifference((8, 8), append=0), (128, 64), "dense"),
        "FiniteDifference circular": (
            lambda: linop().FiniteDifference((8, 8), axes=0, circular=True),
            (64, 64),
            "circulant",
        ),
        "DFT": (lambda: linop().DFT((4, 4)), (32, 32), "dense"),
        "Identity": (lambda: linop().Identity((8,)), (8, 8), "diagonal"),
        "Diagonal": (lambda: linop().Diagonal(jnp.arange(1.0, 9.0)), (8, 8), "diagonal"),
        "MatrixOperator": (lambda: linop().MatrixOperator(jnp.ones((3, 4))), (3, 4), "dense"),
        "Sum": (lambda: linop().Sum((4, 4)), (1, 16), "dense"),
        "VerticalStack": (
            lambda: linop().VerticalStack((linop().Identity((8,)), linop().Identity((8,)))),
            (16, 8),
            "stack",
        ),
        "Composed": (
            lambda: linop().CircularConvolve(jnp.ones((3, 3), jnp.float32), (8, 8)) @ linop().Identity((8, 8)),
            (64, 64),
            "circulant",
        ),
    }


def _others() -> dict[str, Case]:
    def x() -> Any:
        return _import("lineax")

    def diagonal() -> Any:
        return x().DiagonalLinearOperator(jnp.arange(1.0, 5.0))

    return {
        "lineax Matrix": (lambda: x().MatrixLinearOperator(jnp.ones((2, 3))), (2, 3), "dense"),
        "lineax Diagonal": (lambda: x().DiagonalLinearOperator(jnp.arange(1.0, 5.0)), (4, 4), "diagonal"),
        "lineax Tridiagonal": (
            lambda: x().TridiagonalLinearOperator(jnp.ones(4), jnp.ones(3), jnp.ones(3)),
            (4, 4),
            "sparse",
        ),
        "lineax Identity": (lambda: x().IdentityLinearOperator(diagonal().in_structure()), (4, 4), "mask"),
        "lineax Composed": (lambda: diagonal() @ diagonal(), (4, 4), "diagonal"),
        "lineax Add, Mul, Neg, Div": (lambda: -(2 * diagonal() + diagonal()) / 4, (4, 4), "diagonal"),
        "lineax Matrix with a tag": (
            lambda: x().MatrixLinearOperator(2 * jnp.eye(4), x().diagonal_tag),
            (4, 4),
            "diagonal",
        ),
        "lineax Function": (
            lambda: x().FunctionLinearOperator(lambda v: v + jnp.roll(v, 1), diagonal().in_structure()),
            (4, 4),
            "dense",
        ),
        "SciPy": (lambda: 2 * sl.aslinearoperator(np.ones((2, 3))), (2, 3), "dense"),
        "SciPy, matvec alone": (lambda: sl.LinearOperator((4, 4), matvec=np.cumsum, dtype=float), (4, 4), "dense"),
    }


CASES = {
    f"{library}: {name}": case
    for library, cases in (("pylops", _pylops()), ("deepinv", _deepinv()), ("scico", _scico()), ("other", _others()))
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_of_another_library(name: str) -> None:
    make, shape, kind = CASES[name]
    operator = dp.as_operator(make())
    assert operator.shape == shape and operator.structure.kind == kind
    values = np.linalg.svd(operator.to_dense().astype(float), compute_uv=False)
    norm = dp.operator_norm(operator)
    assert norm.lower <= values[0] * (1 + 1e-12) and values[0] * (1 - 1e-12) <= norm.upper


@pytest.mark.parametrize("name", [name for name, (_, shape, _) in CASES.items() if max(shape) <= 36])
def test_a_run_with_it_is_certified_or_refused_for_a_reason(name: str) -> None:
    operator = dp.as_operator(CASES[name][0]())
    rank = dp.operator_facts(operator).rank
    y = operator.matvec(np.random.default_rng(0).random(operator.columns))
    network = dp.TwoLayer.init(n=operator.columns, width=40 * max(operator.shape), input_dimension=5, seed=3)
    certificate = dp.certify(dp.InverseProblem(operator, y), network, max_iterations=3000)
    if not certificate.proved:
        assert rank is None or rank < min(operator.shape) or dp.condition_number(operator).upper > 30
        assert any(h.reason for h in certificate.hypotheses)


def test_a_physics_without_a_size_needs_in_shape() -> None:
    denoising = _import("deepinv").physics.Denoising()
    with pytest.raises(InputError, match="in_shape"):
        dp.as_operator(denoising)
    assert dp.as_operator(denoising, in_shape=(1, 1, 4, 4)).structure.kind == "mask"


def test_several_arrays_are_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"TensorList of arrays of different shapes, expected one array; join them"):
        dp.as_operator(_import("deepinv").physics.Pansharpen((3, 8, 8)))
