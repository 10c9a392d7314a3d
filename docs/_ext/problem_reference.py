"""The reference of problem files, written from the options classes themselves.

    python docs/_ext/problem_reference.py > docs/problem-file.md

A test keeps the two equal.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dipproofs.arguments.schema import Options, show
from dipproofs.operators import OPERATORS
from dipproofs.problems.network_options import NETWORKS
from dipproofs.problems.noise import NoiseOptions
from dipproofs.problems.run_options import CertificateOptions, DescentOptions, LossOptions
from dipproofs.problems.signals import SIGNALS

_INTRODUCTION = """# Problem files

A problem file is TOML. Only `[operator]` is required; every other section and every key with a default may
be left out. Unknown sections and keys are errors that name the nearest valid one. Paths are relative to the
problem file. Arrays are read from `.npz`, `.npy`, `.mat` and sparse `.npz` files (never from pickles), pictures from
PNG, JPEG and TIFF files as grey values in [0, 1]; `key` names one of several arrays. Signals, images and data are taken
row by row.

This page is written by `docs/_ext/problem_reference.py`.
"""


def problem_file_reference() -> str:
    """Give the reference page of problem files as Markdown.

    Example:
        >>> "## [operator]" in problem_file_reference()
        True
    """
    parts = [_INTRODUCTION]
    parts += _kinds("operator", OPERATORS, None)
    parts += _kinds("signal", SIGNALS, "gaussian (none if the operator comes from a file)")
    parts += _section("noise", NoiseOptions)
    parts += _kinds("network", NETWORKS, "two-layer")
    parts += _section("loss", LossOptions)
    parts += _section("descent", DescentOptions)
    parts += _section("certificate", CertificateOptions)
    return "\n".join(parts)


def _kinds(section: str, registry: Mapping[str, type[Options]], default: str | None) -> Iterator[str]:
    chosen = f"default {default}" if default else "required"
    yield f"## [{section}]\n\n`kind`: one of {', '.join(registry)}; {chosen}.\n"
    for kind, options in registry.items():
        yield f"### {section} kind `{kind}`\n\n{_summary(options)}\n\n{_table(options)}"


def _section(section: str, options: type[Options]) -> Iterator[str]:
    yield f"## [{section}]\n\n{_table(options)}"


def _summary(options: type[Options]) -> str:
    text = inspect.cleandoc(options.__doc__ or "").split("\nArgs:")[0]
    return re.sub(r'^`kind = "[^"]*"`: ', "", text.strip())


def _table(options: type[Options]) -> str:
    meaning = _meanings(options)
    rows = ["| key | expected | default | meaning |", "|---|---|---|---|"]
    for item in dataclasses.fields(options):  # type: ignore[arg-type]
        expected = item.metadata["rule"].expected
        cells = (f"`{item.name}`", expected, _default(item), meaning[item.name])
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _default(item: dataclasses.Field[Any]) -> str:
    if item.default is dataclasses.MISSING:
        return "required"
    return "–" if item.default is None else f"`{show(item.default)}`"


def _meanings(options: type[Options]) -> dict[str, str]:
    """Give the Args of a class and of its bases, by key."""
    result: dict[str, str] = {}
    for cls in reversed(options.__mro__):
        if "Args:\n" not in (cls.__doc__ or "") or not issubclass(cls, Options):
            continue
        block = inspect.cleandoc(cls.__doc__ or "").split("Args:\n", 1)[1].split("\n\n")[0]
        for match in re.finditer(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", block, flags=re.MULTILINE):
            result[match[1]] = " ".join(match[2].split())
    return result


if __name__ == "__main__":
    print(problem_file_reference(), end="")
