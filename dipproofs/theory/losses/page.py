"""The table of losses as the manual prints it, from the theory's expressions."""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.losses import LOSSES
from dipproofs.theory.losses.base import LossTheory


def losses_page() -> str:
    """Return the Markdown table of ψ, Ψ, Ψ⁻¹, G and Λ at scale 1, and the constants that depend on the data.

    Example:
        >>> print(losses_page().splitlines()[0])
        | loss | $L_1$ | $\\psi(e)$ | $\\Psi(e)$ | $\\Psi^{-1}(\\xi)$ | $G$ | $\\Lambda$ |
    """
    rows = [r"| loss | $L_1$ | $\psi(e)$ | $\Psi(e)$ | $\Psi^{-1}(\xi)$ | $G$ | $\Lambda$ |", "|" + "---|" * 7]
    rows += [_row(loss) for loss in LOSSES.values()]
    rows += ["", "| loss | constant | over the observations | of | meaning |", "|" + "---|" * 5]
    for loss in LOSSES.values():
        rows += [
            f"| `{loss.kind}` | ${sp.latex(c.symbol)}$ | {c.reduce} | ${sp.latex(c.expr)}$ | {c.meaning} |"
            for c in loss.constants
        ]
    return "\n".join(rows) + "\n"


def _row(loss: LossTheory) -> str:
    formulas = (loss.psi, loss.Psi, loss.Psi_inv, loss.gradient_bound, loss.curvature)
    convention = loss.convention.replace("|", r"\|")
    return f"| `{loss.kind}` | {convention} | " + " | ".join(f"${sp.latex(f)}$" for f in formulas) + " |"
