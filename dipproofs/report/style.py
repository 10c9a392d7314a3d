"""How the project's pictures look: colours, sizes, fonts, in one place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dipproofs.compilation_cache import cache_folder
from dipproofs.report.notation import SUPERSCRIPT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours that people with any kind of colour vision tell apart (Okabe and Ito), dark enough on white.
OBSERVED, GUARANTEED, CERTIFIED, OTHER = "#0072b2", "#c85200", "#00805f", "#8a4b80"
#: The CSS variable of the page for each colour of a picture: a dark page takes lighter ones.
PAGE_COLOURS = {
    OBSERVED: "var(--observed)",
    GUARANTEED: "var(--guaranteed)",
    CERTIFIED: "var(--proved)",
    OTHER: "var(--other)",
}
#: Text and lines of the frame; `svg_text` turns them into the page's own colours.
INK, RULE, PAPER = "#1b1f23", "#d3d7db", "#fffffe"
#: Behind labels, so that they can be read across lines.
LABEL_BOX = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.2, "alpha": 0.85}

_SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 9.5,
    "legend.frameon": False,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "dipproofs",
    "path.simplify": True,
    "figure.constrained_layout.w_pad": 0.09,
    "figure.constrained_layout.h_pad": 0.05,
}


def import_figures() -> None:
    """Import matplotlib for a process that does nothing but draw and end.

    matplotlib writes a table of properties into the docstring of every artist's `set`, a third of its import; without.
    Where it has no list of fonts yet, a list of our own leaves out PostScript's, which take nine tenths of the time.
    """
    import matplotlib
    from matplotlib import artist

    replaced: list[tuple[Any, str, Any]] = [(artist, "kwdoc", lambda artist: "")]
    known = any(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"))
    own = None if known or "matplotlib.font_manager" in sys.modules else cache_folder("figures")
    with suppress(ImportError):  # where matplotlib has moved its parser, the list takes as long as ever
        from matplotlib import _afm

        if own is not None:
            replaced += [(matplotlib, "get_cachedir", lambda: str(own)), (_afm, "AFM", _no_font)]
    before = [(module, name, getattr(module, name, None)) for module, name, _ in replaced]
    try:
        for module, name, value in replaced:
            setattr(module, name, value)
        import matplotlib.backends.backend_agg
        import matplotlib.backends.backend_svg
        import matplotlib.figure
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def _no_font(file: Any) -> None:
    raise OSError("a font that SVG and PNG do not use")


@contextmanager
def style() -> Iterator[None]:
    """Draw and save in the project's style; the caller's matplotlib settings come back afterwards."""
    import matplotlib

    defaults = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
    with matplotlib.rc_context({**defaults, **_SETTINGS}):
        yield


def new_figures(rows: int, columns: int, width: float = 3.6, height: float = 3.0) -> tuple[Figure, Any]:
    """Make a figure with a grid of axes, (rows, columns), without pyplot; call it within `style()`.

    Args:
        rows, columns: of the grid. width, height: of one of its axes, in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def new_figure(width: float = 5.3, height: float = 3.5) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes, without pyplot.

    Args:
        width, height: in inches.
    """
    figure, axes = new_figures(1, 1, width, height)
    return figure, axes[0][0]


def logarithmic(axis: Any) -> None:
    """Make an axis logarithmic."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})


def decades(axis: Any) -> None:
    """Make an axis logarithmic, with powers of ten in plain characters, few enough to be read."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    logarithmic(axis)
    axis.set_major_locator(LogLocator(base=10, numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axis.set_minor_formatter(NullFormatter())


def power_of_ten(value: float) -> str:
    """Write a power of ten.

    Example:
        >>> power_of_ten(1e-12), power_of_ten(100.0), power_of_ten(1.0)
        ('10⁻¹²', '100', '1')
    """
    import math

    if value <= 0:
        return ""
    exponent = round(math.log10(value))
    return f"{10**exponent}" if 0 <= exponent <= 3 else "10" + str(exponent).translate(SUPERSCRIPT)


def iterations_axis(axes: Axes) -> None:
    """Label the axis of iterations, in whole numbers."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlabel("iteration τ")
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{int(value):,}".replace(",", "\u202f")))
