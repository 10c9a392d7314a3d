"""Figures as bytes: SVG that fits into a page and is the same every time, PNG for everything else."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dipproofs.report.style import INK, PAGE_COLOURS, PAPER, RULE, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def svg_text(figure: Figure, name: str, description: str) -> str:
    """Write a figure as an `<svg>` element for a page.

    Args:
        figure: a figure of this package.
        name: unique on the page; prefix of every id.
        description: read aloud in place of the picture.

    Returns:
        Markup without prolog, metadata, dates or references outside the page; text and frame take the page's
        colours. The same figure gives the same characters.
    """
    from html import escape

    stream = io.StringIO()
    with style(), _laid_out(figure):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\sid=")', rf"\g<1>{name}-", text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, variable in PAGE_COLOURS.items():
        text = text.replace(colour, variable)
    text = text.replace(INK, "currentColor").replace(RULE, "var(--rule)").replace(PAPER, "var(--paper)")
    text = re.sub(r"<style.*?</style>", "", text, count=1, flags=re.DOTALL)
    opening, rest = text.split(">", 1)
    opening = re.sub(r'\s(width|height)="[^"]*"', "", opening)
    opening = re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", opening)
    return f'{opening} role="img" aria-label="{escape(description)}">{rest}'.strip()


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Find the layout for SVG and draw once: matplotlib itself draws twice, the first time for the layout alone."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas, engine, dpi = figure.canvas, figure.get_layout_engine(), figure.dpi
    if engine is None:
        yield
        return
    try:
        FigureCanvasSVG(figure)
        figure.dpi = 72
        engine.execute(figure)
        figure.set_layout_engine("none")
        yield
    finally:
        figure.set_layout_engine(engine)
        figure.set_canvas(canvas)
        figure.dpi = dpi


def png_bytes(figure: Figure, dpi: int = 160, *, background: str = "white") -> bytes:
    """Write a figure as PNG, without date or machine.

    Args:
        figure: a figure of this package.
        dpi: dots per inch.
        background: colour behind it.
    """
    stream = io.BytesIO()
    with style():
        figure.savefig(stream, format="png", dpi=dpi, facecolor=background, metadata={"Software": None})
    return stream.getvalue()
