"""The kinds of `[network]` that are graphs, from problem files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.errors import InputError
from dipproofs.problems import load_problem
from dipproofs.problems.library_options import LIBRARY

KINDS = [kind for kind in LIBRARY if kind != "graph"]


def build(folder: Path, network: str, descent: str = "") -> Any:
    path = folder / "problem.toml"
    path.write_text(f'[operator]\nkind = "inpainting"\n[signal]\nshape = [8, 8]\n[network]\n{network}\n{descent}')
    return load_problem(path).build().network


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_those_of_python(kind: str, tmp_path: Path) -> None:
    made = build(tmp_path, f'kind = "{kind}"')
    network = getattr(dp, LIBRARY[kind].network).init((8, 8))  # type: ignore[attr-defined]
    assert made.graph.fingerprint == network.graph.fingerprint and np.array_equal(made.output(), network.output())


@pytest.mark.parametrize("value", ['"relu7"', "3", '"log"'])
def test_unknown_activations_are_refused(value: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"network\.activation"):
        build(tmp_path, f'kind = "skip"\nactivation = {value}')


def test_single_precision(tmp_path: Path) -> None:
    assert build(tmp_path, 'kind = "skip"\nscales = 1', '[descent]\ndtype = "float32"').dtype == np.float32


def test_graphs_from_a_file(tmp_path: Path) -> None:
    dp.Skip.init((8, 8), scales=1).save(tmp_path / "network.json")
    made = build(tmp_path, 'kind = "graph"\npath = "network.json"')
    assert np.array_equal(made.output(), dp.Skip.init((8, 8), scales=1).output())
    dp.Skip.init((8, 7), scales=1).save(tmp_path / "network.json")
    with pytest.raises(InputError, match="56 outputs"):
        build(tmp_path, 'kind = "graph"\npath = "network.json"')
    with pytest.raises(InputError, match="no such file"):
        build(tmp_path, 'kind = "graph"\npath = "nothing.json"')
