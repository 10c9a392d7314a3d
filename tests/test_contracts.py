"""What others rely on: keys of problem files and certificates, names in Python, files for --at; from the outside."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import run

import dipproofs as dp

OPERATOR = '[operator]\nkind = "gaussian"\nrows = 3\ncolumns = 64\n[signal]\nkind = "gaussian"\nshape = [8, 8]\n'
#: Every key of every kind, small.
NETWORKS = {
    "mlp": {"width": 8, "depth": 1, "fourier_features": 4, "activation": "tanh", "output": "none", "seed": 1},
    "siren": {"width": 8, "depth": 1, "omega": 10, "output": "none", "seed": 1},
    "convolutional": {"channels": 3, "depth": 2, "kernel": 3, "activation": "elu", "normalise": "none"},
    "decoder": {"channels": 3, "scales": 1, "kernel": 1, "activation": "relu", "upsample": "nearest"},
    "skip": {"channels": 3, "scales": 1, "skip_channels": 2, "kernel": 3, "activation": "leaky-relu",
             "normalise": "instance", "upsample": "bilinear", "output": "sigmoid", "input_channels": 2, "seed": 3},
}  # fmt: skip
FOREIGN = {"mlp": "channels", "siren": "fourier_features", "convolutional": "scales", "decoder": "skip_channels",
           "skip": "width"}  # fmt: skip


def file(folder: Path, text: str, **network: Any) -> Path:
    path = folder / "p.toml"
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in network.items())
    path.write_text(text + "[network]\n" + lines)
    return path


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_kind_of_network_and_its_keys(kind: str, tmp_path: Path) -> None:
    built = dp.load_problem(file(tmp_path, OPERATOR, kind=kind, **NETWORKS[kind])).build()
    assert built.network.output_shape == (8, 8) and built.network.kind == "graph"
    plain = file(tmp_path, OPERATOR, kind=kind)
    assert dp.load_problem(plain).build().network.parameter_count > built.network.parameter_count  # the defaults
    code, _, err = run("certify", file(tmp_path, OPERATOR, kind=kind, **{FOREIGN[kind]: 2}))
    assert code == 2 and FOREIGN[kind] in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "method, keys",
    [("heavy-ball", {"velocity"}), ("nesterov", {"velocity"}), ("adam", {"m", "v", "t"})],
)
def test_state_and_claims_of_a_method(method: str, keys: set[str], tmp_path: Path) -> None:
    text = OPERATOR + f'[descent]\nmethod = "{method}"\nmax_iterations = 60\n'
    code, _, err = run("certify", file(tmp_path, text, width=150), "--out", tmp_path / "out")
    record = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert code in (0, 1), err
    assert record["version"] == 2 and record["method"]["kind"] == method
    assert {"existence", "convergence", "signal"} <= set(record["claims"])
    with np.load(tmp_path / "out" / "arrays.npz") as arrays:
        assert {name.split("/")[1] for name in arrays.files if name.startswith("state/")} == keys
    if method == "adam":
        assert record["claims"]["convergence"]["verdict"] == "undecided"
        assert {"verdict", "iterations", "residual_factor"} <= set(record["claims"]["horizon"])


def test_certify_at_a_file_of_a_graph_network(tmp_path: Path) -> None:
    network = dp.Convolutional.init((4, 4), channels=3, depth=2, output="none", seed=1)
    network.save(tmp_path / "network.json")
    A = np.eye(16)[[1, 7, 12]]
    np.savez(tmp_path / "A.npz", A=A, y=A @ network.output() + 1e-6)
    np.savez(tmp_path / "at.npz", **{f"theta/{name}": value for name, value in network.parameters().items()})
    problem = file(tmp_path, '[operator]\nkind = "file"\npath = "A.npz"\n', kind="graph", path="network.json")
    code, text, err = run("certify", problem, "--at", tmp_path / "at.npz", "--out", tmp_path / "out")
    assert code == 0 and len(text.splitlines()) <= 20, err
    record = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert record["claims"]["existence"]["of"] == "given" and record["network"]["kind"] == "graph"
    assert record["profile"] == "observation" and "kink_margin" not in str(record["claims"])
    needed = {"sigma_A", "norm_A", "sigma_AJ", "norm_AJ", "norm_AJ_ball", "lipschitz_AJ", "gamma", "loss_0", "psi_0",
              "rho", "S", "F_inf"}  # fmt: skip
    assert needed <= set(record["quantities"])
    assert run("verify", tmp_path / "out" / "certificate.json")[0] == 0
    for option in ("--resume", "--at"):
        code, _, err = run("certify", problem, option, tmp_path / "none")
        assert code == 2 and len(err.strip().splitlines()) == 1


NAMES = {
    "certify": ("problem", "network", "loss", "method", "step", "polish", "momentum", "beta2", "epsilon",
                "relative_tolerance"),
    "certify_point": ("problem", "network", "loss", "method", "state", "step", "momentum"),
    "check": ("problem", "network"), "verify": ("certificate",), "from_jax": ("apply", "params"),
    "from_torch": ("module",), "operator_norm": (), "smallest_singular_value": (), "condition_number": (),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_functions_show_what_they_take(name: str) -> None:
    function = getattr(dp, name)
    assert inspect.isfunction(function) and name in dir(dp) and (function.__doc__ or "").strip()
    assert set(NAMES[name]) <= set(inspect.signature(function).parameters)
