"""Every code block of README and manual runs; the marks are documented in `docs_blocks`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from docs_blocks import ROOT, blocks, pages, run_page

RUNNABLE = [p for p in pages() if any(b.language in ("python", "console") for b in blocks(p))]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    run_page(page, tmp_path)


def test_most_blocks_are_run() -> None:
    found = [b for page in RUNNABLE for b in blocks(page) if b.language in ("python", "console")]
    skipped = [b for b in found if b.mark and b.mark[0] == "skip"]
    assert len(found) >= 40
    assert len(skipped) <= len(found) / 4


def test_a_wrong_output_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "page.md"
    text = "```console\n$ dipproofs explain tanh\nactivation cosine\n...\n```\n"
    monkeypatch.setattr(Path, "read_text", lambda self, **_: text)
    with pytest.raises(AssertionError, match="activation cosine"):
        run_page(page, tmp_path)


@pytest.mark.parametrize("language", ["py", "sh", "bash", "shell", "pycon"])
def test_no_block_escapes_by_its_language(language: str) -> None:
    escaped = [f"{p.name}:{b.line}" for p in pages() for b in blocks(p) if b.language == language]
    assert not escaped
