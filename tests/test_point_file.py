"""Parameters from files: names, formats, what is refused; `certify --at` answers about existence."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from helpers import run
from test_cli import problem

from dipproofs.errors import InputError
from dipproofs.networks import TwoLayer
from dipproofs.networks.point_file import read_point

NETWORK = TwoLayer.init(n=3, width=4, input_dimension=2, seed=1)


def safetensors(arrays: dict[str, np.ndarray]) -> bytes:
    header, data = {}, b""
    for name, array in arrays.items():
        raw = array.tobytes()
        kind = {"float32": "F32", "float64": "F64"}[str(array.dtype)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps({"__metadata__": {"a": "b"}, **header}).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_npz_and_safetensors_give_the_same(tmp_path: Path) -> None:
    arrays = NETWORK.parameters()
    np.savez(
        tmp_path / "p.npz", **{f"theta/{name}": array for name, array in arrays.items()}, **{"state/t": np.ones(())}
    )
    (tmp_path / "p.safetensors").write_bytes(safetensors({name: np.asarray(a) for name, a in arrays.items()}))
    for name in ("p.npz", "p.safetensors"):
        point = read_point(tmp_path / name)
        made = point.of(TwoLayer.init(n=3, width=4, input_dimension=2, seed=9))
        assert all(np.array_equal(made.parameters()[key], array) for key, array in arrays.items())
    assert set(read_point(tmp_path / "p.npz").state) == {"t"}


def test_dots_in_names_are_slashes(tmp_path: Path) -> None:
    (tmp_path / "p.safetensors").write_bytes(safetensors({"0.weight": np.ones((2, 2), np.float32)}))
    assert set(read_point(tmp_path / "p.safetensors").parameters) == {"0/weight"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.npz", None, "no such file"),
        ("p.npz", b"text", "cannot be read"),
        ("p.safetensors", b"\xff" * 20, "cannot be read"),
        ("p.safetensors", safetensors({"0.weight": np.ones(2)})[:-4], "cannot be read"),
    ],
)
def test_what_is_no_point_is_refused(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_point(tmp_path / name)
    with pytest.raises(InputError, match="found a directory"):
        read_point(tmp_path)


def test_parameters_of_another_network_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", W=np.ones((4, 2)))
    with pytest.raises(InputError, match="there is no V"):
        read_point(tmp_path / "p.npz").of(NETWORK)


def test_certify_at_answers_about_existence(tmp_path: Path) -> None:
    run("certify", problem(tmp_path), "--out", tmp_path / "run")
    code, text, _ = run(
        "certify", problem(tmp_path), "--at", tmp_path / "run" / "arrays-final.npz", "--out", tmp_path / "at"
    )
    record = json.loads((tmp_path / "at" / "certificate.json").read_text())
    assert code == 0 and "✓ Existence: proved" in text and "Rate" not in text and "run" not in record
    assert record["claims"]["existence"]["of"] == "given" and record["claims"]["convergence"]["verdict"] == "undecided"
    assert run("verify", tmp_path / "at" / "certificate.json")[0] == 0
    step = problem(tmp_path, "[descent]\nstep = 0.5\n")
    code, text, _ = run("certify", step, "--at", tmp_path / "run" / "arrays-final.npz")
    assert code == 0 and "gradient descent converges" in text and "Rate" in text
    code, _, err = run("certify", step, "--at", "a.npz", "--resume", tmp_path)
    assert code == 2 and "expected one of them" in err
