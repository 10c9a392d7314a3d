"""The reference page of problem files is what the code says; without a meaning of each key it is not written."""

from __future__ import annotations

from pathlib import Path

from dipproofs.problems.reference import problem_file_reference

PAGE = Path(__file__).parents[1] / "docs" / "problem-file.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == problem_file_reference()
