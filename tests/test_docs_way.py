"""The way of the parameters on the page about the architecture is the one that they take, and it is short."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("make_way", ROOT / "docs" / "make_way.py")
assert spec is not None and spec.loader is not None
make_way = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_way)


def test_the_page_shows_the_way_and_it_is_short(tmp_path: Path) -> None:
    text = make_way.PAGE.read_text(encoding="utf-8")
    assert make_way.page(text, tmp_path) == text, "run python docs/make_way.py"
    tables = text.split(make_way.MARKS[0])[1].split(make_way.MARKS[1])[0].split("With `kind")[1:]
    for table in tables:
        files = [line.split("`")[1] for line in table.splitlines() if line.startswith("| ") and "`" in line]
        assert 4 <= len(set(files)) <= make_way.LONGEST


def test_a_way_that_climbs_back_is_not_taken() -> None:
    edges = {("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")}
    assert make_way.way(edges, ("a", "b", "d")) == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="no way from b to e"):
        make_way.way(edges, ("a", "b", "e"))
