"""One record, many renderings: console, HTML, pictures. Nothing here computes mathematics."""

from __future__ import annotations

from dipproofs.report.canvas import png_bytes, svg_text
from dipproofs.report.console import render_certificate, render_check, to_text
from dipproofs.report.html import certificate_html, write_report
from dipproofs.report.images import image_figure, image_panels
from dipproofs.report.plots import loss_figure, path_figure

__all__ = [
    "certificate_html",
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
