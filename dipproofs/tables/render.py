"""Markdown, LaTeX (booktabs), CSV and JSON of a table, with units and evidence in the header."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dipproofs.report.notation import FROM_SUBSCRIPT, FROM_SUPERSCRIPT, GREEK

if TYPE_CHECKING:
    from dipproofs.tables.table import Column, Table

_LONGEST_INTEGER = 12


def _heading(column: Column) -> str:
    inside = ", ".join(part for part in (column.unit, column.evidence) if part)
    return f"{column.label} [{inside}]" if inside else column.label


def short(value: Any) -> str:
    """Return a value as it is printed for reading: long integers as powers of ten, rounded up.

    Example:
        >>> short(10**20 + 1), short(0.30000000000000004), short(None), short(True)
        ('1.00001e+20', '0.3', '–', 'yes')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if len(str(abs(value))) <= _LONGEST_INTEGER else _rounded_up(value)
    if isinstance(value, float | Fraction):
        return f"{float(value):.6g}"
    return str(value)


def _rounded_up(value: int) -> str:
    """A long positive integer to six digits, rounded up so that a sufficient width stays sufficient."""
    digits = len(str(value)) - 6
    head = -(-value // 10**digits)
    if head == 10**6:
        head, digits = 10**5, digits + 1
    text = str(head)
    return f"{text[0]}.{text[1:]}e+{digits + 5:02d}"


def _common(table: Table) -> tuple[list[Column], list[str]]:
    """The columns to show, and a line with the inputs that all rows share."""
    first = table.records[0] if len(table.records) > 1 else {}
    same = [
        c
        for c in table.columns
        if c.parameter and first and all(r.get(c.key) == first.get(c.key) for r in table.records)
    ]
    line = ", ".join(f"{_heading(c)} = {short(first.get(c.key))}" for c in same)
    return [c for c in table.columns if c not in same], [f"all rows: {line}"] if same else []


def to_md(table: Table) -> str:
    """Markdown with a title, the table and the notes."""
    columns, common = _common(table)
    cells = [[_escape(short(record.get(c.key)), "|") for c in columns] for record in table.records]
    heads = [_escape(_heading(c), "|") for c in columns]
    widths = [max([len(head)] + [len(row[i]) for row in cells]) for i, head in enumerate(heads)]

    def line(row: list[str]) -> str:
        return "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |"

    body = [line(heads), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, cells)]
    notes = [f"- {note}" for note in (*common, *table.notes)]
    return "\n".join([f"**{table.title}**", "", *body, *([""] if notes else []), *notes]) + "\n"


def _escape(text: str, characters: str) -> str:
    for character in characters:
        text = text.replace(character, "\\" + character)
    return text.replace("\n", " ")


def to_csv(table: Table) -> str:
    """CSV, one header line; integers and floats in full."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([_heading(c) for c in table.columns])
    for record in table.records:
        writer.writerow([_plain(record.get(c.key)) for c in table.columns])
    return stream.getvalue()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def to_json(table: Table) -> str:
    """JSON: a list of objects, one a record; no NaN (a bound that is infinite is the string "inf")."""
    return json.dumps([dict(record) for record in table.records], indent=1, ensure_ascii=False, allow_nan=False) + "\n"


_LATEX = {
    **{letter: rf"$\{name}$" for name, letter in GREEK.items()},
    **{chr(raised): f"$^{plain}$" for raised, plain in FROM_SUPERSCRIPT.items()},
    **{chr(lowered): f"$_{plain}$" for lowered, plain in FROM_SUBSCRIPT.items()},
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "η": r"$\eta$",
    "χ": r"$\chi$",
    "Σ": r"$\Sigma$",
    "‖": r"$\|$",
    "√": r"$\surd$",
    "∇": r"$\nabla$",
    "∂": r"$\partial$",
    "∫": r"$\int$",
    "ᵢ": "$_i$",
    "ᵀ": r"$^\top$",
    "½": r"$\frac12$",
    "¼": r"$\frac14$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "→": r"$\to$",
    "∈": r"$\in$",
    "−": "$-$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "′": "$'$",
    "…": r"\dots{}",
    "ℝ": r"$\mathbf{R}$",
    "’": "'",
    "\u0303": "",
    "\u0304": "",
}


def latex_text(text: str) -> str:
    """Return text with LaTeX's special characters and our mathematical ones replaced."""
    return "".join(_LATEX.get(character, character if character.isascii() else "?") for character in text)


def to_latex(table: Table) -> str:
    """A booktabs table (needs ``\\usepackage{booktabs}``)."""
    columns, common = _common(table)
    alignment = "".join("r" if _numeric(table, c.key) else "l" for c in columns)
    heads = [_latex_heading(c) for c in columns]
    rows = [" & ".join(_latex_cell(record.get(c.key), c.math) for c in columns) for record in table.records]
    notes = [f"% {note}" for note in (*common, *table.notes)]
    return "\n".join(
        [
            *notes,
            r"\begin{table}",
            rf"\caption{{{latex_text(table.title)}}}",
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *[row + r" \\" for row in rows],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _latex_heading(column: Column) -> str:
    inside = ", ".join(part for part in (column.unit, column.evidence) if part)
    label = f"${column.latex}$" if column.latex else latex_text(column.label)
    return f"{label} [{latex_text(inside)}]" if inside else label


def _latex_cell(value: Any, math: bool) -> str:
    text = short(value)
    if math and value is not None:
        return f"${text}$"
    if isinstance(value, int | float) and not isinstance(value, bool) and "e" in text:
        head, _, exponent = text.partition("e")
        return f"${head}\\cdot10^{{{int(exponent)}}}$" if exponent else text
    return latex_text(text)


def _numeric(table: Table, key: str) -> bool:
    values = [record.get(key) for record in table.records]
    return any(isinstance(v, int | float) for v in values) and not any(isinstance(v, str) for v in values)
