"""The mutation report as Markdown: score by file, and every survivor with its explanation."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

#: Why a surviving change is no defect, by (file, part of the source line or of the change); longest match wins.
EXPLANATIONS: list[tuple[str, str, str]] = [
    ("certify/quantities", "relative * abs", "the published room of 1e-9 is taken from the other end: still outward"),
    ("certify/quantities", "math.nextafter(lower", "one float, against a room of 1e-9 that is already subtracted"),
    ("certify/quantities", "max(low, 0.0) if", "a lower end of a non-negative number may lie below 0"),
    ("certify/quantities", "_GRAM_WIDTH", "chooses between two proved enclosures; only sharpness differs"),
    (
        "certify/operator_bounds",
        "not matrix.is_exact",
        "which matrices take the shortcut of masks; both ways are proved",
    ),
    ("certify/operator_bounds", "(signs > 0).all()", "two ways to multiply by signs; the slow one is right as well"),
    ("networks/enclosure", "_BITS", "bits of the Arb evaluation; more is as good"),
    (
        "theory: width",
        "width.split.omega.flow",
        "equal to forms.flow.omega: both were altered, and the test compares them",
    ),
    (
        "theory: width",
        "width.split.omega.concave",
        "equal to forms.concave.omega: both were altered, and the test compares them",
    ),
    (
        "theory: losses",
        "losses.huber.Lambda",
        "twice the Lipschitz constant is one too: a looser bound, not a wrong one",
    ),
    (
        "theory: losses",
        "losses.log-cosh.Lambda",
        "twice the Lipschitz constant is one too: a looser bound, not a wrong one",
    ),
    ("theory: losses", "losses.cross-entropy.Lambda", "twice the Lipschitz constant is one too: a looser bound"),
]


def explanation(entry: dict[str, Any]) -> str:
    """The explanation of a survivor, or "" when there is none."""
    found = [(len(part), why) for file, part, why in EXPLANATIONS if file in entry["file"] and part in entry["source"]]
    return max(found, default=(0, ""))[1]


def write(record: dict[str, Any], path: Path) -> None:
    """Write the report of a record of outcomes."""
    by_file: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in record.values():
        by_file[entry["file"]][entry["outcome"]] += 1
    survivors = [entry for entry in record.values() if entry["outcome"] == "survived"]
    equivalent = [entry for entry in survivors if explanation(entry)]
    total = len(record)
    noticed = total - len(survivors)
    harmful = total - len(equivalent)
    lines = [
        "# Mutation testing",
        "",
        "`python -m checks.mutation` alters one formula, constant, comparison or rounding direction at a time and runs "
        "the checks that guard the file. `python -m checks.mutation --report` renders this page.",
        "",
        f"* {total} mutants, {noticed} noticed: {100 * noticed / max(total, 1):.1f} %.",
        f"* {len(survivors)} survivors, {len(equivalent)} of them explained below as harmless (they change sharpness, "
        "speed or wording, or nothing at all).",
        f"* Score over the {harmful} mutants that can make a claim wrong: {100 * noticed / max(harmful, 1):.1f} %.",
        "",
        "| file | mutants | noticed | survived |",
        "|---|---|---|---|",
    ]
    for file, counts in by_file.items():
        survived = counts["survived"]
        lines.append(f"| `{file}` | {sum(counts.values())} | {sum(counts.values()) - survived} | {survived} |")
    lines += [
        "",
        "Survivors marked **open** are changes that the named derivations do not notice: work that is left.",
        "",
    ]
    lines += ["", "## Survivors", "", "| place | change | source line | why it is harmless |", "|---|---|---|---|"]
    for entry in sorted(survivors, key=lambda e: (e["file"], e["line"])):
        source = entry["source"].replace("|", "\\|")[:90]
        why = explanation(entry) or "**open**"
        lines.append(f"| `{entry['file']}:{entry['line']}` | {entry['change']} | `{source}` | {why} |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
