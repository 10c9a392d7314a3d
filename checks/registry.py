"""Which check proves which formula: `@proves("forms.concave.*")` on a test; `test_coverage` matches both sides.

The coverage test reads the decorators from the source of every ``checks/test_*.py``, so the patterns must be
string literals. A formula of `dipproofs.theory.formulas()` that no pattern matches makes the suite fail, and so
does a pattern that matches no formula.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable[..., Any])
HERE = Path(__file__).parent


def proves(*patterns: str) -> Callable[[T], T]:
    """Mark a test as the proof of the formulas whose ids match one of the patterns (`fnmatch` syntax).

    Example:
        >>> @proves("forms.flow.*")
        ... def test_flow():
        ...     pass
        >>> test_flow.proves
        ('forms.flow.*',)
    """

    def mark(test: T) -> T:
        test.proves = patterns  # type: ignore[attr-defined]
        return test

    return mark


def claims(folder: Path = HERE) -> Iterator[tuple[str, str]]:
    """Yield (pattern, "file::test") for every `@proves` in the folder's test files."""
    for path in sorted(folder.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for pattern in _patterns(node, path):
                    yield pattern, f"{path.name}::{node.name}"


def _patterns(node: ast.FunctionDef, path: Path) -> Iterator[str]:
    for decorator in node.decorator_list:
        if not (isinstance(decorator, ast.Call) and _name(decorator.func) == "proves"):
            continue
        for argument in decorator.args:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                raise ValueError(f"{path.name}:{node.lineno}: @proves takes string literals")
            yield argument.value


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
