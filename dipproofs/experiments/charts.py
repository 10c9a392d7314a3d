"""Figures of experiments, in the style of the reports; the same data gives the same bytes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.certificate.write import write_atomically
from dipproofs.report.canvas import png_bytes
from dipproofs.report.style import CERTIFIED, GUARANTEED, INK, OBSERVED, OTHER, decades, logarithmic, style
from dipproofs.report.style import new_figures as panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CERTIFIED", "CYCLE", "GUARANTEED", "INK", "MARKS", "OBSERVED", "OTHER", "decades", "heat", "panels",
           "plain_log", "save", "style"]  # fmt: skip

#: Colours in order, told apart with any kind of colour vision.
CYCLE = (OBSERVED, GUARANTEED, CERTIFIED, OTHER, "#56b4e9", "#b58900", INK)
MARKS = ("o", "s", "^", "D", "v", "P", "X")
#: Pictures committed to the documentation stay small.
_DPI = 110


def plain_log(axis: Any, values: Sequence[float]) -> None:
    """Make an axis logarithmic, with the given values in plain numbers, as many as can be read."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

    logarithmic(axis)
    chosen = sorted(set(values))
    while len(chosen) > 7:
        chosen = chosen[::2]
    axis.set_major_locator(FixedLocator(chosen))
    axis.set_major_formatter(FixedFormatter([f"{value:g}" for value in chosen]))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(FixedLocator([]))


def heat(axes: Axes, x: Sequence[float], y: Sequence[float], values: np.ndarray, title: str = "") -> Any:
    """Draw frequencies in [0, 1] over a grid whose axes are labelled by their values; grey where unknown.

    Args:
        x, y: labels of columns and rows. values: (len(y), len(x)).
    """
    from matplotlib import colormaps

    colours = colormaps["Blues"].with_extremes(bad="#e8e8e8")
    image = axes.imshow(np.ma.masked_invalid(values), origin="lower", aspect="auto", vmin=0, vmax=1, cmap=colours)
    every = max(1, math.ceil(len(y) / 9))
    axes.set_xticks(range(len(x)), [f"{v:g}" for v in x])
    axes.set_yticks(range(0, len(y), every), [f"{v:g}" for v in y[::every]])
    axes.grid(False)
    axes.set_title(title)
    return image


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write PNG and SVG, atomically, without date or machine."""
    stream = io.StringIO()
    with style():
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    write_atomically(folder / f"{name}.svg", stream.getvalue().encode())
    write_atomically(folder / f"{name}.png", png_bytes(figure, _DPI))
