"""Write the pages that are made of stored results: notebooks and the gallery of certificates.

Markdown and pictures go to `docs/built/` before Sphinx reads the pages, reports beside the finished pages. Neither is
kept in version control.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gallery
import notebooks


def write(docs: Path) -> None:
    """Write the pages; those that are up to date keep their date."""
    for name, content in (notebooks.pages() | gallery.pages()).items():
        path = docs / "built" / name
        data = content.encode() if isinstance(content, str) else content
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def write_reports(app: Any, failure: Exception | None) -> None:
    """Put the reports beside the pages, and the notebooks to download."""
    if failure is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for name, text in gallery.reports().items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Connect the two steps."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir)))
    app.connect("build-finished", write_reports)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
