"""The committed data of the experiments: texts and figures follow from it, and it says what the project claims."""

from __future__ import annotations

import gzip
import json
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from dipproofs.experiments import EXPERIMENTS
from dipproofs.experiments.program import read_table
from dipproofs.report.canvas import svg_text

FOLDER = Path(__file__).parent.parent / "docs" / "experiments"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the documentation is not here")


@cache
def rows_of(name: str) -> list[dict[str, Any]]:
    plain, packed = FOLDER / name / "data.csv", FOLDER / name / "data.csv.gz"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    return read_table(data.decode())


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_results_follow_from_the_data(name: str) -> None:
    module = import_module(f"dipproofs.experiments.{name}")
    page = (FOLDER / name / "result.md").read_text(encoding="utf-8")
    assert module.result(rows_of(name)).strip() in page
    settings = json.loads((FOLDER / name / "settings.json").read_text(encoding="utf-8"))
    assert settings["command"] in page and settings["cells"]


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_figures_follow_from_the_data(name: str) -> None:
    module = import_module(f"dipproofs.experiments.{name}")
    drawn = []
    for _ in range(2):
        figures = module.figures(rows_of(name))
        assert figures
        drawn.append([svg_text(figure, key, key) for key, figure in figures.items()])
    assert drawn[0] == drawn[1]
    assert {path.stem for path in (FOLDER / name).glob("*.png")} == {f"{name}-{key}" for key in figures}


def test_runs_that_converge_are_certified() -> None:
    rows = rows_of("overparametrization")
    done = [row for row in rows if row["reached"]]
    certified = [row for row in done if row["certified"]]
    assert len(done) > 100 and len(certified) >= 0.99 * len(done)
    assert all(row["reason"] for row in done if not row["certified"])


def test_no_proved_bound_is_below_the_truth() -> None:
    recovery = [row for row in rows_of("recovery") if isinstance(row["sharp"], float)]
    assert recovery and all(row["sharp"] >= row["error"] * (1 - 1e-9) for row in recovery)
    rates = [row for row in rows_of("rates") if isinstance(row.get("first_ratio"), float)]
    assert rates and all(row["first_ratio"] >= 1 - 1e-6 for row in rates)
    steps = [r for r in rows_of("stepsize") if r["verdict"] == "proved" and r["guaranteed"] and r["observed"]]
    assert steps and all(row["observed"] <= row["guaranteed"] for row in steps)
    descent = [r for r in rows_of("descent") if r["kind"] == "run" and r["factor"] is None]
    assert descent and all(row["reached"] and row["rises"] == 0 for row in descent)


def test_the_folder_is_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(sizes) < 3_000_000 and max(sizes) < 200_000
