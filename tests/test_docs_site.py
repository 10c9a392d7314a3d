"""What the manual is made of: generated pages, offline formulas, and the build itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytest.importorskip("docutils", reason="the manual needs the extra docs")
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
import command_pages  # noqa: E402
import formula_tables  # noqa: E402
import generated_pages  # noqa: E402
import offline_math  # noqa: E402

from dipproofs import theory  # noqa: E402


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx", reason="the manual needs the extra docs")
    out = tmp_path_factory.mktemp("site")
    environment = {
        **os.environ,
        "no_proxy": "",
        "https_proxy": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(out / "trees")]
    command += ["-D", "toc_object_entries=0"]  # a quarter of the time goes into copying them to every page's sidebar
    done = subprocess.run(
        [*command, str(ROOT / "docs"), str(out / "html")], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return out / "html"


def test_the_manual_builds_without_warnings_and_without_network(site: Path) -> None:
    assert (site / "index.html").exists() and (site / "reference" / "command-line.html").exists()


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)"')
    found = {url for page in site.rglob("*.html") for url in loaded.findall(page.read_text(encoding="utf-8"))}
    assert not found


def test_formulas_are_written_as_mathml(site: Path) -> None:
    page = (site / "reference" / "formulas.html").read_text(encoding="utf-8")
    assert page.count("<math") > 150 and r"\frac" not in page


def test_every_formula_is_printed() -> None:
    printed = "".join(formula_tables.fragments().values())
    tables = ("forms.", "profiles.", "losses.", "activations.")  # printed as tables, not by id
    missing = [f.id for f in theory.formulas() if f.id not in printed and not f.id.startswith(tables)]
    assert not missing


def test_every_formula_can_be_translated() -> None:
    for item in theory.formulas():
        assert offline_math.mathml(item.latex(), display=True).startswith("<math")


def test_cases_keep_their_second_line() -> None:
    text = offline_math.mathml(r"\begin{cases} a & \text{if}\: b \\\frac{c}{d} & \text{otherwise} \end{cases}")
    assert text.count("<mfrac>") == 1


def test_every_command_is_in_the_reference_with_an_example() -> None:
    page = command_pages.command_page()
    sections = page.split("\n## dipproofs ")[1:]
    assert {s.split("\n")[0] for s in sections} >= {"certify", "check", "verify", "table", "explain", "experiment"}
    for section in sections:
        assert "Example" in section, section.split("\n")[0]


def test_docstrings_are_made_safe() -> None:
    lines = ["|x| ≤ B_1 * s_", ">>> a | b", "3 | 4", "", "* `a_` and ``b|``"]
    generated_pages.escape_docstring(lines)
    assert lines == [r"\|x\| ≤ B_1 \* s\_", ">>> a | b", "3 | 4", "", "* ``a_`` and ``b|``"]
