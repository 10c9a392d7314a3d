"""Tables of formulas for the manual, printed from the objects in `dipproofs.theory`."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

import dipproofs.theory.elementary
import dipproofs.theory.gaussian_moments
import dipproofs.theory.methods
import dipproofs.theory.schedules
import dipproofs.theory.width  # noqa: F401 - these register their formulas
from dipproofs import theory
from dipproofs.theory.architectures.two_layer import TRAIN_MODES
from dipproofs.theory.core import Formula
from dipproofs.theory.losses import LossTheory


def fragments() -> dict[str, str]:
    """Return every fragment as Markdown by file name."""
    return {
        "forms.md": _forms(),
        "profiles.md": _profiles(),
        "conditions.md": _list("conditions."),
        "conclusions.md": _list("conclusions."),
        "two-layer.md": _two_layer(),
        "losses.md": losses_page(),
        "graph.md": _list("graph."),
        "activations.md": _activations(),
        "elementary.md": _list("elementary."),
        "methods.md": _list("methods."),
        "moments.md": _list("moments."),
        "excluded.md": "\n".join(f"* `{name}`: {why}." for name, why in theory.EXCLUDED.items()) + "\n",
        "quantities.md": _quantities(),
        "recovery.md": _list("recovery."),
        "schedules.md": _list("schedules."),
        "width.md": _list("width."),
    }


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; bars in cells are escaped."""
    lines = [list(head), *[list(row) for row in rows]]
    text = ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(lines[0]), *text[1:]]) + "\n"


def math(expr: sp.Basic) -> str:
    """Return an expression as inline LaTeX that is safe in a table."""
    return "$" + safe(sp.latex(expr)) + "$"


def safe(latex: str) -> str:
    """Write norms and absolute values without bars, which would end a cell of a table.

    Example:
        >>> safe(r"\\|A\\| + |x|")
        '\\\\Vert A\\\\Vert  + \\\\vert x\\\\vert '
    """
    return latex.replace(r"\|", r"\Vert ").replace(r"\left|", r"\left\vert ").replace("|", r"\vert ")


def _forms() -> str:
    rows = []
    for form in theory.FORMS.values():
        allowed = "$q \\to 0$" if form.id == "flow" else math(form.admissible())
        rate = "–" if form.rate is None else math(form.rate)
        needs = "–" if form.requires is None else form.requires.words
        rows.append([f"`{form.id}`", math(form.omega), rate, allowed, needs, form.source])
    return table(["form", r"$\omega(q)$", "κ̃(q)", "step", "needs", "proof"], rows)


def _profiles() -> str:
    lines = []
    for profile in theory.PROFILES.values():
        meaning = theory.formula(f"profiles.{profile.id}.F").meaning
        network = "any network" if profile.architecture == "any" else f"{profile.architecture} networks"
        formula = f"  $$\n  F(t) = {sp.latex(profile.F)}\n  $$\n"
        lines.append(f"`{profile.id}`\n: {meaning}; {network} ({profile.source}).\n\n{formula}")
    return "\n".join(lines)


def _two_layer() -> str:
    blocks = []
    for train in TRAIN_MODES:
        title = {"both": "both layers", "inner": "inner layer", "outer": "outer layer"}[train]
        blocks.append(f"Trained: {title}.\n\n" + _list(f"twolayer.{train}."))
    return "\n".join(blocks)


def _activations() -> str:
    rows = [
        [f"`{a.name}`", math(a.phi), math(a.B_1), math(a.B_2), f"{float(a.B_1):.4g}, {float(a.B_2):.4g}", a.proof]
        for a in theory.ACTIVATIONS.values()
    ]
    head = ["activation", r"$\varphi(x)$", r"$B_1 \geq \sup\vert\varphi'\vert$", r"$B_2 \geq \sup\vert\varphi''\vert$"]
    return table([*head, "about", "because"], rows)


def losses_page() -> str:
    """Return the Markdown table of ψ, Ψ, Ψ⁻¹, G and Λ at scale 1, and the constants that depend on the data.

    Example:
        >>> print(losses_page().splitlines()[0])
        | loss | $L_1$ | $\\psi(e)$ | $\\Psi(e)$ | $\\Psi^{-1}(\\xi)$ | $G$ | $\\Lambda$ |
    """
    rows = [r"| loss | $L_1$ | $\psi(e)$ | $\Psi(e)$ | $\Psi^{-1}(\xi)$ | $G$ | $\Lambda$ |", "|" + "---|" * 7]
    rows += [_loss_row(loss) for loss in theory.LOSSES.values()]
    rows += ["", "| loss | constant | over the observations | of | meaning |", "|" + "---|" * 5]
    for loss in theory.LOSSES.values():
        rows += [
            f"| `{loss.kind}` | ${sp.latex(c.symbol)}$ | {c.reduce} | ${sp.latex(c.expr)}$ | {c.meaning} |"
            for c in loss.constants
        ]
    return "\n".join(rows) + "\n"


def _loss_row(loss: LossTheory) -> str:
    formulas = (loss.psi, loss.Psi, loss.Psi_inv, loss.gradient_bound, loss.curvature)
    convention = loss.convention.replace("|", r"\|")
    return f"| `{loss.kind}` | {convention} | " + " | ".join(f"${sp.latex(f)}$" for f in formulas) + " |"


def _quantities() -> str:
    rows = [
        [f"`{name}`", math(q.symbol), q.meaning, q.source]
        for name, q in sorted(theory.quantities().items(), key=lambda item: item[0].lower())
    ]
    return table(["JSON name", "symbol", "meaning", "section"], rows)


def _list(prefix: str) -> str:
    return "\n".join(_item(f) for f in theory.formulas(prefix)) + "\n"


def _item(item: Formula) -> str:
    return f"`{item.id}`\n: {item.meaning} ({item.source}).\n\n  $$\n  {item.latex()}\n  $$\n"
