"""The mutation report as Markdown: score by file, and every survivor with its explanation."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

#: Why a surviving change is no defect, by (file, part of the source line or of the change); longest match wins.
EXPLANATIONS: list[tuple[str, str, str]] = [
    ("certify/quantities", "_GRAM_WIDTH", "chooses between two proved enclosures; only sharpness differs"),
    (
        "certify/operator_bounds",
        "not matrix.is_exact",
        "which matrices take the shortcut of masks; both ways are proved",
    ),
    ("certify/operator_bounds", "picked.scale_rows", "two ways to multiply by signs; the slow one is right as well"),
    (
        "certify/operator_bounds",
        "WHOLE_SPACE if n <= m",
        "a square operator of full rank gets a computed basis of its row space, which is the whole space: as proved",
    ),
    ("certify/operator_bounds", "what =", "a word in the reason of a refusal"),
    ("rigor/eigenvalues", "if sign > 0", "the sign is 1 or −1, never 0: no change"),
    ("certify/decide", "np.linspace(low, high", "the grid of an estimate that `_path_bound` encloses afterwards"),
    ("networks/enclosure", "_BITS", "bits of the Arb evaluation; more is as good"),
]


def explanation(entry: dict[str, Any]) -> str:
    """The explanation of a survivor, or "" when there is none."""
    found = [(len(part), why) for file, part, why in EXPLANATIONS if file in entry["file"] and part in entry["source"]]
    return max(found, default=(0, ""))[1]


def write(record: dict[str, Any], draws: list[dict[str, Any]], path: Path) -> None:
    """Write the report of a record of outcomes."""
    by_file: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in record.values():
        by_file[entry["file"]][entry["outcome"]] += 1
    # a mutant that did not end in time was stopped, not noticed
    survivors = [entry for entry in record.values() if entry["outcome"] != "killed"]
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
        survived = sum(counts.values()) - counts["killed"]
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
