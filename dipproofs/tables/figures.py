"""Pictures of width tables: k against n, m or κ(A), log–log, from the table's own records."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dipproofs.errors import InputError, unwritable
from dipproofs.tables.options import unknown
from dipproofs.tables.table import Table

AXES: dict[str, str] = {
    "n": "length of the signal n",
    "m": "number of observations m",
    "kappa": "condition number κ(A)",
}
#: Colours of Okabe and Ito, told apart with colour-blind eyes; markers tell the forms apart in print.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", ":", "-.")
_NAMES = {"n": "n", "m": "m", "kappa": "κ", "q": "q", "delta": "δ"}


def width_figure(table: Table, x: str, series: Sequence[str] = ("form", "bound")) -> Any:
    """Draw k against one parameter, one line for each value of ``series``.

    Args:
        table: a width table; all other parameters should be the same in all records, or be in ``series``.
        x: "n", "m" or "kappa".
        series: one to four keys; the first chooses colour and marker, the others the line style.

    Returns:
        A matplotlib figure, without a screen.

    Raises:
        InputError: unknown axis, or records that differ in something that is neither x nor in ``series``.

    Notes:
        Evidence: the widths are proved; slopes in the legend are estimated (last two points).
    """
    if table.name != "width" or not 1 <= len(series) <= 4:
        raise InputError(f"figure: found table {table.name} with {len(series)} series, expected width with 1 to 4")
    if x not in AXES:
        raise unknown(x, "figure axis", AXES)
    _require_one_family(table, x, series)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 4.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    styles: list[dict[Any, str]] = [{}, {}]
    for key, points in _lines(table.records, x, series).items():
        colour = _pick(styles[0], key[0], _COLOURS)
        line = _pick(styles[1], key[1:], _LINES)
        marker = _MARKERS[list(styles[0]).index(key[0]) % len(_MARKERS)]
        label = ", ".join(_label(name, value) for name, value in zip(series, key)) + _slope(points)
        xs, ks = zip(*points)
        axes.loglog(xs, ks, color=colour, linestyle=line, marker=marker, markersize=4, linewidth=1.4, label=label)
    axes.set_xlabel(AXES[x])
    axes.set_ylabel("sufficient width $k$ (hidden units, proved)")
    axes.grid(True, which="major", linewidth=0.4, alpha=0.6)
    figure.legend(loc="outside right upper", fontsize=7, frameon=False, title="slope of the last step in brackets",
                  title_fontsize=7)  # fmt: skip
    axes.set_title(_title(table, x, series), fontsize=8)
    return figure


def save_figure(figure: Any, path: Path | str) -> Path:
    """Write a figure to a .png, .pdf or .svg file, whole or not at all.

    Raises:
        InputError: another suffix, or a folder that cannot be written to.
    """
    from dipproofs.certificate.write import write_atomically

    target = figure_target(path)
    stream = io.BytesIO()
    format = target.suffix[1:]
    figure.savefig(stream, format=format, metadata={"Software": None} if format == "png" else None)
    with unwritable(f"figure {target}: cannot write there", "; choose another file"):
        write_atomically(target, stream.getvalue())
    return target


def figure_target(path: Path | str) -> Path:
    """Return the path if a figure can be written there, before any work is done.

    Raises:
        InputError: a suffix other than .png, .pdf or .svg, or a folder that cannot be written to.
    """
    from dipproofs.certificate.write import require_writable

    target = Path(path)
    if target.suffix not in (".png", ".pdf", ".svg"):
        raise InputError(f"figure {target}: found suffix {target.suffix!r}, expected .png, .pdf or .svg")
    with unwritable(f"figure {target}: cannot write there", "; choose another file"):
        require_writable(target)
    return target


def varying_axis(table: Table) -> str:
    """Return the one of n, m, κ(A) that takes several values; n before m before κ(A) where several do.

    Raises:
        InputError: none does.
    """
    return _varying(table)[0]


def varying_series(table: Table) -> tuple[str, ...]:
    """Return the keys that tell the curves of a picture apart: the other sizes that vary, then form and bound.

    Raises:
        InputError: no size varies, so that there is nothing to draw against.
    """
    _, *others = _varying(table)
    words = [key for key in ("form", "bound") if len({record[key] for record in table.records}) > 1]
    return (*others, *(words or () if others else words or ("form",)))


def _varying(table: Table) -> list[str]:
    found = [key for key in AXES if len({record[key] for record in table.records}) > 1]
    together = {(record["n"], record["m"]) for record in table.records}
    if found[:2] == ["n", "m"] and len({record["n"] for record in table.records}) == len(together):
        found.remove("m")  # m follows from n
    if not found:
        raise InputError("--plot: found no varying size, expected one of --n, --m, --kappa with a list")
    return found


def _lines(
    records: Sequence[Mapping[str, Any]], x: str, series: Sequence[str]
) -> dict[tuple[Any, ...], list[tuple[float, float]]]:
    lines: dict[tuple[Any, ...], list[tuple[float, float]]] = {}
    for record in records:
        if record["k"] is not None:
            lines.setdefault(tuple(record[key] for key in series), []).append((record[x], float(record["k"])))
    return {key: sorted(points) for key, points in lines.items()}


#: What a picture may leave unsaid: what follows from x, and what is not a parameter.
_FREE = {"y_norm", "k", "k_flow", "ratio", "chosen", "order", "reason", "d"}


def _require_one_family(table: Table, x: str, series: Sequence[str]) -> None:
    follows = {"q"} if "form" in series else set()
    for key in table.records[0].keys() - _FREE - {x, *series} - follows:
        if len({record[key] for record in table.records}) > 1 and not (key == "m" and x == "n"):
            raise InputError(f"figure: found several values of {key}, expected one, or {key} among the series")


def _label(key: str, value: Any) -> str:
    return f"{_NAMES[key]} = {value:g}" if key in _NAMES else str(value)


def _pick(known: dict[Any, str], key: Any, choices: Sequence[str]) -> str:
    return known.setdefault(key, choices[len(known) % len(choices)])


def _slope(points: Sequence[tuple[float, float]]) -> str:
    if len(points) < 2 or points[-1][0] == points[-2][0]:
        return ""
    from math import log

    (a, k_a), (b, k_b) = points[-2:]
    return f"  [{log(k_b / k_a) / log(b / a):.2f}]"


def _title(table: Table, x: str, series: Sequence[str]) -> str:
    first = table.records[0]
    fixed = [
        _label(key, first[key]) for key in _NAMES if key != x and len({record[key] for record in table.records}) == 1
    ]
    steps = sorted({record["q"] for record in table.records if record["form"] != "flow"})
    if len(steps) == 1 and not any(text.startswith("q = ") for text in fixed):
        fixed.append(f"q = {steps[0]:g}")
    shown = [key for key in ("form", "bound") if len({record[key] for record in table.records}) == 1]
    words = [str(first[key]) for key in (*shown, "loss", "train", "activation", "law") if key not in series]
    return ", ".join([*words, *fixed])
