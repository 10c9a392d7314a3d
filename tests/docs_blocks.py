"""Read the code blocks of the manual and run them.

Blocks of a page share one namespace and one empty directory with a copy of ``examples/``. A comment above a block
changes how it is run, never what the reader sees:

    <!-- docs-test: skip: why -->                              only its syntax is checked
    <!-- docs-test: setup: statement -->                       Python run before the block
    <!-- docs-test: reduced: FILE: old -> new; old -> new -->  the example file is made smaller first
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import glob
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import run

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```\s*$", flags=re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- docs-test: (\w+): ([^\n]*) -->\s*\Z")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, text, line, and the mark above it (kind and argument, or None)."""

    language: str
    text: str
    line: int
    mark: tuple[str, str] | None


def pages() -> list[Path]:
    """Return the pages that people write (not those written by the build)."""
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
    for path in sorted((ROOT / "docs").rglob("*.md")):
        parts = path.relative_to(ROOT / "docs").parts
        if not {"_build", "_generated", "api", "built", "experiments"} & set(parts) and path.name != "command-line.md":
            found.append(path)
    return found


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        mark = MARK.search(text[: found.start()])
        yield Block(found[1], found[2], text[: found.start()].count("\n") + 1, (mark[1], mark[2]) if mark else None)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield (command, expected output) of a console block."""
    command, output = "", ""
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            if command:
                yield command, output
            command, output = line[2:].strip(), ""
        else:
            output += line
    if command:
        yield command, output


def run_page(page: Path, directory: Path) -> int:
    """Run every block of a page in a directory; return how many were run."""
    namespace: dict[str, Any] = {"__name__": "docs"}
    count = 0
    for block in blocks(page):
        if block.language not in ("python", "console"):
            continue
        kind, argument = block.mark or ("", "")
        where = f"{page.relative_to(ROOT)}:{block.line}"
        if kind == "skip":
            assert len(argument) > 10, f"{where}: a skipped block needs a reason"
            if block.language == "python":
                ast.parse(block.text)
            continue
        if kind == "setup":
            exec(compile(argument, where, "exec"), namespace)
        elif kind == "reduced":
            _reduce(directory, argument)
        else:
            assert not kind, f"{where}: unknown mark {kind}"
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, where, "exec"), namespace)
        else:
            for command, expected in commands(block.text):
                got = run_command(command, directory)
                assert not expected or doctest.OutputChecker().check_output(expected, got, FLAGS), (
                    f"{where}: $ {command}\nexpected:\n{expected}\ngot:\n{got}"
                )
        count += 1
    return count


def run_command(command: str, directory: Path) -> str:
    """Run one of the few commands that console blocks use and return what it prints.

    Raises:
        AssertionError: another command, or exit status 2 of `dipproofs`.
    """
    words = shlex.split(command, comments=True)
    if words[0] == "cat":
        return (directory / words[1]).read_text(encoding="utf-8")
    if words[0] == "ls":
        names: list[str] = []
        for word in words[1:]:
            path = directory / word
            names += [p.name for p in path.iterdir()] if path.is_dir() else glob.glob(word, root_dir=directory)
        return "\n".join(sorted(names)) + "\n"
    assert words[0] == "dipproofs", f"cannot run {command!r} in a test; mark its block as skipped, with a reason"
    code, text, error = run(*words[1:])
    assert code in (0, 1), f"$ {command}\n{text}{error}"
    return text + error


def _reduce(directory: Path, argument: str) -> None:
    name, changes = argument.split(": ", 1)
    path = directory / name
    text = path.read_text(encoding="utf-8")
    for change in changes.split("; "):
        old, new = change.split(" -> ")
        assert old in text, f"{name} does not hold {old!r}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
