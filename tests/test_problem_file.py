"""Problem files: what is read, which defaults hold, and that reading twice gives the same bits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dipproofs.errors import InputError
from dipproofs.problems import OPERATORS, SIGNALS, ProblemSpec, load_problem
from dipproofs.problems.network_options import NETWORKS
from dipproofs.problems.noise import draw_noise

CONTRACT = """
[operator]
kind = "gaussian"
rows = 5
columns = 10
condition_number = 3.0
seed = 0
[signal]
kind = "gaussian"
seed = 1
[noise]
level = 0.0
seed = 2
[network]
kind = "two-layer"
width = 64
input_dimension = 5
activation = "tanh"
train = "both"
seed = 3
[loss]
kind = "squared"
[descent]
step = "auto"
schedule = "constant"
max_iterations = 20000
tolerance = 1e-12
[certificate]
form = "best"
arithmetic = "proved"
"""


def write(directory: Path, text: str, name: str = "problem.toml") -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_contract_example_is_read_and_built(tmp_path: Path) -> None:
    spec = load_problem(write(tmp_path, CONTRACT))
    built = spec.build()
    assert built.problem.shape == (5, 10)
    assert built.network.width == 64
    assert built.loss.kind == "squared"
    assert built.descent.step == "auto"
    assert built.certificate.form == "best"
    values = np.linalg.svd(built.problem.operator.to_dense(), compute_uv=False)
    np.testing.assert_allclose(values, np.linspace(1.0, 1.0 / 3.0, 5), rtol=1e-12)


def test_left_out_sections_get_the_contract_defaults(tmp_path: Path) -> None:
    short = 'operator = {kind = "gaussian", rows = 5, columns = 10, condition_number = 3.0}\n'
    given, default = (
        load_problem(write(tmp_path, CONTRACT)),
        load_problem(write(tmp_path, short, "short.toml")),
    )
    assert default.to_json() == given.to_json()


def test_to_json_is_json_and_reads_back(tmp_path: Path) -> None:
    text = CONTRACT.replace('step = "auto"', "step = 0.25") + "\n"
    spec = load_problem(write(tmp_path, text))
    tables = json.loads(json.dumps(spec.to_json()))
    assert ProblemSpec.from_dict(tables, directory=tmp_path, name="problem.toml") == spec


def test_the_same_file_gives_the_same_bits(tmp_path: Path) -> None:
    path = write(tmp_path, CONTRACT.replace("level = 0.0", "level = 0.1"))
    first, second = load_problem(path).build(), load_problem(path).build()
    for name, array in first.network.arrays().items():
        assert array.tobytes() == second.network.arrays()[name].tobytes()
    assert first.problem.y.tobytes() == second.problem.y.tobytes()
    assert first.problem.operator.to_dense().tobytes() == second.problem.operator.to_dense().tobytes()


@pytest.mark.parametrize("level", [1e-6, 0.1, 2.0, 50.0])
def test_noise_level_is_relative_to_the_clean_data(level: float) -> None:
    clean = np.random.default_rng(0).standard_normal(30)
    noise = draw_noise(clean, level, seed=2)
    assert np.linalg.norm(noise) / np.linalg.norm(clean) == pytest.approx(level, rel=1e-14)
    assert np.array_equal(noise, draw_noise(clean, level, seed=2))
    assert not np.array_equal(noise, draw_noise(clean, level, seed=3))


def test_zero_noise_is_exactly_zero(tmp_path: Path) -> None:
    problem = load_problem(write(tmp_path, CONTRACT)).build_problem()
    assert problem.noise_norm == 0.0
    assert np.array_equal(problem.y, problem.operator.matvec(problem.x_true))


@pytest.mark.parametrize("basis", ["dct", "haar", "db4", "piecewise-constant"])
def test_synthesis_networks_are_built(tmp_path: Path, basis: str) -> None:
    text = f"""
operator = {{kind = "inpainting", rows = 0.5}}
signal = {{kind = "image", name = "moon", shape = [8, 16]}}
network = {{kind = "two-layer-synthesis", basis = "{basis}", atoms = 16, width = 8}}
"""
    network = load_problem(write(tmp_path, text)).build().network
    assert network.V.shape == (16, 8)
    np.testing.assert_allclose(network.basis.T @ network.basis, np.eye(16), atol=1e-14)


def test_image_signals_are_the_same_for_any_operator(tmp_path: Path) -> None:
    text = 'operator = {kind = "%s"}\nsignal = {kind = "image", name = "camera", shape = [8, 8]}\n'
    signals = [
        load_problem(write(tmp_path, text % kind)).build_problem().x_true for kind in ("identity", "blur", "dct")
    ]
    assert all(np.array_equal(signals[0], other) for other in signals)


def test_a_problem_file_loads_neither_jax_nor_theorems_of_other_methods(tmp_path: Path) -> None:
    path = write(tmp_path, CONTRACT)
    code = (
        "import sys, dipproofs.certify.api; from dipproofs.problems import load_problem; "
        f"load_problem({str(path)!r}).build_problem(); "
        "sys.exit(bool({'jax', 'dipproofs.theory.methods.heavy_ball'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("registry", [OPERATORS, SIGNALS, NETWORKS])
def test_every_kind_is_documented(registry: dict[str, type]) -> None:
    for kind, options in registry.items():
        assert f'kind = "{kind}"' in (options.__doc__ or ""), kind
        assert isinstance(options.section, str)


def test_errors_name_the_problem_file(tmp_path: Path) -> None:
    path = write(tmp_path, CONTRACT.replace("rows = 5", "rows = 0"), "my.toml")
    with pytest.raises(InputError, match=r"^my\.toml: operator\.rows: found 0, expected an integer ≥ 1$"):
        load_problem(path)
