"""Table `losses`: every loss with ψ, Ψ, Ψ⁻¹, G and Λ, printed from the theory's expressions."""

from __future__ import annotations

from typing import Any

import sympy as sp

from dipproofs.tables.options import names
from dipproofs.tables.table import Column, Table
from dipproofs.theory.losses import LOSSES, LossTheory

COLUMNS = (
    Column("loss", "loss"),
    Column("convention", "L at scale 1"),
    Column("scale", "default scale"),
    Column("psi", "ψ(e)", math=True, latex=r"\psi(e)"),
    Column("Psi", "Ψ(e)", math=True, latex=r"\Psi(e)"),
    Column("Psi_inv", "inverse of Ψ", math=True, latex=r"\Psi^{-1}(\xi)"),
    Column("G", "G", math=True, latex="G"),
    Column("Lambda", "Λ", math=True, latex=r"\Lambda"),
    Column("domain", "domain of v"),
    Column("proof", "because"),
)
NOTES = (
    "L = scale·(loss at scale 1): ψ(e/c), Ψ(e/c)/c, c·Ψ⁻¹(cξ), c·G(f₀/c), c·Λ(f₀/c); docs/theory.md §5",
    "evidence: proved (checks/); constants that depend on the data (m, μ, Y …) are enclosed for each problem",
)


def make(loss: Any = "all", latex: bool = False) -> Table:
    """Make the table of losses.

    Args:
        loss: kinds; all of them by default.
        latex: formulas as LaTeX (for ``render("latex")``) instead of plain text.

    Raises:
        InputError: an unknown loss.
    """
    chosen = names(loss, "--loss", tuple(LOSSES))
    return Table(
        "losses",
        "Losses and their desingularizing functions",
        COLUMNS,
        tuple(_record(LOSSES[kind], latex) for kind in chosen),
        NOTES,
    )


def _record(loss: LossTheory, latex: bool) -> dict[str, Any]:
    show = sp.latex if latex else str
    low, high = loss.domain
    return {
        "loss": loss.kind,
        "convention": loss.convention,
        "scale": str(loss.default_scale),
        "psi": show(loss.psi),
        "Psi": show(loss.Psi),
        "Psi_inv": show(loss.Psi_inv),
        "G": show(loss.gradient_bound),
        "Lambda": show(loss.curvature),
        "domain": "ℝ" if (low, high) == (-sp.oo, sp.oo) else f"]{low}, {high}[".replace("oo", "∞"),
        "proof": loss.proof,
    }
