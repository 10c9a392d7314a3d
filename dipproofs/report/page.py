"""The frame of a page: its style and the few pieces of markup it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

_CSS = """
:root { color-scheme: light dark; --ink: #1b1f23; --dim: #57606a; --paper: #fffffe; --rule: #d3d7db; --tint: #f4f6f7;
  --proved: #00704f; --refuted: #a8321c; --undecided: #7a5b00;
  --observed: #0072b2; --guaranteed: #c85200; --other: #8a4b80; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --dim: #a3abb3; --paper: #15181b; --rule: #363c42;
  --tint: #1d2125; --proved: #4cc49a; --refuted: #f08a72; --undecided: #e0bb52;
  --observed: #5ab4ec; --guaranteed: #f5954a; --other: #d7a3cb; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.2rem 1.1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.05rem; font-weight: 600; color: var(--dim); margin: 0 0 .8rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: .2rem 0 .4rem; }
p { margin: .5rem 0; max-width: 46rem; }
ul { margin: .3rem 0; padding-left: 1.2rem; } li { margin: .25rem 0; }
.answer { border-left: .35rem solid var(--undecided); background: var(--tint); padding: .8rem 1.1rem; }
.answer.proved { border-color: var(--proved); } .answer.refuted { border-color: var(--refuted); }
.answer.assumed { border-color: var(--proved); border-left-style: double; }
.claims { list-style: none; margin: .7rem 0 0; padding: 0; } .claims li { margin: .35rem 0; }
.claims b { display: inline-block; min-width: 7.4rem; } .mark.assumed { color: var(--proved); }
.mark.estimated { color: var(--undecided); }
.verdict { font-weight: 700; margin: 0; letter-spacing: .02em; color: var(--undecided); }
.proved .verdict, .mark.proved { color: var(--proved); } .refuted .verdict, .mark.refuted { color: var(--refuted); }
.mark { font-weight: 600; white-space: nowrap; } .mark.undecided { color: var(--undecided); }
.headline { font-size: 1.3rem; line-height: 1.35; margin: .2rem 0 .5rem; max-width: none; }
.note, figcaption, .reason { color: var(--dim); font-size: .9rem; } .reason { margin: .2rem 0 0; }
.reason::before { content: "→ "; }
.formula { font-family: "STIX Two Math", "Cambria Math", Georgia, serif; font-style: italic; color: var(--dim); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: .5rem 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; font-size: .94rem; }
tbody th { font-weight: 500; white-space: normal; border-bottom: 1px solid var(--rule); }
.scroll:focus-visible { outline: 2px solid var(--observed); outline-offset: 2px; }
a { color: var(--observed); }
thead th, th { text-align: left; font-weight: 600; color: var(--dim); border-bottom: 1.5px solid var(--rule); }
th, td { padding: .3rem 1.1rem .3rem 0; vertical-align: top; } td { border-bottom: 1px solid var(--rule); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number { white-space: normal; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: .4rem 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--tint); padding: .8rem 1rem; overflow-x: auto; font-size: .86rem; line-height: 1.4; }
code, pre { font-family: ui-monospace, "SF Mono", Consolas, "DejaVu Sans Mono", monospace; }
summary { cursor: pointer; color: var(--dim); }
figure { margin: .6rem 0; } .plot { max-width: 40rem; } .plot svg { width: 100%; height: auto; display: block; }
.plot svg * { stroke-linejoin: round; stroke-linecap: butt; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem; }
.panels figure { margin: 0; } .panels img { width: 100%; image-rendering: pixelated; display: block; }
@media (max-width: 34rem) { body { font-size: 15px; } .headline { font-size: 1.12rem; }
  .panels { grid-template-columns: 1fr 1fr; } dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print { :root { --ink: #000; --dim: #444; --paper: #fff; --rule: #bbb; --tint: #f4f4f4; --proved: #00563d;
  --refuted: #8a2210; --undecided: #5e4600;
  --observed: #00588a; --guaranteed: #a84400; --other: #6d3a65; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  figure, tr, .answer { break-inside: avoid; } h2, h3 { break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; }
  pre { white-space: pre-wrap; } .scroll { overflow: visible; } }
"""


def page(title: str, description: str, body: str) -> str:
    """Frame the body of a page.

    Args:
        title, description: plain text.
        body: markup, already escaped.
    """
    return (
        "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'img-src data:">\n'
        f"<meta name='description' content='{escape(description)}'>\n<title>{escape(title)}</title>\n"
        f"<style>{_CSS}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def section(heading: str, body: str, anchor: str = "") -> str:
    """A section; the heading is plain text, the body markup; the anchor is by default made from the heading."""
    name = anchor or re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
    return f"<section id='{escape(name)}'><h2>{escape(heading)}</h2>{body}</section>"


def item_list(lines: Iterable[str]) -> str:
    """A list of plain-text lines."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def definition_list(rows: Iterable[tuple[str, str]]) -> str:
    """Names with their values, plain text."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows) + "</dl>"


def data_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
    raw: bool = False,
    label: str = "Table",
    heads_of_rows: bool = False,
) -> str:
    """A table of plain text that can be scrolled with the keyboard where it is too wide.

    Args:
        heads: column heads.
        rows: cells.
        numbers: columns set flush right.
        raw: cells are markup already.
        label: what is read aloud for the table.
        heads_of_rows: the first column names the rows.
    """

    def cell(tag: str, index: int, text: str) -> str:
        mark = " class='number'" if index in numbers else ""
        shown = text if raw and tag == "td" else escape(text)
        if tag == "th":
            return f"<th scope='col'{mark}>{shown}</th>"
        if heads_of_rows and index == 0:
            return f"<th scope='row'{mark}>{shown}</th>"
        return f"<td{mark}>{shown}</td>"

    head = "".join(cell("th", index, text) for index, text in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(cell("td", index, text) for index, text in enumerate(row)) + "</tr>" for row in rows
    )
    name = escape(label, quote=True)
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{name}'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
