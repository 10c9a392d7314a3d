"""The mutation report as Markdown: fresh draws, score by file, and every survivor with its explanation."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from checks.mutation_explanations import explanation

INTRODUCTION = """# Mutation testing

`python -m checks.mutation` alters one formula, constant, comparison or rounding direction at a time and runs the checks
that guard the file; `--report` renders this page. A mutant that no check notices either changes nothing that is claimed
(the reason is given at the end), or is **open**: work that is left.

## Fresh draws

Mutants drawn at random from all those of a room that no earlier run had tried, so that no check was written for them.
*noticed* counts every mutant; *of those that matter* leaves out survivors that can make no claim wrong.
`--fresh N --seed S --only …` repeats a draw.

| room | seed | drawn | noticed | of those that matter | afterwards |
|---|---|---|---|---|---|"""


def write(record: dict[str, Any], draws: list[dict[str, Any]], path: Path) -> None:
    """Write the report of a record of outcomes and of the fresh draws."""
    lines = [INTRODUCTION, *map(_draw, draws), "", "## All runs together", ""]
    survivors = [entry for entry in record.values() if entry["outcome"] != "killed"]
    total, left = len(record), len(survivors)
    harmless = sum(bool(explanation(entry)) for entry in survivors)
    lines += [
        f"* {total} mutants, {total - left} noticed: {_percent(total - left, total)}. Checks were written for some of "
        "them, so that this is a record of what is covered, not an estimate.",
        f"* {left} survivors, {harmless} of them explained below as harmless.",
        f"* Of the {total - harmless} mutants that matter, {_percent(total - left, total - harmless)} are noticed.",
        "",
        "| file | mutants | noticed | survived | open |",
        "|---|---|---|---|---|",
    ]
    by_file: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in record.values():
        by_file[entry["file"]][_state(entry)] += 1
    for file in sorted(by_file):
        counts = by_file[file]
        kept = counts["harmless"] + counts["open"]
        lines.append(f"| `{file}` | {sum(counts.values())} | {counts['killed']} | {kept} | {counts['open']} |")
    everything = survivors + [entry for draw in draws for entry in draw["survivors"]]
    lines += ["", "## Survivors", ""]
    noticed = {_name(entry) for entry in record.values()} - {_name(entry) for entry in survivors}
    lines += _survivors(everything, noticed)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _draw(draw: dict[str, Any]) -> str:
    drawn, left = draw["drawn"], len(draw["survivors"])
    harmless = sum(bool(explanation(entry)) for entry in draw["survivors"])
    noticed = drawn - left
    share = f"{noticed} of {drawn - harmless}: {_percent(noticed, drawn - harmless)}"
    return (
        f"| {draw['room']} | {draw['seed']} | {drawn} | {noticed}: {_percent(noticed, drawn)} | {share} "
        f"| {draw.get('afterwards', 'no check was written')} |"
    )


def _survivors(entries: list[dict[str, Any]], noticed: set[str]) -> list[str]:
    """A table of the distinct survivors; one that a later check notices is not listed."""
    lines = ["| place | change | source line | why it is harmless |", "|---|---|---|---|"]
    seen: set[str] = set()
    for entry in sorted(entries, key=lambda e: (e["file"], e["line"], e["change"])):
        if _name(entry) in seen | noticed:
            continue
        seen.add(_name(entry))
        source = entry["source"].replace("|", "\\|")[:90]
        why = explanation(entry) or "**open**"
        lines.append(f"| `{entry['file']}:{entry['line']}` | {entry['change']} | `{source}` | {why} |")
    return lines


def _name(entry: dict[str, Any]) -> str:
    """Source line and change: numbers and places move when the file is edited."""
    return f"{entry['file']} | {entry['source']} | {entry['change']}"


def _state(entry: dict[str, Any]) -> str:
    return "killed" if entry["outcome"] == "killed" else "harmless" if explanation(entry) else "open"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"
