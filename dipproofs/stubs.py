"""Public names that are loaded when first used: their one list is the package's stub, which type checkers read too."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def modules_of(folder: str) -> dict[str, str]:
    """Return the public names of a package, each with the module that its stub takes it from.

    Args:
        folder: whose ``__init__.pyi`` has a line ``from MODULE import NAME as NAME`` for each.

    Example:
        >>> import dipproofs
        >>> modules_of(dipproofs.__path__[0])["InputError"]
        'dipproofs.errors'
    """
    lines = (line.split() for line in Path(folder, "__init__.pyi").read_text(encoding="utf-8").splitlines())
    return {words[3]: words[1] for words in lines if words[:1] == ["from"]}


def loader(package: str, names: dict[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose names are imported when they are asked for."""

    def load(name: str) -> Any:
        if name in names:
            return getattr(import_module(names[name]), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load
