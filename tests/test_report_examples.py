"""The terminal's text and the report of every example, from the certificates that the gallery keeps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from report_cases import fits_on_a_screen

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
import gallery  # noqa: E402

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.toml"))


def test_every_example_is_in_the_gallery() -> None:
    missing = [name for name in EXAMPLES if name not in gallery.names()]
    assert not missing, f"python docs/make_gallery.py {' '.join(missing)}"
    assert set(gallery.names()) <= set(EXAMPLES)


@pytest.mark.parametrize("name", gallery.names())
def test_the_text_of_an_example_fits_on_a_screen_and_is_as_ever(name: str) -> None:
    text = gallery.Kept(name).text
    fits_on_a_screen(text)
    kept = (gallery.STORE / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")
    assert text == kept, "python docs/make_gallery.py --texts"
