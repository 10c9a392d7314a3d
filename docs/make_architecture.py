"""Draw the subpackages and how data flow through them (docs/figures/architecture.svg).

Run:  python docs/make_architecture.py
"""

from __future__ import annotations

from pathlib import Path

TARGET = Path(__file__).resolve().parent / "figures" / "architecture.svg"
WIDTH, HEIGHT, BOX_WIDTH, BOX_HEIGHT = 920, 520, 150, 60

#: Name, what it holds, left and top edge, colour.
BOXES = [
    ("experiments", "the paper's questions", 215, 20, "#e8eef7"),
    ("cli", "parses, calls, renders", 400, 20, "#f2f2f2"),
    ("testing", "strategies for Hypothesis", 585, 20, "#e8eef7"),
    ("tables", "bounds over grids", 750, 20, "#e8eef7"),
    ("problems", "signals, noise, files", 30, 120, "#e8eef7"),
    ("descent", "the run, in JAX", 215, 120, "#e8eef7"),
    ("certify", "instance × theorem", 400, 120, "#dff0e2"),
    ("certificate", "JSON and arrays", 585, 120, "#fdf3d8"),
    ("report", "console, HTML, pictures", 750, 120, "#e8eef7"),
    ("networks", "two-layer, graph, library", 215, 220, "#e8eef7"),
    ("recovery", "what follows for x̄", 400, 220, "#dff0e2"),
    ("verify", "the second opinion", 585, 220, "#dff0e2"),
    ("operators, losses", "structure, adapters", 30, 320, "#e8eef7"),
    ("graph", "nodes, shapes, traces", 215, 320, "#fdf3d8"),
    ("verify/arithmetic", "of the verifier alone", 750, 320, "#f3e3ee"),
    ("arguments", "keys, arrays, files", 30, 430, "#f3e3ee"),
    ("enclosures", "numbers become bounds", 215, 430, "#f3e3ee"),
    ("theory", "what is claimed (SymPy)", 400, 430, "#f3e3ee"),
]
#: Arrows of data: from, to, label.
FLOWS = [
    ("problems", "descent", ""),
    ("descent", "certify", "θ_t"),
    ("certify", "certificate", ""),
    ("certificate", "report", ""),
    ("certificate", "verify", ""),
]
#: Who is used by whom, across the layers: dashed.
USES = [
    ("operators, losses", "problems"),
    ("graph", "networks"),
    ("networks", "descent"),
    ("networks", "certify"),
    ("recovery", "certify"),
    ("arguments", "operators, losses"),
    ("enclosures", "operators, losses"),
    ("theory", "recovery"),
    ("theory", "verify"),
    ("verify/arithmetic", "verify"),
]


def svg() -> str:
    """Return the picture."""
    place = {name: (x, y) for name, _, x, y, _ in BOXES}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        '<rect x="15" y="417" width="550" height="86" rx="8" fill="none" stroke="#b58aa5" stroke-dasharray="5 4"/>',
        _text(580, 456, "the bottom layer: imports", 13, "start", "#7a4a68"),
        _text(580, 474, "nothing that stands above it", 13, "start", "#7a4a68"),
    ]
    parts += [_line(*_ends(place[a], place[b]), label) for a, b, label in FLOWS]
    parts += [_line(*_ends(place[a], place[b]), "", dashed=True) for a, b in USES]
    for name, text, x, y, colour in BOXES:
        parts.append(
            f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7" fill="{colour}" stroke="#666"/>'
        )
        parts.append(_text(x + BOX_WIDTH / 2, y + 27, name, 15 if len(name) < 15 else 12.5, weight="bold"))
        parts.append(_text(x + BOX_WIDTH / 2, y + 47, text, 10.5))
    return "\n".join([*parts, "</svg>", ""])


def _ends(start: tuple[int, int], end: tuple[int, int]) -> tuple[float, float, float, float]:
    """Points where an arrow leaves one box and meets the other: sides if they are level, else top and bottom."""
    (x0, y0), (x1, y1) = start, end
    if y0 == y1:
        return (x0 + BOX_WIDTH, y0 + BOX_HEIGHT / 2, x1, y1 + BOX_HEIGHT / 2)
    below = y1 > y0
    lean = 25 * ((x1 > x0) - (x1 < x0))
    return (
        x0 + BOX_WIDTH / 2 + lean,
        y0 + (BOX_HEIGHT if below else 0),
        x1 + BOX_WIDTH / 2 - lean,
        y1 + (0 if below else BOX_HEIGHT),
    )


def _line(x0: float, y0: float, x1: float, y1: float, label: str, *, dashed: bool = False) -> str:
    style = ' stroke-dasharray="4 4"' if dashed else ""
    line = f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="#555" stroke-width="1.6"{style} '
    return f'{line}marker-end="url(#tip)"/>' + (_text((x0 + x1) / 2, y0 - 7, label, 12) if label else "")


def _text(
    x: float, y: float, text: str, size: float, anchor: str = "middle", colour: str = "#222", weight: str = "normal"
) -> str:
    style = f'font-size="{size}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}"'
    return f'<text x="{x}" y="{y}" {style}>{text}</text>'


if __name__ == "__main__":
    TARGET.write_text(svg(), encoding="utf-8")
