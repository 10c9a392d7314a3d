"""Tutorials as notebooks: run without Jupyter, and written as pages of the manual.

`docs/tutorials/NAME.ipynb` holds text, code and outputs; `python docs/make_notebooks.py` runs the code and writes the
outputs again. `pages` gives Markdown and pictures for the manual, which needs no notebook extension then.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent
TUTORIALS = DOCS / "tutorials"


def paths() -> list[Path]:
    """Return the notebooks."""
    return sorted(TUTORIALS.glob("*.ipynb"))


def load(path: Path) -> dict[str, Any]:
    """Read a notebook."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def code(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the cells with code."""
    return (cell for cell in notebook["cells"] if cell["cell_type"] == "code")


def run(notebook: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Run every cell in one namespace, in the current directory; return the outputs of each.

    Notes:
        As Jupyter does: what is printed, then the value of a last line that is an expression. Figures become PNG, other
        values their `repr`.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    return [_run("".join(cell["source"]), namespace) for cell in code(notebook)]


def _run(source: str, namespace: dict[str, Any]) -> list[dict[str, Any]]:
    tree, value, printed = ast.parse(source), None, io.StringIO()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), namespace)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
    outputs: list[dict[str, Any]] = []
    if text := printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)})
    if value is not None:
        outputs.append({"output_type": "execute_result", "metadata": {}, "data": _shown(value)})
    return outputs


def _shown(value: Any) -> dict[str, Any]:
    from matplotlib.figure import Figure

    if not isinstance(value, Figure):
        return {"text/plain": repr(value).splitlines(keepends=True)}
    from dipproofs.report.canvas import png_bytes

    picture = base64.b64encode(png_bytes(value)).decode("ascii")
    return {"image/png": picture, "text/plain": ["<Figure>"]}


def texts(outputs: list[dict[str, Any]]) -> str:
    """Return what outputs say, without pictures."""
    return "".join("".join(one.get("text") or one["data"]["text/plain"]) for one in outputs)


def pages() -> dict[str, str | bytes]:
    """Return the pages and pictures of all notebooks, by path relative to ``docs/built/``."""
    found: dict[str, str | bytes] = {}
    for path in paths():
        lines = [f"*This page is a notebook: [download it](../tutorials/{path.name}).*", ""]
        for index, cell in enumerate(load(path)["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                lines += [source, ""]
                continue
            lines += ["```python", source, "```", ""]
            for place, output in enumerate(cell["outputs"]):
                picture = output.get("data", {}).get("image/png")
                if picture is None:
                    lines += ["```text", texts([output]).rstrip("\n"), "```", ""]
                    continue
                name = f"{path.stem}-{index}-{place}.png"
                found[name] = base64.b64decode(picture)
                alt = cell["metadata"].get("alt") or "What the cell above draws"
                lines += [f"```{{image}} {name}", f":alt: {alt}", "```", ""]
        head, rest = _title_first(lines)
        found[f"{path.stem}.md"] = "\n".join([*head, *rest])
    return found


def _title_first(lines: list[str]) -> tuple[list[str], list[str]]:
    """Put the title of the first cell above the remark about the download."""
    remark, body = lines[:2], "\n".join(lines[2:]).split("\n")
    return [body[0], "", *remark], body[1:]
