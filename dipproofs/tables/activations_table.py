"""Table `activations`: the proved constants of every activation."""

from __future__ import annotations

from typing import Any

import flint
import sympy as sp

from dipproofs.enclosures import compile_arb
from dipproofs.tables.constants_table import rounded
from dipproofs.tables.moments import BITS, activation_constants
from dipproofs.tables.options import names
from dipproofs.tables.table import Column, Table
from dipproofs.theory.activations import ACTIVATIONS, EXCLUDED
from dipproofs.theory.width import oscillation_of

_ROUNDED = "proved, rounded"
_CONSTANTS = ("B_1", "B_2", "oscillation", "C_phi", "C_dphi", "fourth_phi", "fourth_dphi")
COLUMNS = (
    Column("activation", "φ", latex=r"\varphi"),
    Column("B_1", "B₁ ≥ sup|φ′|", "", _ROUNDED, latex="B_1"),
    Column("B_2", "B₂ ≥ sup|φ′′|", "", _ROUNDED, latex="B_2"),
    Column("oscillation", "≥ sup φ′ − inf φ′", "", _ROUNDED),
    Column("C_phi", "C_φ = √Eφ²", "N(0,1)", _ROUNDED, latex=r"C_\varphi"),
    Column("C_dphi", "C_φ′ = √Eφ′²", "N(0,1)", _ROUNDED, latex=r"C_{\varphi'}"),
    Column("fourth_phi", "Eφ⁴", "N(0,1)", _ROUNDED, latex=r"\mathsf E\varphi^4"),
    Column("fourth_dphi", "Eφ′⁴", "N(0,1)", _ROUNDED, latex=r"\mathsf E\varphi'^4"),
    Column("proof", "B₁, B₂ because"),
)


def make(activation: Any = "all") -> Table:
    """Make the table of activations.

    Args:
        activation: names; all of them by default.

    Raises:
        InputError: an unknown name.
    """
    chosen = names(activation, "--activation", tuple(ACTIVATIONS))
    notes = [f"{name}: excluded, {reason}" for name, reason in EXCLUDED.items()]
    return Table(
        "activations",
        "Activations and their constants",
        COLUMNS,
        tuple(_record(name) for name in chosen),
        (*notes, "moments: rigorous quadrature with proved tails, printed to 12 digits; docs/theory.md §4, §6"),
    )


def _record(name: str) -> dict[str, Any]:
    with flint.ctx.workprec(BITS):
        oscillation = compile_arb((), sp.sympify(oscillation_of(ACTIVATIONS[name])))()
    values = vars(activation_constants(name)) | {"oscillation": oscillation}
    return {
        "activation": name,
        **{key: rounded(values[key]) for key in _CONSTANTS},
        "proof": ACTIVATIONS[name].proof,
    }
