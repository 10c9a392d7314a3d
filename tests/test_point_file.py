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


def parameters() -> list[tuple[str, np.ndarray]]:
    return [(name, np.asarray(array)) for name, array in NETWORK.parameters().items()]


def safetensors(arrays: dict[str, np.ndarray]) -> bytes:
    header, data = {}, b""
    for name, array in arrays.items():
        raw = array.tobytes()
        kind = {"float16": "F16", "float32": "F32", "float64": "F64", "int64": "I64"}[str(array.dtype)]
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


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, ">f8"])
def test_numbers_of_any_type_are_kept_exactly(tmp_path: Path, dtype: str) -> None:
    """A proof is about the point in the file, so that no number may be rounded on the way."""
    arrays = {name: (2**24 + 1 if dtype == np.int64 else 1.5) * np.ones(a.shape) for name, a in parameters()}
    stored = {name: array.astype(dtype) for name, array in arrays.items()}
    np.savez(tmp_path / "p.npz", **stored)
    (tmp_path / "p.safetensors").write_bytes(
        safetensors({name: array.astype(array.dtype.newbyteorder("=")) for name, array in stored.items()})
    )
    for file in ("p.npz", "p.safetensors"):
        made = read_point(tmp_path / file).of(NETWORK).parameters()
        assert all(np.array_equal(made[name].astype(np.float64), array) for name, array in arrays.items())


def test_a_number_that_float64_does_not_hold_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", **{name: np.full(a.shape, 2**53 + 1) for name, a in parameters()})
    with pytest.raises(InputError, match="W: int64 values that float64 cannot hold exactly"):
        read_point(tmp_path / "p.npz").of(NETWORK)


def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    arrays = dict(parameters())
    np.savez(tmp_path / "p.npz", **arrays, **{"theta/W": arrays["W"]})
    assert read_point(tmp_path / "p.npz").of(NETWORK)
    np.savez(tmp_path / "p.npz", **arrays, **{"theta/W": arrays["W"] + 1})
    with pytest.raises(InputError, match="two different arrays W"):
        read_point(tmp_path / "p.npz")


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


def checkpoint(path: Path, optimizer: str = "SGD", named: bool = False, **options: object) -> Path:
    """Two iterations of a torch optimiser on a network with a batch normalisation between its layers."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    nn = torch.nn
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 3)).double()
    trained = list(module.named_parameters() if named else module.parameters())
    groups = options.pop("groups", [trained])
    made = getattr(torch.optim, optimizer)(
        [{"params": trained[part] if isinstance(part, slice) else part, **more} for part, more in groups]
        if groups != [trained]
        else trained,
        lr=0.125,
        **options,
    )
    for _ in range(2):
        made.zero_grad()
        module(torch.ones(1, 1, 6, 6).double().cumsum(2)).square().sum().backward()
        made.step()
    torch.save({"model": module.state_dict(), "optimizer": made.state_dict()}, path / "c.pt")
    buffers = {n: made.state[p].get("momentum_buffer") for n, p in module.named_parameters() if p in made.state}
    np.savez(path / "buffers.npz", **{n.replace(".", "/"): b.numpy() for n, b in buffers.items() if b is not None})
    return path / "c.pt"


HEAVY = {"method": "heavy-ball", "step": 0.125, "momentum": 0.5}


@pytest.mark.parametrize("named", [False, True])
def test_states_have_the_names_of_parameters_and_not_of_buffers(tmp_path: Path, named: bool) -> None:
    point = read_point(checkpoint(tmp_path, named=named, momentum=0.5))
    buffers = np.load(tmp_path / "buffers.npz")
    state = point.state_for(HEAVY)
    assert set(state) == {f"velocity/{name}" for name in buffers.files} and "2/weight" in buffers.files
    assert all(np.array_equal(state[f"velocity/{name}"], -0.125 * buffers[name]) for name in buffers.files)


def test_an_adaptive_method_has_its_options(tmp_path: Path) -> None:
    point = read_point(checkpoint(tmp_path, "Adam", betas=(0.5, 0.75), eps=1e-6))
    assert point.options == {"lr": 0.125, "momentum": 0.5, "beta2": 0.75, "epsilon": 1e-6}
    asked = {"method": "adam", "step": 0.125, "momentum": 0.5, "beta2": 0.75, "epsilon": 1e-6}
    assert {"t", "m/2/weight", "v/2/bias"} <= set(point.state_for(asked))
    for key, value in (("beta2", 0.999), ("epsilon", 1e-8), ("momentum", 0.9), ("step", 0.25)):
        with pytest.raises(InputError, match=f"descent.{key} = {value:g}"):
            point.state_for({**asked, key: value})
    with pytest.raises(InputError, match=r"descent.beta2 = 0\.999"):
        point.state_for({**asked, "beta2": None})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"momentum": 0.5, "weight_decay": 0.01}, "weight_decay = 0.01"),
        ({"momentum": 0.5, "dampening": 0.1}, "dampening = 0.1"),
        ({"momentum": 0.5, "maximize": True}, "maximize = True"),
        ({"optimizer": "AdamW"}, "weight_decay = 0.01"),
        ({"optimizer": "Adam", "amsgrad": True}, "amsgrad = True"),
        ({"momentum": 0.5, "groups": [(slice(0, 2), {"lr": 0.5}), (slice(2, None), {})]}, "different options"),
        ({"momentum": 0.5, "groups": [(slice(2, 4), {})]}, "2 parameters for the 6"),
        ({"momentum": 0.5, "groups": [(slice(4, None), {}), (slice(0, 4), {})]}, "another shape"),
        ({"momentum": 0.5, "nesterov": True}, "nesterov"),
        ({"momentum": 0.5, "groups": [(slice(0, 2), {"nesterov": True}), (slice(2, None), {})]}, "different options"),
        ({"optimizer": "RMSprop", "momentum": 0.5}, "neither SGD nor Adam"),
        ({"optimizer": "NAdam"}, "neither SGD nor Adam"),
        ({"optimizer": "RAdam"}, "neither SGD nor Adam"),
    ],
)
def test_what_no_method_does_is_refused_and_not_dropped(tmp_path: Path, options: dict[str, object], words: str) -> None:
    point = read_point(checkpoint(tmp_path, **options))
    assert "2/weight" in point.parameters
    asked = {"method": "adam", "step": 0.125} if "Adam" in str(options.get("optimizer")) else HEAVY
    with pytest.raises(InputError, match=words) as caught:
        point.state_for(asked)
    assert "\n" not in str(caught.value)
