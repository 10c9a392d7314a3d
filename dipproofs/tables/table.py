"""A table: records, columns with units and evidence, and its renderings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dipproofs.errors import InputError, unwritable
from dipproofs.tables import render

#: Formats that a table can be rendered in.
FORMATS = ("md", "latex", "csv", "json")
#: Format that a file's suffix says.
_CURE = ", expected a file in an existing folder; choose another"
SUFFIXES = {".md": "md", ".tex": "latex", ".csv": "csv", ".json": "json"}


@dataclass(frozen=True)
class Column:
    """A column.

    Args:
        key: key in the records.
        label: heading.
        unit: unit or normalisation ("" for a pure number or a word).
        evidence: how the numbers are known: "proved", "estimated", "sampled", or "" for inputs and words.
        latex: heading in LaTeX; the label if empty.
        math: the cells are LaTeX formulas.
        parameter: an input; where it is the same in all rows, text renderings state it once, below the table.
    """

    key: str
    label: str
    unit: str = ""
    evidence: str = ""
    latex: str = ""
    parameter: bool = False
    math: bool = False


@dataclass(frozen=True)
class Table:
    """Records with columns; the same records render in every format.

    Args:
        name: name of the table.
        title: one line.
        columns: what to show, in order (records may hold more).
        records: one dictionary a row, with JSON values.
        notes: conventions and sources, one line each.

    Example:
        >>> table = Table("demo", "A demo", (Column("q", "q"), Column("k", "k", evidence="proved")),
        ...               ({"q": 0.5, "k": 12},))
        >>> print(table.render("csv"))
        q,k [proved]
        0.5,12
        <BLANKLINE>
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    records: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()

    def render(self, format: str = "md") -> str:
        """Return the table as text; deterministic.

        Args:
            format: "md", "latex" (booktabs), "csv" or "json" (a list of objects, one a record).

        Raises:
            InputError: unknown format.
        """
        if format not in FORMATS:
            raise InputError(f"format: found {format!r}, expected one of {', '.join(FORMATS)}")
        return str(getattr(render, f"to_{format}")(self))

    def write(self, path: str | os.PathLike[str], format: str | None = None) -> Path:
        """Write the table to a file, whole or not at all.

        Args:
            path: target; its folder must exist.
            format: as in `render`; by default from the suffix (.md, .tex, .csv, .json).

        Raises:
            InputError: unknown format, one that contradicts the suffix, or a folder that cannot be written to.
        """
        target = Path(path)
        write_text(target, self.render(format_of(target, format)))
        return target

    def plot(self, x: str | None = None, series: Sequence[str] | None = None) -> Any:
        """Draw a width table: k against n, m or κ(A), a curve for each value of the series.

        Args:
            x: "n", "m" or "kappa"; by default the first of them that varies.
            series: what tells the curves apart; by default the other sizes, forms and bounds that vary.

        Returns:
            A matplotlib figure.

        Raises:
            InputError: a table of another kind, or nothing that varies.
        """
        from dipproofs.tables.figures import varying_axis, varying_series, width_figure

        if self.name != "width":
            raise InputError(f"plot: found table {self.name}, expected table width")
        return width_figure(self, x or varying_axis(self), series or varying_series(self))

    def column(self, key: str) -> Sequence[Any]:
        """Return one column's values."""
        return [record.get(key) for record in self.records]


def format_of(target: Path, format: str | None = None) -> str:
    """Return the format in which a file is written: as given, or as its suffix says.

    Raises:
        InputError: no format and no known suffix, or a suffix that says another format.

    Example:
        >>> format_of(Path("t.tex")), format_of(Path("t.txt"), "md")
        ('latex', 'md')
    """
    said = SUFFIXES.get(target.suffix.lower())
    chosen = format or said
    if chosen is None:
        raise InputError(f"--out {target}: found no known suffix, expected .md, .tex, .csv or .json, or a format")
    if said not in (None, chosen):
        raise InputError(
            f"--out {target}: found format {chosen} with the suffix of {said}, expected one format; change either"
        )
    return chosen


def require_target(target: Path) -> None:
    """Refuse a file that cannot be written, before any work is done.

    Raises:
        InputError: a folder, or a file in a folder that is missing or cannot be written to.
    """
    from dipproofs.certificate.write import require_writable

    with unwritable(f"--out {target}: cannot write there", _CURE):
        try:
            require_writable(target)
        except FileNotFoundError:
            raise InputError(f"--out {target}: found no folder {target.parent}, expected an existing one") from None


def write_text(target: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    from dipproofs.certificate.write import write_atomically

    with unwritable(f"--out {target}: cannot write there", _CURE):
        write_atomically(target, text.encode())
