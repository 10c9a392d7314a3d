"""The page: self-contained, escaped, well formed, the same every time, written whole or not at all."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_cases import NAMES, SHAPE, case

from dipproofs.report import certificate_html, write_report
from dipproofs.report.details import toml_text

EVIL = "<script>alert('x')</script>&\"'"
VOID = {"meta", "img", "br", "link", "hr", "input"}


class Reader(HTMLParser):
    """Checks that tags nest, and gathers ids, references and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href", "action"):
                self.sources.append(value or "")
            assert not name.startswith("on")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@cache
def page_of(name: str) -> str:
    return certificate_html(case(name), image_shape=SHAPE if name == "picture" else None)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_stands_alone(name: str) -> None:
    text = page_of(name)
    page = read(text)
    assert "script" not in page.tags
    assert len(page.ids) == len(set(page.ids))
    assert all(source.startswith(("#", "data:image/png;base64,")) for source in page.sources)
    assert {source[1:] for source in page.sources if source.startswith("#")} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(page.ids)
    assert "http://" not in text and "https://" not in text


@pytest.mark.parametrize("name", NAMES)
def test_every_hypothesis_and_quantity_is_on_it(name: str) -> None:
    cert = case(name)
    text = read(page_of(name)).text
    for hypothesis in cert.hypotheses:
        assert str(hypothesis.verdict) in text and hypothesis.reason in text
    for key, bound in cert.quantities.items():
        assert bound is None or key in text
    assert "dipproofs verify certificate.json" in text


def test_it_is_the_same_every_time() -> None:
    assert page_of("picture") == certificate_html(case("picture"), image_shape=SHAPE)


def test_pictures_are_on_it() -> None:
    assert page_of("picture").count("<img ") == 4
    assert certificate_html(case("picture")).count("<img ") == 4  # the problem says that it is a picture
    assert certificate_html(case("proved")).count("<img ") == 0


def test_an_estimate_is_not_dressed_as_a_proof() -> None:
    text = read(page_of("estimated")).text
    assert "? estimated" in text and "nothing here is a proof" in text
    assert "guaranteed from" not in text and "Estimates (not proved)" in text


def test_everything_is_escaped() -> None:
    cert = case("proved")
    hypothesis = replace(cert.hypotheses[0], id=EVIL, statement=EVIL, reason=EVIL)
    poisoned = replace(
        cert,
        hypotheses=(hypothesis, *cert.hypotheses[1:]),
        profile=EVIL,
        loss={**cert.loss, "convention": EVIL},
        network={**cert.network, "activation": EVIL},
        provenance={**cert.provenance, "device": EVIL, "jax": EVIL, "problem": {"signal": {EVIL: EVIL}, EVIL: 1}},
        guarantees=replace(cert.guarantees, extra={**cert.guarantees.extra, EVIL: EVIL}),
    )
    text = certificate_html(poisoned, title=EVIL, problem_text=EVIL)
    assert "script" not in read(text).tags
    assert "script" not in read(certificate_html(poisoned)).tags


def test_the_problem_is_toml() -> None:
    tables = {"operator": {"kind": "gaussian", "rows": 5, "level": 0.5, "on": True, "shape": [2, 3], "none": None}}
    again = tomllib.loads(toml_text(tables))
    assert again == {"operator": {k: v for k, v in tables["operator"].items() if v is not None}}


def test_it_is_written_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("before", encoding="utf-8")
    assert write_report(case("proved"), target) == target
    assert target.read_text(encoding="utf-8") == page_of("proved")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    target.write_text("before", encoding="utf-8")

    def fail(source: str, target: Path) -> None:
        raise OSError("full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="full"):
        write_report(case("proved"), target)
    assert target.read_text(encoding="utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
