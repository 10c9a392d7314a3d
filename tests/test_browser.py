"""Pages in a real browser: no overflow on a telephone, nothing from outside, alternative texts, dark mode.

Run by `tox -e browser`, where there is a Chromium.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import pytest
from report_cases import case

from dipproofs.report import certificate_html, comparison_html
from dipproofs.report.saved import Saved

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = [
    pytest.mark.skipif(os.environ.get("DIPPROOFS_BROWSER") != "1", reason="run by tox -e browser"),
    pytest.mark.skipif(BROWSER is None, reason="found no Chromium"),
]
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--virtual-time-budget=4000", "--dump-dom",
)  # fmt: skip
_PROBE = """
const frame = document.querySelector('iframe');
frame.addEventListener('load', () => {
  const page = frame.contentDocument, root = page.documentElement, view = frame.contentWindow;
  const colour = view.getComputedStyle(page.body);
  document.querySelector('pre').textContent = JSON.stringify({
    width: root.clientWidth, scroll: root.scrollWidth, title: page.title,
    images: [...page.images].map(image => [image.alt, image.complete && image.naturalWidth > 0]),
    labels: [...page.querySelectorAll('svg')].map(svg => svg.getAttribute('aria-label')),
    requests: view.performance.getEntriesByType('resource').map(entry => entry.name),
    scrollable: [...page.querySelectorAll('.scroll')].map(table => table.tabIndex),
    scopes: [...page.querySelectorAll('th')].map(head => head.scope),
    background: colour.backgroundColor, text: colour.color,
  });
});
"""


@cache
def html(name: str) -> str:
    if name == "side by side":
        return comparison_html([Saved(one, case(one), {}) for one in ("proved", "picture", "failed")])
    return certificate_html(case(name))


def look(page: str, folder: Path, *flags: str) -> dict[str, Any]:
    """Show a page in a frame of 390 pixels and return what the browser says about it."""
    harness = folder / "harness.html"
    frame = f"<iframe width=390 height=800 style='border:0' srcdoc=\"{escape(page, quote=True)}\"></iframe>"
    harness.write_text(f"<meta charset=utf-8><pre></pre>{frame}<script>{_PROBE}</script>", encoding="utf-8")
    assert BROWSER is not None
    command = [BROWSER, *_FLAGS, *flags, f"--user-data-dir={folder / 'profile'}", harness.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r"<pre>(\{.*?\})</pre>", done.stdout, re.DOTALL)
    assert found is not None, done.stderr[-500:]
    seen: dict[str, Any] = json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    return seen


@pytest.mark.parametrize("name", ["proved", "picture", "failed", "side by side"])
def test_a_page_on_a_telephone(name: str, tmp_path: Path) -> None:
    seen = look(html(name), tmp_path)
    assert seen["scroll"] <= seen["width"] <= 390
    assert all(not request.startswith("http") for request in seen["requests"])
    assert all(len(alt) > 20 and shown for alt, shown in seen["images"])
    assert all(len(label) > 20 for label in seen["labels"])
    assert seen["images"] or name not in ("picture", "side by side")
    assert all(index == 0 for index in seen["scrollable"]) and set(seen["scopes"]) <= {"col", "row"}


def test_dark_pages_are_dark(tmp_path: Path) -> None:
    light, dark = look(html("picture"), tmp_path), look(html("picture"), tmp_path, "--force-dark-mode")

    def brightness(colour: str) -> int:
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert brightness(light["background"]) > 600 > brightness(light["text"])
    assert brightness(dark["background"]) < 150 < 500 < brightness(dark["text"])
