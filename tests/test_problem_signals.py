"""Photographs, the phantom, resampling, and the atoms of synthesis generators."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from skimage.color import rgb2gray
from skimage.data import shepp_logan_phantom
from skimage.transform import downscale_local_mean

from dipproofs.arguments.pictures import read_grey
from dipproofs.errors import InputError
from dipproofs.problems import PHOTOGRAPHS, photograph, shepp_logan
from dipproofs.problems.bases import BASES, make_basis
from dipproofs.problems.signals.photographs import crop, resample


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_every_photograph_is_there(name: str) -> None:
    image = photograph(name, (48, 32))
    assert image.shape == (48, 32)
    assert image.dtype == np.float64
    assert image.min() >= 0
    assert image.max() <= 1
    assert image.std() > 0.02
    assert image.tobytes() == photograph(name, (48, 32)).tobytes()


def test_the_camera_photograph_is_scikit_images() -> None:
    expected = downscale_local_mean(skimage.data.camera() / 255.0, (8, 8))
    np.testing.assert_allclose(photograph("camera", (64, 64)), expected, atol=1e-14)


def test_colours_become_grey_as_in_scikit_image() -> None:
    expected = rgb2gray(skimage.data.astronaut())
    np.testing.assert_allclose(photograph("astronaut", (512, 512)), expected, atol=1e-14)


def test_the_phantom_looks_like_scikit_images() -> None:
    expected = downscale_local_mean(shepp_logan_phantom(), (4, 4))
    image = shepp_logan((100, 100))
    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.98
    assert image.min() == 0.0
    assert image.max() == 1.0


@pytest.mark.parametrize("shape", [(3, 4), (7, 5), (10, 10), (13, 29), (1, 1)])
def test_resampling_keeps_constants_and_range(shape: tuple[int, int]) -> None:
    np.testing.assert_allclose(resample(np.full((10, 10), 0.3), shape), 0.3, rtol=1e-14)
    image = np.random.default_rng(0).random((10, 10))
    result = resample(image, shape)
    assert result.shape == shape
    assert result.min() >= image.min()
    assert result.max() <= image.max()


def test_shrinking_keeps_the_mean() -> None:
    image = np.random.default_rng(0).random((30, 45))
    assert resample(image, (7, 11)).mean() == pytest.approx(image.mean(), rel=1e-13)


def test_resampling_to_the_same_shape_changes_nothing() -> None:
    image = np.random.default_rng(0).random((9, 6))
    assert np.array_equal(resample(image, (9, 6)), image)


@pytest.mark.parametrize(("old", "new"), [((40, 60), (10, 10)), ((60, 40), (5, 10)), ((9, 9), (30, 10))])
def test_the_crop_is_centred_and_as_large_as_possible(old: tuple[int, int], new: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: old[0], : old[1]]
    for index, axis in ((rows, 0), (columns, 1)):
        part = crop(index.astype(float), new)
        assert abs(part.mean() - (old[axis] - 1) / 2) <= 0.5
        assert part.shape[0] == old[0] or part.shape[1] == old[1]
        assert part.shape[0] * new[1] == pytest.approx(part.shape[1] * new[0], rel=0.2)


def test_an_unknown_photograph() -> None:
    with pytest.raises(InputError, match=r"expected one of astronaut.*; did you mean camera\?"):
        photograph("kamera", (4, 4))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1", "I;16", "F"])
def test_image_files_of_every_mode(tmp_path: Path, mode: str) -> None:
    from PIL import Image

    grey = np.linspace(0, 1, 64).reshape(8, 8)
    if mode == "I;16":
        picture = Image.fromarray((grey * 65535).astype(np.uint16))
    elif mode == "F":
        picture = Image.fromarray(grey.astype(np.float32))
    else:
        picture = Image.fromarray((grey * 255).astype(np.uint8)).convert(mode)
    path = tmp_path / ("image.tif" if mode == "F" else "image.png")
    picture.save(path)
    tolerance = 1.0 if mode == "1" else 0.01
    np.testing.assert_allclose(read_grey(path, "image"), grey, atol=tolerance)


def test_files_that_are_not_images(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InputError, match=r"^text\.png: not a readable image"):
        read_grey(tmp_path / "text.png", "text.png")


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize(("shape", "atoms"), [((8, 8), 16), ((16, 8), 6), ((32, 32), 64), ((64,), 5), ((8, 8), 64)])
def test_atoms_are_orthonormal(kind: str, shape: tuple[int, ...], atoms: int) -> None:
    n = int(np.prod(shape))
    images = np.random.default_rng(0).random((70, n))
    basis = make_basis(kind, shape, atoms, images=images)
    assert basis.shape == (n, atoms)
    np.testing.assert_allclose(basis.T @ basis, np.eye(atoms), atol=1e-13)
    assert basis.tobytes() == make_basis(kind, shape, atoms, images=images).tobytes()


@pytest.mark.parametrize("kind", sorted(set(BASES) - {"pca"}))
def test_more_atoms_come_nearer_to_a_photograph(kind: str) -> None:
    x = photograph("camera", (32, 32)).ravel()
    distances = []
    for atoms in (4, 16, 64, 256, 1024):
        basis = make_basis(kind, (32, 32), atoms)
        distances.append(float(np.linalg.norm(x - basis @ (basis.T @ x)) / np.linalg.norm(x)))
    assert all(later < earlier for earlier, later in itertools.pairwise(distances))
    assert distances[2] < 0.3
    assert distances[-1] < 1e-13


@pytest.mark.parametrize("kind", sorted(set(BASES) - {"pca"}))
def test_constant_images_are_represented(kind: str) -> None:
    flat = np.ones(256) / 16
    if kind in ("dct", "haar", "piecewise-constant"):
        np.testing.assert_allclose(np.abs(make_basis(kind, (16, 16), 1).ravel()), flat, rtol=1e-12)
    basis = make_basis(kind, (16, 16), 16)
    assert np.linalg.norm(basis.T @ flat) == pytest.approx(1.0, rel=1e-10)


def test_haar_with_whole_scales_spans_blocks() -> None:
    haar, blocks = make_basis("haar", (16, 16), 16), make_basis("piecewise-constant", (16, 16), 16)
    np.testing.assert_allclose(haar @ haar.T, blocks @ blocks.T, atol=1e-13)


def test_principal_atoms_capture_what_they_are_made_of() -> None:
    rng = np.random.default_rng(0)
    images = rng.random((5, 3)) @ rng.random((3, 16))
    basis = make_basis("pca", (4, 4), 3, images=images)
    np.testing.assert_allclose(basis @ (basis.T @ images.T), images.T, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "shape", "atoms", "part"),
    [
        ("cosine", (8, 8), 4, "network.basis"),
        ("dct", (8, 8), 65, "network.atoms"),
        ("dct", (8, 8), 0, "network.atoms"),
        ("haar", (9, 8), 4, "even"),
        ("piecewise-constant", (8, 8), 11, "no grid"),
        ("pca", (8, 8), 4, "key images"),
    ],
)
def test_bases_that_cannot_be_made(kind: str, shape: tuple[int, int], atoms: int, part: str) -> None:
    with pytest.raises(InputError, match=part):
        make_basis(kind, shape, atoms)
    with pytest.raises(InputError, match="independent images"):
        make_basis("pca", (2, 2), 2, images=np.ones((5, 4)))
