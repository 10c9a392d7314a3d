"""Every operator kind: the fast map against the exact matrix, adjoints, and independent implementations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
from skimage.transform import radon

from dipproofs.operators.blur import kernel_weights
from dipproofs.problems import OPERATORS, Operator, ProblemSpec

KINDS: list[dict[str, Any]] = [
    {"kind": "gaussian", "rows": 20},
    {"kind": "gaussian", "rows": 20, "condition_number": 7.0},
    {"kind": "gaussian", "rows": 80, "condition_number": 7.0},
    {"kind": "identity"},
    {"kind": "blur"},
    {"kind": "blur", "kernel": "uniform", "radius": 9, "boundary": "zero"},
    {"kind": "blur", "sigma": 3.0, "boundary": "periodic"},
    {"kind": "inpainting", "rows": 0.5},
    {"kind": "inpainting", "rows": 7},
    {"kind": "tomography", "angles": 7},
    {"kind": "tomography", "angles": [0, 12.5, 90], "detectors": 9, "scale": 0.1},
    {"kind": "dct", "rows": 0.4},
    {"kind": "dct", "rows": 11, "selection": "low"},
    {"kind": "fourier", "rows": 0.4},
    {"kind": "fourier", "rows": 1.0},
    {"kind": "fourier", "rows": 11, "selection": "low"},
]
SHAPES = [[8, 8], [5, 9], [24]]


def make(operator: dict[str, Any], shape: list[int]) -> Operator:
    tables = {"operator": operator, "signal": {"kind": "gaussian", "shape": shape}}
    return ProblemSpec.from_dict(tables).build_problem().operator


def cases(shapes: list[list[int]] = SHAPES) -> list[Any]:
    return [
        pytest.param(kind, shape, id=f"{'-'.join(str(v) for v in kind.values())}-{shape}")
        for kind in KINDS
        for shape in shapes
        if len(shape) == 2 or kind["kind"] != "tomography"
    ]


def test_the_cases_cover_every_kind() -> None:
    assert {kind["kind"] for kind in KINDS} == set(OPERATORS) - {"file"}


@pytest.mark.parametrize(("kind", "shape"), cases())
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_fast_map_agrees_with_the_matrix(kind: dict[str, Any], shape: list[int], dtype: str) -> None:
    operator = make(kind, shape)
    m, n = operator.shape
    matrix = operator.to_dense()
    assert matrix.shape == (m, n)
    assert not matrix.flags.writeable
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(n).astype(dtype), rng.standard_normal(m).astype(dtype)
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        image, back, through = jax.jit(  # one program: each costs more than what it computes
            lambda arrays, x, w: (operator.matvec(x), operator.adjoint(w), operator.kernel.apply(arrays, x))
        )(operator.arrays, x, w)
    assert image.dtype == back.dtype == dtype
    unit = float(np.finfo(dtype).eps) * 4 * (m + n) ** 0.5
    scale = np.linalg.norm(matrix, 2)
    np.testing.assert_allclose(image, matrix @ x, atol=unit * scale * np.linalg.norm(x), rtol=0)
    np.testing.assert_allclose(back, matrix.T @ w, atol=unit * scale * np.linalg.norm(w), rtol=0)
    np.testing.assert_allclose(through, image, atol=unit * scale * np.linalg.norm(x), rtol=0)


@pytest.mark.parametrize(("kind", "shape"), cases([[5, 9]]))
def test_transposition_by_jax_gives_the_adjoint(kind: dict[str, Any], shape: list[int]) -> None:
    operator = make(kind, shape)
    m, n = operator.shape
    w = np.random.default_rng(1).standard_normal(m)
    (transposed,) = jax.jit(jax.linear_transpose(operator.matvec, jax.ShapeDtypeStruct((n,), w.dtype)))(w)
    np.testing.assert_allclose(transposed, operator.adjoint(w), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS[:5], ids=lambda kind: kind["kind"])
def test_several_columns_at_once(kind: dict[str, Any]) -> None:
    operator = make(kind, [8, 8])
    X = np.random.default_rng(0).standard_normal((64, 3))
    np.testing.assert_allclose(operator.matvec(jnp.asarray(X)), operator.matvec(X), atol=1e-12)
    Y = operator.matvec(X)
    np.testing.assert_allclose(operator.adjoint(jnp.asarray(Y)), operator.adjoint(Y), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["kind"])
def test_the_matrix_is_the_same_twice(kind: dict[str, Any]) -> None:
    assert make(kind, [8, 8]).to_dense().tobytes() == make(kind, [8, 8]).to_dense().tobytes()


@pytest.mark.parametrize("rows", [4, 10, 17])
def test_gaussian_condition_number(rows: int) -> None:
    matrix = make({"kind": "gaussian", "rows": rows, "condition_number": 5.0}, [10]).to_dense()
    values = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(values, np.linspace(1.0, 0.2, min(rows, 10)), rtol=1e-12)


def test_gaussian_entries_have_variance_one_over_m() -> None:
    matrix = make({"kind": "gaussian", "rows": 300}, [20, 20]).to_dense()
    assert matrix.std() * np.sqrt(300) == pytest.approx(1.0, abs=4 / np.sqrt(2 * matrix.size))


@pytest.mark.parametrize("shape", [(8, 8), (9, 9), (7, 12), (31, 20)])
def test_tomography_is_scikit_images_radon(shape: tuple[int, int]) -> None:
    theta = [0.0, 13.0, 45.0, 90.0, 120.5, 179.0]
    operator = make({"kind": "tomography", "angles": theta}, list(shape))
    image = np.random.default_rng(0).random(shape)
    expected = radon(image, theta, circle=False).T
    found = operator.data_image(operator.matvec(image.ravel()))
    assert found is not None
    np.testing.assert_allclose(np.nan_to_num(found), expected, atol=1e-12)
    assert np.all(expected[np.isnan(found)] == 0)


@pytest.mark.parametrize(("boundary", "mode"), [("reflect", "reflect"), ("zero", "constant"), ("periodic", "wrap")])
@pytest.mark.parametrize("radius", [0, 2, 11])
def test_blur_is_scipys_correlation(boundary: str, mode: str, radius: int) -> None:
    operator = make({"kind": "blur", "sigma": 1.7, "radius": radius, "boundary": boundary}, [6, 10])
    image = np.random.default_rng(0).random((6, 10))
    expected = image
    for axis in (0, 1):
        expected = scipy.ndimage.correlate1d(expected, kernel_weights("gaussian", 1.7, radius), axis, mode=mode)
    np.testing.assert_allclose(operator.matvec(image.ravel()).reshape(6, 10), expected, atol=1e-14)


def test_dct_is_scipys() -> None:
    operator = make({"kind": "dct", "rows": 1.0}, [6, 10])
    image = np.random.default_rng(0).random((6, 10))
    expected = scipy.fft.dctn(image, norm="ortho").ravel()
    np.testing.assert_allclose(operator.matvec(image.ravel()), expected, atol=1e-13)


@pytest.mark.parametrize("shape", [(6, 10), (5, 7), (4, 4)])
def test_fourier_holds_the_parts_of_the_transform(shape: tuple[int, int]) -> None:
    operator = make({"kind": "fourier", "rows": 1.0}, list(shape))
    matrix = operator.to_dense()
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(len(matrix)), atol=1e-13)
    image = np.random.default_rng(0).random(shape)
    energy = np.sum(np.abs(np.fft.fft2(image, norm="ortho")) ** 2)
    assert np.sum(operator.matvec(image.ravel()) ** 2) == pytest.approx(energy, rel=1e-13)
    frequency, imaginary, scale = operator.arrays
    spectrum = np.fft.fft2(image).ravel()[frequency]
    expected = np.where(imaginary, -spectrum.imag, spectrum.real) * scale
    np.testing.assert_allclose(operator.matvec(image.ravel()), expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["dct", "fourier"])
def test_the_mean_is_always_measured(kind: str) -> None:
    for seed in range(5):
        operator = make({"kind": kind, "rows": 3, "seed": seed}, [8, 8])
        assert abs(operator.matvec(np.ones(64))).max() == pytest.approx(8.0)


def test_inpainting_keeps_pixels_as_they_are() -> None:
    operator = make({"kind": "inpainting", "rows": 0.25}, [8, 8])
    x = np.arange(64.0)
    y = operator.matvec(x)
    assert len(y) == 16
    picture = operator.data_image(y)
    assert picture is not None
    seen = ~np.isnan(picture)
    assert np.array_equal(picture[seen], x.reshape(8, 8)[seen])
    assert np.array_equal(np.sort(y), y)


def test_large_tomography_is_applied_as_a_sparse_matrix() -> None:
    operator = make({"kind": "tomography", "angles": 12}, [40, 40])
    assert type(operator.kernel).__name__ == "SparseKernel"
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(operator.columns), rng.standard_normal(operator.rows)
    np.testing.assert_allclose(jax.jit(operator.matvec)(jnp.asarray(x)), operator.matvec(x), atol=1e-11)
    np.testing.assert_allclose(jax.jit(operator.adjoint)(jnp.asarray(w)), operator.adjoint(w), atol=1e-11)
