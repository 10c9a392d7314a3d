"""Write what the manual derives from the package: formulas, commands, public names.

Run by Sphinx before it reads the pages. The files under `docs/_generated/` and `docs/reference/api/` are not kept in
version control.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import api_pages
import command_pages
import formula_tables


def pages() -> dict[str, str]:
    """Return every generated file, by path relative to ``docs/``."""
    result = {f"_generated/{name}": text for name, text in formula_tables.fragments().items()}
    result |= {f"reference/api/{name}": text for name, text in api_pages.api_pages().items()}
    result["reference/command-line.md"] = command_pages.command_page()
    return result


def write(docs: Path) -> None:
    """Write the files; those that are up to date keep their date."""
    for name, text in pages().items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def escape_docstring(lines: list[str]) -> None:
    """Make a plain-text docstring safe for reStructuredText, in place: `code` is literal, ``|x|`` is text."""
    doctest = False
    for i, line in enumerate(lines):
        doctest = line.lstrip().startswith(">>>") or (doctest and bool(line.strip()))
        if not doctest:
            pieces = re.split(r"(``[^`]+``|`[^`]+`)", line)
            lines[i] = "".join(_literal(p) if p.startswith("`") else _plain(p) for p in pieces)


def _literal(piece: str) -> str:
    return piece if piece.startswith("``") else f"`{piece}`"


def _plain(piece: str) -> str:
    bullet = re.match(r"\s*\* ", piece)
    start = bullet.end() if bullet else 0
    return piece[:start] + re.sub(r"[*|]|_(?=\W|$)", lambda found: "\\" + found[0], piece[start:])


def setup(app: Any) -> dict[str, Any]:
    """Connect the two steps."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir)))
    app.connect(
        "autodoc-process-docstring",
        lambda app, what, name, obj, options, lines: escape_docstring(lines),
        priority=100,
    )
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
