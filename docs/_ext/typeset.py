"""Formulas that the theory pages write as plain characters, typeset: `σ_min(J)ᵀ ≥ 0` becomes MathML at build time.

The pages stay readable as text; what is printed needs no script and no network, and wraps at the margin.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Any

from docutils import nodes

_SUP = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀᵐⁿʲᵖ", "0123456789+−Tmnjp"))
_SUB = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₘᵢⱼ", "0123456789+−mij"))
_ACCENTS = {"\u0304": "¯", "\u0303": "~", "\u0302": "^", "\u0305": "¯"}
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z]{2,})|(?P<letter>[^\W\d_])|(?P<other>.)", re.DOTALL
)
_KEPT = (
    nodes.literal, nodes.literal_block, nodes.raw, nodes.title, nodes.reference, nodes.math, nodes.math_block,
)  # fmt: skip
_FUNCTIONS = {
    "min",
    "max",
    "inf",
    "sup",
    "ln",
    "exp",
    "log",
    "dist",
    "Lip",
    "rank",
    "ker",
    "Im",
    "if",
    "as",
    "tr",
    "LS",
}
#: A word of running text that is a symbol with an index, or a norm.
_SYMBOL = re.compile(r"[^\s,;:.]*(?:[A-Za-zα-ωΑ-Ωℓ∇‖)][\u0302-\u0305]?[_‖^][^\s,;:.]+|‖[^\s‖]+‖)[^\s,;:.]*")
#: What makes a piece of code a formula: a Greek letter, a mathematical sign, a raised or lowered character.
_MATH = re.compile("[α-ωΑ-ΩℓᾱϕϑψΨ∫∑∏√‖≤≥∈∞∇∂⊇⊆∩∪→≠≈±·×−⟨⟩]|[⁰¹²³⁴-⁹⁺⁻₀-₉ᵀ]|[\u0302-\u0305]|^[A-Za-z]$|^[A-Za-z][_^(]")
_NAME = re.compile(r"^[a-z]+(?:[_.-][a-z0-9]+)*$|[/\\]|\.(?:py|md|json|npz|toml)\b|^dipproofs|[\"#]|=\s*[\"']")


def is_formula(text: str) -> bool:
    """Whether a piece of code is a formula, not a name, a path or a command.

    Example:
        >>> is_formula("σ_min(J) > 0"), is_formula("lipschitz_AJ"), is_formula("f_0"), is_formula("docs/theory.md")
        (True, False, True, False)
    """
    if re.fullmatch(r"[A-Za-z](?:_[A-Za-z0-9]|_\{[^}]*\})?", text):
        return True
    if re.search(r"[a-z]{3,}_[a-z]{2,}|[a-z]{4,}\.[a-z]|[xy]_(?:true|clean)", text):
        return False
    return bool(_MATH.search(text)) and not (_NAME.search(text) and not re.search("[α-ωΑ-Ω‖≤≥∫√]", text))


def mathml(text: str) -> str:
    """Typeset a formula written in plain characters.

    Example:
        >>> mathml("σ_A²")
        '<math><msubsup><mi>σ</mi><mi>A</mi><mn>2</mn></msubsup></math>'
        >>> mathml("√(m+1)")
        '<math><msqrt><mrow><mi>m</mi><mo>+</mo><mn>1</mn></mrow></msqrt></math>'
    """
    return f"<math>{_row(_atoms(_Reader(unicodedata.normalize('NFC', text).strip())))}</math>"


class _Reader:
    """A text with a place in it."""

    def __init__(self, text: str) -> None:
        self.text, self.at = unicodedata.normalize("NFD", text), 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> tuple[str, str]:
        found = _TOKEN.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return str(found.lastgroup), found[0]


def _row(parts: list[str]) -> str:
    return "".join(parts)


def _atoms(reader: _Reader, end: str = "") -> list[str]:
    parts: list[str] = []
    while reader.peek() and reader.peek() != end:
        parts.append(_scripted(reader))
    if end and reader.peek() == end:
        reader.at += 1
    return parts


def _scripted(reader: _Reader) -> str:
    """One symbol with its accents, subscripts and superscripts."""
    base = _symbol(reader)
    while reader.peek() in _ACCENTS:
        base = f"<mover>{base}<mo>{_ACCENTS[reader.peek()]}</mo></mover>"
        reader.at += 1
    low = high = ""
    while reader.peek():
        sign = reader.peek()
        if sign in ("_", "^") and reader.text[reader.at + 1 : reader.at + 2].strip():
            reader.at += 1
            script = _script(reader)
            low, high = (low + script, high) if sign == "_" else (low, high + script)
        elif sign in _SUP or sign in _SUB:
            table = _SUP if sign in _SUP else _SUB
            run = ""
            while reader.peek() in table and reader.peek():
                run += table[reader.peek()]
                reader.at += 1
            script = _grouped(_atoms(_Reader(run)))
            low, high = (low, high + script) if table is _SUP else (low + script, high)
        elif sign == "'" or sign == "′":
            reader.at += 1
            high += "<mo>′</mo>"
        else:
            break
    low, high = _one(low), _one(high)
    if low and high:
        return f"<msubsup>{base}{low}{high}</msubsup>"
    if low or high:
        tag = "msub" if low else "msup"
        return f"<{tag}>{base}{low or high}</{tag}>"
    return base


def _one(scripts: str) -> str:
    return f"<mrow>{scripts}</mrow>" if scripts.count("</") > 1 and not scripts.startswith("<mrow>") else scripts


def _grouped(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def _script(reader: _Reader) -> str:
    if reader.peek() == "{":
        reader.at += 1
        return _grouped(_atoms(reader, "}"))
    if reader.peek() == "(":
        reader.at += 1
        return _grouped(["<mo>(</mo>", *_atoms(reader, ")"), "<mo>)</mo>"])
    run = re.match(r"(?:[A-Za-z]+\d*|\d+|[^\W\d_]|.)[\u0302-\u0305]*", reader.text[reader.at :], re.DOTALL)
    assert run is not None
    reader.at += len(run[0])
    return _grouped(_atoms(_Reader(run[0])))


def _symbol(reader: _Reader) -> str:
    kind, text = reader.take()
    if text == "√":
        inside = _script(reader) if reader.peek() != "(" else _parenthesis(reader)
        return f"<msqrt>{inside}</msqrt>"
    if kind == "space":
        return "<mspace width='0.3em'/>"
    if kind == "number":
        return f"<mn>{text}</mn>"
    if kind == "word" and text not in _FUNCTIONS and len(text) < 4:
        reader.at -= len(text) - 1  # a product of letters
        return f"<mi>{text[0]}</mi>"
    if kind == "word":
        return f"<mi mathvariant='normal'>{text}</mi>"
    if kind == "letter":
        return f"<mi>{escape(text)}</mi>"
    stretch = " stretchy='false'" if text in "‖|()[]{}⟨⟩" else ""
    return f"<mo{stretch}>{escape(text)}</mo>"


def _parenthesis(reader: _Reader) -> str:
    """What is under a root: the parentheses themselves are not printed."""
    reader.at += 1
    parts, depth = [], 1
    start = reader.at
    while reader.at < len(reader.text) and depth:
        depth += {"(": 1, ")": -1}.get(reader.peek(), 0)
        reader.at += 1
    inner = reader.text[start : reader.at - (depth == 0)]
    parts = _atoms(_Reader(inner))
    return f"<mrow>{''.join(parts)}</mrow>"


def typeset(app: Any, tree: nodes.document) -> None:
    """Replace the formulas of a theory page: code in the text, and indented lines, which then wrap."""
    if not app.env.docname.startswith("theory"):
        return
    for literal in list(tree.findall(nodes.literal)):
        if is_formula(literal.astext()):
            literal.replace_self(nodes.raw("", mathml(literal.astext()), format="html"))
    for text in list(tree.findall(nodes.Text)):
        if not isinstance(text.parent, _KEPT):
            _running(text)
    for block in list(tree.findall(nodes.literal_block)):
        text = block.astext()
        if block.get("language", "default") in ("default", "none", "text") and is_formula(text):
            block.replace_self(nodes.raw("", _lines(text), format="html"))


def _running(node: nodes.Text) -> None:
    """Typeset the symbols in running text."""
    text, parts, end = node.astext(), [], 0
    for found in _SYMBOL.finditer(text):
        if is_formula(found[0]):
            parts += [nodes.Text(text[end : found.start()]), nodes.raw("", mathml(found[0]), format="html")]
            end = found.end()
    if parts:
        parent = node.parent
        place = parent.index(node)
        parent[place : place + 1] = [part for part in (*parts, nodes.Text(text[end:])) if part.astext()]


def _lines(text: str) -> str:
    """Write indented lines: pieces with wide spaces between them, formulas typeset, words as words."""
    shown = []
    for line in text.splitlines():
        pieces = [piece for piece in re.split(r"\s{2,}", line.strip()) if piece]
        shown.append(" ".join(f"<span>{_piece(piece)}</span>" for piece in pieces))
    return f"<div class='formulas'>{''.join(f'<div>{line}</div>' for line in shown if line)}</div>"


def _piece(piece: str) -> str:
    words = re.findall(r"[A-Za-z]{2,}", piece)
    prose = [word for word in words if word not in _FUNCTIONS and len(word) > 3]
    return escape(piece) if len(prose) > 2 or not is_formula(piece) else mathml(piece)


def setup(app: Any) -> dict[str, Any]:
    """Connect the replacement."""
    app.connect("doctree-read", typeset)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
