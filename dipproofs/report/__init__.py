"""One record, many renderings: console, HTML, pictures. Nothing here computes mathematics.

Public names are loaded when first used, so that progress can be shown before anything heavy is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dipproofs.report.canvas import png_bytes, svg_text
    from dipproofs.report.claims import claim_lines
    from dipproofs.report.compare import comparison_html
    from dipproofs.report.console import render_certificate, render_check, to_text
    from dipproofs.report.html import certificate_html, write_report
    from dipproofs.report.images import image_figure, image_panels
    from dipproofs.report.plots import loss_figure, path_figure

_MODULES = {
    "certificate_html": "html",
    "claim_lines": "claims",
    "comparison_html": "compare",
    "image_figure": "images",
    "image_panels": "images",
    "loss_figure": "plots",
    "path_figure": "plots",
    "png_bytes": "canvas",
    "render_certificate": "console",
    "render_check": "console",
    "svg_text": "canvas",
    "to_text": "console",
    "write_report": "html",
}

__all__ = [
    "certificate_html",
    "claim_lines",
    "comparison_html",
    "image_figure",
    "image_panels",
    "loss_figure",
    "path_figure",
    "png_bytes",
    "render_certificate",
    "render_check",
    "svg_text",
    "to_text",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
