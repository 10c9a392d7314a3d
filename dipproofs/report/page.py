"""The frame of a page: its style and the few pieces of markup it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path


def page(title: str, description: str, body: str) -> str:
    """Frame the body of a page.

    Args:
        title, description: plain text.
        body: markup, already escaped.
    """
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return (
        "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'img-src data:">\n'
        f"<meta name='description' content='{escape(description)}'>\n<title>{escape(title)}</title>\n"
        f"<style>\n{style}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
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
