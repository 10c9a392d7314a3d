"""The reference page of problem files is what the code says; without a meaning of each key it is not written."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
sys.path.insert(0, str(DOCS / "_ext"))

from problem_reference import problem_file_reference  # noqa: E402

PAGE = DOCS / "problem-file.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == problem_file_reference()
