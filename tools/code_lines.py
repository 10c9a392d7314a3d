"""Count lines of code: no comments, docstrings or blank lines.

    python tools/code_lines.py [ROOT …]

Of each root (by default this repository) the lines of `dipproofs`, `checks` and `tests` by subpackage. To compare with
a revision: `git worktree add /tmp/old REVISION && ruff format --line-length 120 /tmp/old`, then give both roots.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path

PARTS = ("dipproofs", "checks", "tests")
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(text: str) -> int:
    """Count the lines of a file on which code stands.

    Example:
        >>> code_lines("x = 1  # one\\n\\n# none\\ny = [\\n    2,\\n]\\n")
        4
    """
    used = {
        row
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in NO_CODE
        for row in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            used -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return len(used)


def count(root: Path) -> Counter[str]:
    """Count by part and subpackage."""
    found: Counter[str] = Counter()
    for part in PARTS:
        for path in (root / part).rglob("*.py"):
            inside = path.relative_to(root).parts
            name = "/".join(inside[:2]) if part == "dipproofs" and len(inside) > 2 else part
            found[name] += code_lines(path.read_text(encoding="utf-8"))
    return found


def main(roots: list[str]) -> None:
    """Print a table, one column for each root."""
    counted = [count(Path(root)) for root in roots or [str(Path(__file__).parent.parent)]]
    for name in sorted({name for one in counted for name in one}):
        print(f"{name:24}", *(f"{one[name]:8}" for one in counted))
    for part in PARTS:
        whole = [sum(n for name, n in one.items() if name.split("/")[0] == part) for one in counted]
        print(f"{'all of ' + part:24}", *(f"{n:8}" for n in whole))
    print(f"{'total':24}", *(f"{one.total():8}" for one in counted))


if __name__ == "__main__":
    main(sys.argv[1:])
