"""Links within README and manual lead somewhere; links to the outside are few."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs_blocks import ROOT, pages

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PICTURE = re.compile(r"^```\{(?:image|include|literalinclude)\} (\S+)", flags=re.MULTILINE)
#: Where links to the outside may lead.
OUTSIDE = ("https://arxiv.org/", "https://doi.org/", "https://pypi.org/")
BUILT = ("_generated/", "built/", "reference/api/", "reference/command-line.md")


def without_code(text: str) -> str:
    return re.sub(r"^(```+)\w+\n.*?^\1$|`[^`\n]+`", "", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    dead = []
    base = ROOT / "docs" if page.parent.name == "_parts" else page.parent
    for target in [*LINK.findall(without_code(text)), *PICTURE.findall(text)]:
        if target.startswith(("http:", "https:")):
            if not target.startswith(OUTSIDE):
                dead.append(target)
            continue
        path, _, anchor = target.partition("#")
        file = (base / path).resolve() if path else page
        inside = str(file.relative_to(ROOT / "docs")) if file.is_relative_to(ROOT / "docs") else ""
        built = not file.exists() and inside.startswith(BUILT)
        if not (built or (file.exists() and (not anchor or anchor in anchors(file)))):
            dead.append(target)
    assert not dead


def anchors(file: Path) -> set[str]:
    text = file.read_text(encoding="utf-8")
    labels = set(re.findall(r"^\(([\w-]+)\)=$", text, flags=re.MULTILINE))
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return labels | {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_a_table_of_contents() -> None:
    docs = ROOT / "docs"
    listed = {docs / "index.md"}
    for page in pages():
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
            listed |= {(page.parent / f"{line}.md").resolve() for line in block.splitlines() if line[:1].strip(":")}
    written = {p for p in pages() if p.is_relative_to(docs) and p.parent.name != "_parts"}
    assert written <= listed


def test_every_hypothesis_leads_to_its_theorem() -> None:
    from dipproofs.certificate.record import Certificate, Guarantees, Hypothesis
    from dipproofs.enclosures import Verdict
    from dipproofs.report import words
    from dipproofs.report.manual import link
    from dipproofs.theory.methods import METHOD_THEOREMS, METHODS

    ids = {*words.TITLES, "form", "method", "ball", "something else"}
    ids |= {c.id for theorem in METHOD_THEOREMS.values() for c in theorem.hypotheses}
    parts = [*(ROOT / "docs").glob("theory*.md"), *(ROOT / "docs" / "_parts").glob("*.md")]
    there = {page.stem: anchors(page) for page in parts}
    there["theory"] |= set().union(*(there[part.stem] for part in parts if part.parent.name == "_parts"))
    seen = set()
    for method in METHODS:
        for form in words.FORM_WORDS:
            for schedule in ("constant", "backtracking"):
                cert = Certificate(
                    Verdict.UNDECIDED, form, "block", 0, {}, (), Guarantees(), {}, {}, {}, {"kind": schedule}, {},
                    method={"kind": method},
                )  # fmt: skip
                for id in ids:
                    address, where = link(Hypothesis(id, "", Verdict.PROVED), cert, "manual")
                    page, _, anchor = address.removeprefix("manual/").partition(".html#")
                    assert anchor in there[page], (method, form, id, address)
                    assert link(Hypothesis(id, "", Verdict.PROVED), cert, None)[0] == "#theorem" and "§" in where
                    seen.add(address)
    assert len(seen) >= 9
