"""One page for each subpackage: every public name with its docstring."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

#: Public subpackages and what they hold, in the order of the manual.
PACKAGES: dict[str, str] = {
    "dipproofs": "The names that users import first",
    "dipproofs.problems": "Inverse problems and problem files",
    "dipproofs.arguments": "What comes from outside: keys, arrays, files",
    "dipproofs.operators": "Forward operators",
    "dipproofs.losses": "Losses",
    "dipproofs.problems.bases": "Atoms of synthesis generators",
    "dipproofs.networks": "Networks",
    "dipproofs.graph": "The computation graph",
    "dipproofs.networks.graph_network": "Networks given by a graph",
    "dipproofs.networks.library": "Ready-made networks",
    "dipproofs.descent": "Gradient descent",
    "dipproofs.certify": "Making certificates",
    "dipproofs.recovery": "Bounds of the signal's error",
    "dipproofs.certificate": "Certificates as records and files",
    "dipproofs.verify": "The independent check",
    "dipproofs.verify.arithmetic": "The other arithmetic, of the verifier alone",
    "dipproofs.enclosures": "Bounds and enclosures",
    "dipproofs.theory": "What is claimed",
    "dipproofs.theory.losses": "Losses, as formulas",
    "dipproofs.theory.width": "Width bounds, as formulas",
    "dipproofs.tables": "Tables of bounds",
    "dipproofs.report": "Renderings of a certificate",
    "dipproofs.experiments": "Experiments",
    "dipproofs.sweeps": "Grids of cells over processes or a cluster",
    "dipproofs.testing": "Hypothesis strategies",
    "dipproofs.errors": "Errors",
}


def public_names(package: str) -> list[str]:
    """Return the public names of a subpackage: its ``__all__``, or for a plain module what it defines."""
    module = importlib.import_module(package)
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not name.startswith("__")]
    return [n for n, v in vars(module).items() if not n.startswith("_") and getattr(v, "__module__", "") == package]


def page_of(package: str) -> str:
    """Return the file name of a subpackage's page, without suffix."""
    return package.replace(".", "-")


def description(package: str, name: str) -> str:
    """Return the docstring of a public name; of data, the ``#:`` comment or the string beside its definition."""
    value = getattr(importlib.import_module(package), name)
    if isinstance(value, ModuleType) or inspect.isclass(value) or inspect.isroutine(value):
        return inspect.getdoc(_callable(value, name)) or ""
    return _beside_definition(importlib.import_module(package), name)


def _beside_definition(module: ModuleType, name: str) -> str:
    stub = Path(inspect.getfile(module)).with_suffix(".pyi")  # where names come from that are loaded when first used
    source = stub.read_text(encoding="utf-8") if stub.exists() else inspect.getsource(module)
    body = ast.parse(source).body
    statements = [inner for node in body for inner in (node.body if isinstance(node, ast.If) else [node])]
    for i, node in enumerate(statements):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    target = "." * node.level + (node.module or "")
                    package = module.__name__ if hasattr(module, "__path__") else module.__name__.rpartition(".")[0]
                    home = importlib.import_module(importlib.util.resolve_name(target, package))
                    return _beside_definition(home, alias.name)
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            above = source.splitlines()[: node.lineno - 1]
            comment: list[str] = []
            while above and above[-1].startswith("#:"):
                comment.insert(0, above.pop()[2:].strip())
            after = statements[i + 1] if i + 1 < len(statements) else None
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                comment.append(inspect.cleandoc(str(after.value.value)))
            return " ".join(comment)
    return ""


def api_pages() -> dict[str, str]:
    """Return the pages as Markdown by file name."""
    seen: set[int] = set()
    pages = {f"{page_of(package)}.md": "\n".join(_page(package, seen)) for package in PACKAGES}
    links = "\n".join(page_of(package) for package in PACKAGES)
    rows = "\n".join(f"| [`{package}`]({page_of(package)}.md) | {title} |" for package, title in PACKAGES.items())
    pages["index.md"] = (
        "# Python interface\n\nEvery public name, by subpackage; the text is that of the docstrings.\n\n"
        f"| subpackage | holds |\n|---|---|\n{rows}\n\n```{{toctree}}\n:hidden:\n\n{links}\n```\n"
    )
    return pages


def _page(package: str, seen: set[int]) -> Iterator[str]:
    yield f"# {package}\n\n{PACKAGES[package]}.\n"
    yield _directive("automodule", package, "no-members")
    for name in public_names(package):
        yield from _entry(package, name, seen)


def _entry(package: str, name: str, seen: set[int]) -> Iterator[str]:
    value = getattr(importlib.import_module(package), name)
    if package == "dipproofs":
        where = value.__name__ if isinstance(value, ModuleType) else value.__module__
        home = next(r for r in sorted(PACKAGES, key=len, reverse=True) if (where + ".").startswith(r + "."))
        yield f"* [`dipproofs.{name}`]({page_of(home)}.md): {description(package, name).splitlines()[0]}"
        return
    again = ["no-index"] if id(value) in seen else []
    seen.add(id(value))
    yield f"\n## {name}\n"
    if isinstance(value, ModuleType):
        yield _directive("automodule", value.__name__, "no-members", "no-index")
    elif inspect.isclass(value):
        extra = ["show-inheritance"] if issubclass(value, Exception) else []
        yield _directive("autoclass", f"{package}.{name}", "members", *extra, *again)
    elif inspect.isroutine(value):
        yield _directive("autofunction", f"{package}.{name}", *again)
    else:
        text = re.sub(r"``([^`]+)``", r"`\1`", description(package, name))
        kinds = f" Keys: {', '.join(f'`{key}`' for key in value)}." if isinstance(value, dict) else ""
        yield f"{text}{kinds}\n"


def _callable(value: object, name: str) -> object:
    return getattr(value, name, value) if isinstance(value, ModuleType) else value


def _directive(kind: str, target: str, *options: str) -> str:
    return "\n".join(
        [
            "```{eval-rst}",
            f".. {kind}:: {target}",
            *[f"   :{option}:" for option in options],
            "```\n",
        ]
    )
