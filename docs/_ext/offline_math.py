"""Formulas as MathML, written at build time: pages show them without scripts and without network."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def mathml(latex: str, *, display: bool = False) -> str:
    """Translate LaTeX to MathML.

    Args:
        latex: a formula without dollar signs.
        display: as a paragraph of its own.

    Example:
        >>> "<msqrt>" in mathml(r"\\sqrt{2}")
        True
    """
    separated = re.sub(r"\\\\(?=\\)", r"\\\\ ", latex)  # the translator reads \\\frac as letters
    return tex2mathml(separated, as_block=display)


#: Longer formulas in the text scroll by themselves where the page is narrow.
_LONG = 45


def _inline(self: Any, node: nodes.math) -> None:
    formula = mathml(node.astext())
    long = len(node.astext()) > _LONG
    self.body.append(f'<span class="long-formula">{formula}</span>' if long else formula)
    raise nodes.SkipNode


def _display(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math-block">{mathml(node.astext(), display=True)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer under the name ``offline``."""
    app.add_html_math_renderer("offline", (_inline, None), (_display, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
