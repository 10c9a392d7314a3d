"""Table `instance`: theory beside practice on a problem file."""

from __future__ import annotations

from pathlib import Path

import pytest

from dipproofs.errors import InputError
from dipproofs.tables import make_table

PROBLEM = """
[operator]
kind = "gaussian"
rows = 2
columns = 3
condition_number = 1.0
[network]
input_dimension = 2
outer_law = "rademacher"
[descent]
max_iterations = 2000
"""


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(PROBLEM, encoding="utf-8")
    return path


def test_one_row_from_theory_to_practice(problem: Path) -> None:
    (row,) = make_table("instance", problem=problem, seeds=2, width="2,8,32").records
    assert row["k_bound"] >= row["k_start"] >= row["k_anytime"] >= row["k_descent"]
    assert row["kappa"] == pytest.approx(1.0) and row["interval"] == "[0.158, 1]"
    assert row["reason"] is None


def test_a_run_that_is_too_short_says_so(problem: Path) -> None:
    (row,) = make_table("instance", problem=problem, seeds=1, width=2, max_iterations=1).records
    assert row["k_descent"] is None and "descent: some of 1 seeds fail up to width 2" in row["reason"]


def test_bad_input(problem: Path) -> None:
    for options, message in (
        ({}, "no problem file"),
        ({"problem": problem, "seeds": "1,2"}, "expected one"),
        ({"problem": problem, "delta": 2}, "--delta"),
        ({"problem": problem, "width": 0}, "--width"),
        ({"problem": problem.with_name("none.toml")}, "none.toml"),
    ):
        with pytest.raises(InputError, match=message):
            make_table("instance", **options)
