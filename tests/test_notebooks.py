"""The notebooks among the tutorials run, and say what is kept of their outputs (numbers aside)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from helpers import without_numbers

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
import notebooks  # noqa: E402


@pytest.mark.parametrize("path", notebooks.paths(), ids=lambda path: path.stem)
def test_a_notebook_says_what_it_said(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = notebooks.load(path)
    kept = [cell["outputs"] for cell in notebooks.code(notebook)]
    found = notebooks.run(notebook)
    for old, new in zip(kept, found, strict=True):
        assert without_numbers(notebooks.texts(new)) == without_numbers(notebooks.texts(old)), (
            "python docs/make_notebooks.py"
        )
        assert [sorted(one.get("data", {})) for one in new] == [sorted(one.get("data", {})) for one in old]


def test_every_notebook_is_linked_and_has_pictures_with_words() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = notebooks.pages()
    assert len(notebooks.paths()) >= 3
    for path in notebooks.paths():
        assert f"built/{path.stem}" in index
        page = pages[f"{path.stem}.md"]
        assert isinstance(page, str) and page.startswith("# Notebook: ")
        assert page.count("```{image}") == sum(name.startswith(path.stem) and name.endswith(".png") for name in pages)
        assert all(len(alt) > 30 for alt in re.findall(r":alt: (.*)", page))
