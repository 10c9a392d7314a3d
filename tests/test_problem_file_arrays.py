"""Problems whose arrays come from files: a certificate's arrays can be fed back in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dipproofs.problems import load_problem


def arrays(dtype: str = "float64", n: int = 4) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    u = rng.standard_normal(2)
    made = {
        "A": rng.standard_normal((3, 4)),
        "y": rng.standard_normal(3),
        "x_true": rng.standard_normal(4),
        "u": u / np.linalg.norm(u),
        "W": rng.standard_normal((5, 2)),
        "V": rng.standard_normal((n, 5)),
    }
    return {key: value.astype(dtype) for key, value in made.items()}


def load(directory: Path, stored: dict[str, Any], text: str = "") -> Any:
    np.savez(directory / "arrays.npz", **stored)
    problem = directory / "problem.toml"
    problem.write_text(
        'operator = {kind = "file", path = "arrays.npz"}\nnetwork = {kind = "file", path = "arrays.npz"}\n' + text
    )
    return load_problem(problem)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_are_kept_exactly(tmp_path: Path, dtype: str) -> None:
    stored = arrays(dtype)
    built = load(tmp_path, stored).build()
    kept = {
        "A": built.problem.operator.to_dense(),
        "y": built.problem.y,
        "x_true": built.problem.x_true,
        **built.network.arrays(),
    }
    assert set(kept) == set(stored)
    for key, array in stored.items():
        assert kept[key].dtype == np.dtype(dtype), key
        assert kept[key].tobytes() == array.tobytes(), key


def test_the_signal_is_optional(tmp_path: Path) -> None:
    stored = arrays()
    del stored["x_true"]
    problem = load(tmp_path, stored, "noise = {norm = 0.5}").build().problem
    assert problem.x_true is None
    assert problem.noise_norm == 0.5


def test_noise_norm_follows_from_the_arrays(tmp_path: Path) -> None:
    stored = arrays()
    problem = load(tmp_path, stored).build().problem
    assert problem.noise_norm == pytest.approx(np.linalg.norm(stored["y"] - stored["A"] @ stored["x_true"]))


def test_a_synthesis_network_from_a_file(tmp_path: Path) -> None:
    stored = arrays(n=2) | {"B": np.eye(4)[:, :2]}
    network = load(tmp_path, stored).build().network
    assert np.array_equal(network.basis, stored["B"])


def test_a_signal_file_without_data_gets_noise(tmp_path: Path) -> None:
    stored = arrays()
    np.savez(tmp_path / "signal.npz", x_true=stored["x_true"])
    text = 'signal = {kind = "file", path = "signal.npz"}\nnoise = {level = 0.25}\n'
    problem = load(tmp_path, stored, text).build().problem
    clean = stored["A"] @ stored["x_true"]
    assert np.linalg.norm(problem.y - clean) / np.linalg.norm(clean) == pytest.approx(0.25, rel=1e-12)


def test_data_from_a_signal_file(tmp_path: Path) -> None:
    stored = arrays()
    np.savez(tmp_path / "data.npz", y=[1, 2, 3])
    problem = load(tmp_path, stored, 'signal = {kind = "file", path = "data.npz"}').build().problem
    assert problem.y.tolist() == [1.0, 2.0, 3.0]
    assert problem.x_true is None


def test_atoms_and_images_from_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "atoms.npz", B=np.eye(4)[:, :3], images=rng.random((6, 2, 2)))
    text = """
operator = {kind = "identity", columns = 4}
network = {kind = "two-layer-synthesis", path = "atoms.npz", %s, width = 3}
"""
    for keys, count in (('basis = "file"', 3), ('basis = "pca", atoms = 2', 2)):
        (tmp_path / "p.toml").write_text(text % keys)
        network = load_problem(tmp_path / "p.toml").build().network
        assert network.basis.shape == (4, count)
        np.testing.assert_allclose(network.basis.T @ network.basis, np.eye(count), atol=1e-14)


def test_the_description_holds_hashes_and_no_machine_path(tmp_path: Path) -> None:
    description = load(tmp_path, arrays()).to_json()
    assert description["operator"]["path"] == "arrays.npz"
    assert len(description["operator"]["sha256"]) == 64
    assert str(tmp_path) not in str(description)


def test_an_image_file_as_signal(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.full((6, 9), 51, np.uint8)).save(tmp_path / "grey.png")
    (tmp_path / "p.toml").write_text(
        'operator = {kind = "identity"}\nsignal = {kind = "image", path = "grey.png", shape = [2, 3]}\n'
    )
    problem = load_problem(tmp_path / "p.toml").build_problem()
    np.testing.assert_allclose(problem.x_true, 0.2, rtol=1e-15)
    assert problem.image_shape == (2, 3)


@pytest.mark.parametrize("basis", [None, "dct"])
def test_the_arrays_of_a_certificate_can_be_fed_back_in(tmp_path: Path, basis: str | None) -> None:
    from dipproofs.certificate.write import save
    from dipproofs.certify.api import certify

    synthesis = f'kind = "two-layer-synthesis", basis = "{basis}", atoms = 4, ' if basis else ""
    (tmp_path / "first.toml").write_text(
        'operator = {kind = "gaussian", rows = 8}\nsignal = {kind = "image", name = "moon", shape = [4, 4]}\n'
        f"network = {{{synthesis}width = 32}}\n"
    )
    first = load_problem(tmp_path / "first.toml").build()
    certificate = certify(first.problem, first.network, loss=first.loss, max_iterations=2000)
    assert str(certificate.verdict) == "proved"
    save(certificate, tmp_path)
    (tmp_path / "second.toml").write_text(
        'operator = {kind = "file", path = "arrays.npz"}\nnetwork = {kind = "file", path = "arrays.npz"}\n'
    )
    second = load_problem(tmp_path / "second.toml").build()
    again = certify(second.problem, second.network, loss=second.loss, max_iterations=0)
    assert str(again.verdict) == "proved"
    assert second.problem.y.tobytes() == first.problem.y.tobytes()
    assert second.problem.x_true.tobytes() == first.problem.x_true.tobytes()
    assert second.problem.operator.to_dense().tobytes() == first.problem.operator.to_dense().tobytes()
