"""Bad problem files: one line that names file, key, what was found and what was expected."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_problem_file_arrays import arrays as good_arrays

from dipproofs.errors import InputError
from dipproofs.problems import load_problem

G = 'operator = {kind = "gaussian", rows = 4, columns = 6}\n'


def refused(directory: Path, text: str | bytes, *parts: str) -> None:
    """Loading, or building, names the file and all of these in one line."""
    path = directory / "bad.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    with pytest.raises(InputError) as caught:
        load_problem(path).build()
    line = str(caught.value)
    assert line.startswith("bad.toml: ")
    assert "\n" not in line
    assert str(directory) not in line
    for part in parts:
        assert part in line, line


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["[operator]", "missing"]),
        ("x = [", ["not valid TOML", 'expected lines such as kind = "gaussian"']),
        (b"\xff\xfe", ["UTF-8"]),
        ("operator = 3", ["[operator]", "found 3"]),
        (G + "[opertor]", ["[opertor]", "unknown section", "did you mean operator?"]),
        (G + "[zzz]", ["[zzz]", "expected operator, signal"]),
        ("rows = 5\n" + G, ["bad.toml: rows: ", "a key outside a section", "[operator]"]),
        ("x = [1]\n" + G, ["bad.toml: x: ", "a key outside a section"]),
        (G + "[[zzz]]", ["[zzz]", "unknown section"]),
        ("[operator]\nrows = 3", ["operator.kind", "missing", "gaussian"]),
        ('operator = {kind = "gausian"}', ["operator.kind", '"gausian"', "did you mean gaussian?"]),
        ("operator = {kind = 3}", ["operator.kind", "found 3"]),
        ('operator = {kind = "gaussian", columns = 6}', ["operator.rows", "missing", "integer ≥ 1"]),
        ('operator = {kind = "gaussian", rows = 4}', ["operator.columns", "missing", "signal.shape"]),
        ('operator = {kind = "gaussian", row = 4}', ["operator.row", "unknown key", "did you mean rows?"]),
        ('operator = {kind = "identity", columns = 4, condition_number = 3}', ["belongs to kind gaussian"]),
        ('operator = {kind = "gaussian", rows = 0, columns = 6}', ["operator.rows", "found 0"]),
        ('operator = {kind = "gaussian", rows = 2.0, columns = 6}', ["operator.rows", "found 2.0"]),
        ('operator = {kind = "gaussian", rows = true, columns = 6}', ["operator.rows", "found true"]),
        (
            'operator = {kind = "gaussian", rows = 4, columns = 6, seed = true}',
            ["operator.seed", "found true"],
        ),
        ('operator = {kind = "gaussian", rows = 4, columns = 6, seed = -1}', ["operator.seed", "found -1"]),
        (G.replace("6", "6, condition_number = 0.5"), ["operator.condition_number", "≥ 1"]),
        (G.replace("6", "6, condition_number = nan"), ["operator.condition_number", "found nan"]),
        (G.replace("6", "6, condition_number = inf"), ["operator.condition_number", "found inf"]),
        ('operator = {kind = "gaussian", rows = 1, columns = 6, condition_number = 2}', ["expected 1"]),
        ('operator = {kind = "gaussian", rows = 1000000, columns = 1000000}', ["operator", "at most"]),
        ('operator = {kind = "inpainting", columns = 1000000000000}', ["operator", "at most"]),
        (G + 'signal = {kind = "image", name = "camera"}', ["not a perfect square", "signal.shape"]),
        (G + 'signal = {kind = "image", name = "camera", shape = [2, 2]}', ["found 6", "has 4 entries"]),
        (
            G + 'signal = {kind = "image", name = "camra", shape = [2, 3]}',
            ["signal.name", "camera", "shepp-logan"],
        ),
        (G + 'signal = {kind = "image", path = "no.png", shape = [2, 3]}', ["no.png", "no such file"]),
        (G + 'signal = {kind = "image", name = "camera", shape = [6]}', ["signal.shape", "[height, width]"]),
        (G + 'signal = {kind = "gaussian", shape = [0, 6]}', ["signal.shape"]),
        (G + 'signal = {kind = "gaussian", shape = [1, 2, 3]}', ["signal.shape"]),
        (G + 'signal = {kind = "none"}', ['"none"', "operator.kind"]),
        (G + 'signal = {kind = "file"}', ["signal.path", "missing"]),
        (G + 'signal = {kind = "file", path = "no.npz"}', ["no.npz", "no such file"]),
        ('operator = {kind = "identity", rows = 3, columns = 4}', ["operator.rows", "found 3", "has 4"]),
        (
            G + 'signal = {kind = "image", name = "camera", path = "x.png", shape = [2, 3]}',
            ["signal.name", "a name and a path"],
        ),
        ('operator = {kind = "blur", columns = 10}', ["found 10", "not a perfect square"]),
        ('operator = {kind = "blur", columns = 9, sigma = 0}', ["operator.sigma", "> 0"]),
        ('operator = {kind = "blur", columns = 9, boundary = "wrap"}', ["operator.boundary", "periodic"]),
        ('operator = {kind = "inpainting", columns = 9, rows = 10}', ["operator.rows", "at most"]),
        ('operator = {kind = "inpainting", columns = 9, rows = 1.5}', ["operator.rows", "fraction"]),
        ('operator = {kind = "inpainting", columns = 9, rows = 0}', ["operator.rows", "found 0"]),
        ('operator = {kind = "tomography", columns = 9, angles = 0}', ["operator.angles", "found 0"]),
        ('operator = {kind = "tomography", columns = 9, angles = [nan]}', ["operator.angles"]),
        (
            'operator = {kind = "tomography", columns = 9}\nsignal = {kind = "gaussian", shape = [9]}',
            ["[height, width]"],
        ),
        ('operator = {kind = "dct", columns = 9, selection = "high"}', ["operator.selection", "low"]),
        (G + "noise = {level = -1}", ["noise.level", "found -1", "≥ 0"]),
        (G + "noise = {level = nan}", ["noise.level", "found nan"]),
        (G + 'noise = {level = "0.1"}', ["noise.level", '"0.1"']),
        (G + "noise = {level = 1e308}", ["noise.level"]),
        (G + "noise = {norm = 1.0}", ["noise.norm", "noise.level"]),
        (G + "noise = {sede = 1}", ["noise.sede", "did you mean seed?"]),
        (G + "network = {width = 0}", ["network.width", "found 0"]),
        (G + "network = {width = 1000000000000}", ["network.width", "too large"]),
        (G + "network = {input_dimension = 0}", ["network.input_dimension"]),
        (
            G + "network = {input_dimension = 1000000000000}",
            ["network.input_dimension: found 1000000000000"],
        ),
        (G + 'network = {activation = "relu"}', ["network.activation", "not Lipschitz"]),
        (G + 'network = {activation = "ReLU"}', ["network.activation", "not Lipschitz"]),
        (G + 'network = {activation = "tahn"}', ["network.activation", "did you mean tanh?"]),
        (G + "network = {activation = 1}", ["network.activation", "found 1"]),
        (G + 'network = {train = "all"}', ["network.train", "both, inner, outer"]),
        (G + 'network = {kind = "two-layers"}', ["network.kind", "did you mean two-layer?"]),
        (G + "network = {basis = 1}", ["network.basis", "belongs to kind two-layer-synthesis"]),
        (G + 'network = {kind = "two-layer-synthesis"}', ["network.atoms", "missing"]),
        (G + 'network = {kind = "two-layer-synthesis", basis = "file"}', ["network.path", "missing"]),
        (G + 'network = {kind = "file", path = "no.npz"}', ["no.npz", "no such file"]),
        (G + 'loss = {kind = "sqared"}', ["loss.kind", "did you mean squared?"]),
        (G + 'loss = {kind = "squared", scale = "third"}', ["loss.scale", '"third"']),
        (G + 'loss = {kind = "squared", scale = 0}', ["loss.scale"]),
        (G + 'loss = {kind = "huber", delta = nan}', ["loss.delta", "found nan"]),
        (G + 'loss = {kind = "huber", delta = -1.0}', ["delta"]),
        (G + 'loss = {kind = "squared", delta = 1.0}', ["delta"]),
        (G + "loss = {detla = 1}", ["loss.detla", "did you mean delta?"]),
        (G + "descent = {step = -0.1}", ["descent.step", "found -0.1"]),
        (G + "descent = {step = 0}", ["descent.step", "found 0"]),
        (G + "descent = {step = inf}", ["descent.step", "found inf"]),
        (G + 'descent = {step = "fast"}', ["descent.step", '"auto"']),
        (G + 'descent = {schedule = "cosin"}', ["descent.schedule", "cosine"]),
        (G + "descent = {max_iterations = -1}", ["descent.max_iterations"]),
        (G + "descent = {tolerance = nan}", ["descent.tolerance"]),
        (G + "descent = {max_iteration = 5}", ["did you mean max_iterations?"]),
        (G + "descent = {lr = 0.1}", ["descent.lr", "did you mean step?"]),
        (G + "descent = {epochs = 5}", ["descent.epochs", "did you mean max_iterations?"]),
        (G + 'descent = {method = "heavyball"}', ["descent.method", "did you mean heavy-ball?"]),
        (G + 'loss = {kind = "mse"}', ["loss.kind", "did you mean squared?"]),
        (G + 'descent = {dtype = "float16"}', ["descent.dtype", "float32"]),
        (G + 'descent = {stop = "never"}', ["descent.stop", "guaranteed"]),
        (G + 'descent = {method = "momentum"}', ["descent.method", "heavy-ball"]),
        (G + "descent = {momentum = 0.9}", ["descent.momentum", "gradient-descent has none", "heavy-ball"]),
        (G + 'descent = {method = "heavy-ball", momentum = 1.0}', ["descent.momentum", "found 1.0", "[0, 1["]),
        (G + 'descent = {method = "nesterov", momentum = -0.5}', ["descent.momentum", "found -0.5"]),
        (G + 'descent = {method = "nesterov", beta2 = 0.99}', ["descent.beta2", "adam"]),
        (G + 'descent = {method = "adam", momentum = "auto"}', ["descent.momentum", "[0, 1["]),
        (G + 'descent = {method = "adam", beta2 = 0.81}', ["descent.beta2", "more than momentum²"]),
        (G + 'descent = {method = "adam", epsilon = 0.0}', ["descent.epsilon", "> 0"]),
        (G + 'descent = {method = "adam", schedule = "backtracking"}', ["descent.schedule", "backtracking"]),
        (G + "descent = {claim_horizon = 100}", ["descent.claim_horizon", "adam"]),
        (G + "descent = {relative_tolerance = -1e-3}", ["descent.relative_tolerance", "≥ 0"]),
        (G + 'descent = {polish = "newton"}', ["descent.polish", "gauss-newton"]),
        (G + 'certificate = {form = "sharp"}', ["certificate.form", "residual"]),
        (G + "certificate = {arithmetic = true}", ["certificate.arithmetic", "found true"]),
        (G + '[descent]\n"a\\nb" = 1', ["descent.a b", "unknown key"]),
        ('operator = {kind = "file"}', ["operator.path", "missing"]),
        ('operator = {kind = "file", path = ""}', ["operator.path"]),
        ('operator = {kind = "file", path = "no.npz"}', ["no.npz", "no such file"]),
        ('operator = {kind = "file", path = "."}', ["directory"]),
    ],
)
def test_bad_toml(tmp_path: Path, text: str, parts: list[str]) -> None:
    refused(tmp_path, text, *parts)


FROM_FILE = """
operator = {kind = "file", path = "arrays.npz"}
signal = {kind = "none"}
network = {kind = "file", path = "arrays.npz"}
"""


def with_last(array: np.ndarray, value: float) -> np.ndarray:
    result = np.array(array, dtype=np.float64)
    result.flat[-1] = value
    return result


FAULTS: dict[str, tuple[Callable[[np.ndarray], np.ndarray | None], str]] = {
    "nan": (lambda value: with_last(value, np.nan), "found nan"),
    "inf": (lambda value: with_last(value, -np.inf), "found -inf"),
    "complex": (lambda value: value.astype(complex), "complex"),
    "text": (lambda value: value.astype(str), "dtype"),
    "empty": (lambda value: value[:0], "empty"),
    "ndim": (lambda value: value[None], "-D)"),
    "shape": (lambda value: np.concatenate([value, value], axis=-1), "expected"),
    "pickled": (lambda value: value.astype(object), "pickled"),
    "missing": (lambda value: None, "missing"),
}
#: x̄ may be missing, operators may be complex, data and signals of any shape.
GOOD = {("x_true", "missing"), ("A", "complex"), ("y", "ndim"), ("x_true", "ndim")}


@pytest.mark.parametrize(
    ("key", "fault"),
    [case for case in itertools.product(("A", "y", "x_true", "u", "W", "V"), FAULTS) if case not in GOOD],
)
def test_every_array_is_checked(tmp_path: Path, key: str, fault: str) -> None:
    change, words = FAULTS[fault]
    arrays = good_arrays() | {key: change(good_arrays()[key])}
    np.savez(tmp_path / "arrays.npz", **{name: array for name, array in arrays.items() if array is not None})
    refused(tmp_path, FROM_FILE, "arrays.npz", words, *([f" {key}"] if fault != "shape" else []))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "not an .npz file"),
        (b"not a zip", "not an .npz file"),
        (pickle.dumps({"A": 1}), "found a pickle"),
        (b"PK\x03\x04broken", "not an .npz file"),
    ],
)
def test_files_that_are_not_npz(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "arrays.npz").write_bytes(content)
    refused(tmp_path, FROM_FILE, part)


def test_a_damaged_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays.npz", **good_arrays())
    data = bytearray((tmp_path / "arrays.npz").read_bytes())
    data[150:160] = b"\0" * 10
    (tmp_path / "arrays.npz").write_bytes(bytes(data))
    refused(tmp_path, FROM_FILE, "arrays.npz")


def test_an_npy_file(tmp_path: Path) -> None:
    with (tmp_path / "arrays.npz").open("wb") as file:
        np.save(file, np.eye(3))
    refused(tmp_path, FROM_FILE, "found a matrix alone")


def test_noise_is_not_added_to_measured_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays.npz", **good_arrays())
    refused(tmp_path, FROM_FILE + "noise = {level = 0.1}", "noise.level", "noise.norm")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"W": np.ones((5, 3))}, ["W", "(5, 3)", "(k, 2)"]),
        ({"V": np.ones((4, 6))}, ["V", "(4, 6)", "(n, 5)"]),
        ({"V": np.ones((3, 5))}, ["V", "(3, 5)", "(4, 5)"]),
        ({"y": np.ones(4)}, ["y", "length 4", "expected 3"]),
        ({"x_true": np.ones(3)}, ["x_true", "length 3", "expected 4"]),
        ({"B": np.ones((4, 2))}, ["B", "(4, 2)", "(4, 4)"]),
        ({"A": np.zeros((3, 4))}, ["zero operator"]),
        *[
            ({"u": factor * good_arrays()["u"]}, ["arrays.npz: u: found ‖u‖ = ", "≤ 1e-06"])
            for factor in (2.0, 0.5, 1 + 1e-5, 0.0)
        ],
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, change: dict[str, Any], parts: list[str]) -> None:
    np.savez(tmp_path / "arrays.npz", **good_arrays() | change)
    refused(tmp_path, FROM_FILE, *parts)


def test_a_missing_problem_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^no\.toml: no such file"):
        load_problem(tmp_path / "no.toml")
    with pytest.raises(InputError, match="directory"):
        load_problem(tmp_path)


@pytest.mark.parametrize("path", ["", "."])
def test_an_empty_path(path: str) -> None:
    with pytest.raises(InputError, match=r"^problem file: found an empty path"):
        load_problem(path)


def test_a_byte_order_mark_is_no_statement(tmp_path: Path) -> None:
    path, operators = tmp_path / "p.toml", []
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text(G, encoding=encoding)
        operators.append(load_problem(path).operator)
    assert operators[0] == operators[1]
