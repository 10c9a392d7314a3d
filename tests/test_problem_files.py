"""Files as people have them: .npz, .npy, .mat, sparse matrices, pictures; masks and data of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from PIL import Image

from dipproofs.arguments.files import read_arrays
from dipproofs.errors import InputError
from dipproofs.problems import InverseProblem, load_problem

RNG = np.random.default_rng(0)
A = RNG.standard_normal((4, 6)) * (RNG.random((4, 6)) < 0.5)
Y, X = RNG.standard_normal(4), RNG.standard_normal(6)
MASK = np.array([[1, 0, 1], [0, 1, 1]], dtype=np.uint8)
PICTURE = np.array([[0, 51, 102], [153, 204, 255]], dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scipy.io.savemat(tmp_path / "p.mat", {"A": A, "y": Y, "M": sp.csc_array(A), "name": "text"})
    scipy.io.savemat(tmp_path / "one.mat", {"forward": A})
    sp.save_npz(tmp_path / "s.npz", sp.csr_array(A))
    np.savez(tmp_path / "c.npz", A=A, y=Y[:, None], data=2 * Y, x_true=X, C=A + 1j)
    np.save(tmp_path / "A.npy", A)
    np.save(tmp_path / "y.npy", Y.reshape(2, 2))
    np.save(tmp_path / "x.npy", X.reshape(2, 3))
    np.save(tmp_path / "mask.npy", MASK.astype(bool))
    np.save(tmp_path / "none.npy", np.zeros((2, 3)))
    for name in ("mask.png", "mask.tif"):
        Image.fromarray(255 * MASK).save(tmp_path / name)
    Image.fromarray(255 * MASK).convert("1").save(tmp_path / "bits.png")
    Image.fromarray(PICTURE).save(tmp_path / "photo.png")
    grey = np.kron(MASK, np.ones((5, 5), np.uint8)) * 255
    Image.fromarray(grey).save(tmp_path / "mask.jpg")
    (tmp_path / "pickle.npz").write_bytes(b"\x80\x04N.")
    (tmp_path / "v73.mat").write_bytes(b"MATLAB 7.3 MAT-file" + b" " * 200)
    (tmp_path / "notes.txt").write_text("notes")
    return tmp_path


def build(folder: Path, text: str) -> InverseProblem:
    (folder / "t.toml").write_text(text)
    return load_problem(folder / "t.toml").build().problem


def refused(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        build(folder, text)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("t.toml: ")
    return str(caught.value)


OPERATOR = '[operator]\nkind = "file"\n'
DATA = '[signal]\nkind = "data"\n'
MASKED = '[operator]\nkind = "inpainting"\n'


@pytest.mark.parametrize(
    "keys",
    ['path = "p.mat"', 'path = "p.mat"\nkey = "M"', 'path = "s.npz"', 'path = "c.npz"', 'path = "A.npy"',
     'path = "one.mat"\nkey = "forward"'],
)  # fmt: skip
@pytest.mark.parametrize("data", ['path = "y.npy"', 'path = "c.npz"', 'path = "p.mat"'])
def test_matrices_and_data_of_every_kind(folder: Path, keys: str, data: str) -> None:
    problem = build(folder, OPERATOR + keys + "\n" + DATA + data)
    np.testing.assert_array_equal(problem.operator.to_dense(), A)
    np.testing.assert_array_equal(problem.y, Y)
    assert problem.x_true is None and problem.noise_norm is None


def test_keys_name_arrays(folder: Path) -> None:
    problem = build(folder, OPERATOR + 'path = "c.npz"\n' + DATA + 'path = "c.npz"\nkey = "data"')
    np.testing.assert_array_equal(problem.y, 2 * Y)
    np.testing.assert_array_equal(build(folder, OPERATOR + 'path = "p.mat"').y, Y)
    stacked = build(folder, OPERATOR + 'path = "c.npz"\nkey = "C"\n' + DATA + 'path = "y.npy"')
    assert stacked.is_complex and stacked.shape == (8, 12)


def test_a_signal_or_data_without_a_name(folder: Path) -> None:
    signal = build(folder, OPERATOR + 'path = "A.npy"\n[signal]\nkind = "file"\npath = "x.npy"')
    np.testing.assert_array_equal(signal.x_true, X)
    data = build(folder, OPERATOR + 'path = "A.npy"\n[signal]\nkind = "file"\npath = "y.npy"')
    np.testing.assert_array_equal(data.y, Y)


@pytest.mark.parametrize("mask", ["mask.png", "mask.tif", "bits.png", "mask.npy"])
def test_a_mask_of_ones_own(folder: Path, mask: str) -> None:
    problem = build(folder, f'{MASKED}mask = "{mask}"\n{DATA}path = "photo.png"')
    seen = np.flatnonzero(MASK)
    np.testing.assert_array_equal(problem.operator.to_dense(), np.eye(6)[seen])
    np.testing.assert_allclose(problem.y, PICTURE.ravel()[seen] / 255.0)
    assert problem.image_shape == (2, 3)
    short = build(folder, f'{MASKED}mask = "{mask}"\n{DATA}path = "y.npy"')
    np.testing.assert_array_equal(short.y, Y)


def test_a_random_mask_restricts_data_of_a_whole_picture(folder: Path) -> None:
    problem = build(folder, MASKED + 'rows = 3\n[signal]\nkind = "data"\npath = "photo.png"\nshape = [2, 3]')
    np.testing.assert_allclose(problem.operator.to_dense() @ PICTURE.ravel() / 255.0, problem.y)


REFUSED: dict[str, tuple[str, str]] = {
    "rows beside a mask": (MASKED + 'mask = "mask.png"\nrows = 3', "operator.rows: found 3 beside mask"),
    "seed beside a mask": (MASKED + 'mask = "mask.png"\nseed = 0', "operator.seed: found 0 beside mask"),
    "key without a mask": (MASKED + 'key = "mask"\ncolumns = 6', "expected operator.mask"),
    "another size": (MASKED + 'mask = "mask.png"\ncolumns = 7', "but mask.png has 2 × 3 = 6 pixels"),
    "another shape": (MASKED + 'mask = "mask.png"\n[signal]\nshape = [3, 3]', "signal.shape: found [3, 3]"),
    "nothing seen": (MASKED + 'mask = "none.npy"', "found only zeros"),
    "a mask in JPEG": (MASKED + 'mask = "mask.jpg"', "grey pixels in a JPEG"),
    "no mask": (MASKED + 'mask = "no.png"', "no.png: no such file"),
    "data of no size": (
        MASKED + 'mask = "mask.png"\n' + DATA + 'path = "A.npy"',
        "expected 4 (the observed pixels) or 6 (the whole picture)",
    ),
    "a pickle": (OPERATOR + 'path = "pickle.npz"', "a pickle, which is never loaded"),
    "MATLAB 7.3": (OPERATOR + 'path = "v73.mat"', "HDF5"),
    "text": (OPERATOR + 'path = "notes.txt"', "a file of another kind, expected an .npz, .npy or .mat file"),
    "another key": (
        OPERATOR + 'path = "one.mat"',
        'key A is missing, found forward; expected an array A, or name it: key = "forward"',
    ),
    "another key of several": (
        OPERATOR + 'path = "c.npz"\nkey = "B"',
        'expected an array B, or name another, as in key = "',
    ),
    "a vector for a matrix": (OPERATOR + 'path = "c.npz"\nkey = "x_true"', "expected a matrix"),
    "a matrix alone": (OPERATOR + 'path = "s.npz"', 'use signal.kind = "data"'),
    "complex data": (OPERATOR + 'path = "A.npy"\n' + DATA + 'path = "c.npz"\nkey = "C"', "complex"),
    "noise on data": (MASKED + 'mask = "mask.png"\n' + DATA + 'path = "y.npy"\n[noise]\nlevel = 0.1', "noise.level"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(folder: Path, name: str) -> None:
    text, part = REFUSED[name]
    assert part in refused(folder, text)


def test_an_error_is_true_to_the_kind_of_file(folder: Path) -> None:
    for name, kind in (("p.mat", ".mat"), ("y.npy", ".npy"), ("mask.png", "image"), ("c.npz", ".npz")):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:140] if kind == ".mat" else content[: len(content) // 2])
        with pytest.raises(InputError, match=kind) as caught:
            read_arrays(folder / name)
        assert "pickle" not in str(caught.value) and "\n" not in str(caught.value)


def test_the_files_are_named_with_their_digests(folder: Path) -> None:
    (folder / "t.toml").write_text(f'{MASKED}mask = "mask.png"\n{DATA}path = "photo.png"')
    record: dict[str, Any] = load_problem(folder / "t.toml").to_json()
    assert len(record["operator"]["mask_sha256"]) == len(record["signal"]["sha256"]) == 64
    assert "rows" not in record["operator"]
