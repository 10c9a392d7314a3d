"""Table `constants`: the step-size factors ν₁, ν₂, ω, κ̃ of every form over q."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import sympy as sp

from dipproofs.enclosures import Bound, compile_arb
from dipproofs.losses.evaluation import exact_arb
from dipproofs.tables.options import names, within
from dipproofs.tables.table import Column, Table
from dipproofs.tables.width_table import as_number, check_step
from dipproofs.theory.forms import FORMS, RESIDUAL_OMEGA, paper_nu_1, paper_nu_2
from dipproofs.theory.symbols import gamma, q
from dipproofs.theory.width import SPLIT_OMEGA, WIDTH_FORMS

COLUMNS = (
    Column("form", "form"),
    Column("q", "q", "γL; residual: γM²", latex="q"),
    Column("omega", "ω", "factor of (H)", "proved, rounded", latex=r"\omega"),
    Column("rate", "κ̃", "factor of the rate", "proved, rounded", latex=r"\tilde\kappa"),
    Column("q_rate", "qκ̃", "per 1/L", "proved, rounded", latex=r"q\tilde\kappa"),
    Column("nu_1", "ν₁", "= 1/ω", "proved, rounded", latex=r"\nu_1"),
    Column("nu_2_over_L", "ν₂/L", "= 1/(qκ̃)", "proved, rounded", latex=r"\nu_2/L"),
    Column("omega_split", "ω of bound split", "", "proved, rounded", latex=r"\omega_{\mathrm{split}}"),
)
NOTES = (
    "ν₁ and ν₂ are the paper's for form paper, and 1/ω and 1/(γκ̃) for the others; ν₂ in units of L at γ = q/L",
    "proved, rounded: enclosed in interval arithmetic, printed to 12 digits; docs/theory.md §2, §3",
)


def make(form: Any = "all", q: Any = "0.1:1:0.1") -> Table:
    """Make the table of constants.

    Args:
        form: paper, integral, concave, flow, residual.
        q: normalised steps.

    Raises:
        InputError: a step that a form does not admit.
    """
    forms = names(form, "--form", WIDTH_FORMS)
    steps = within(q, "--q", "]0,∞[")
    records = []
    for name in forms:
        for step in (Fraction(0),) if name == "flow" else steps:
            check_step(name, step)
            records.append(_record(name, step))
    return Table("constants", "Step-size factors", COLUMNS, tuple(records), NOTES)


def _record(form: str, step: Fraction) -> dict[str, Any]:
    row: dict[str, Any] = {"form": form, "q": as_number(step)}
    split = SPLIT_OMEGA.get(form)
    if form == "residual":
        values = {"omega": RESIDUAL_OMEGA}
    else:
        chosen = FORMS[form]
        values = {"omega": chosen.omega, "rate": chosen.rate, "q_rate": q * chosen.rate, "nu_1": 1 / chosen.omega}
        if form != "flow":
            values["nu_2_over_L"] = 1 / (q * chosen.rate)
    if form == "paper":
        values |= {"nu_1": paper_nu_1, "nu_2_over_L": paper_nu_2.subs(gamma, q)}
    if split is not None:
        values["omega_split"] = split
    for key in ("omega", "rate", "q_rate", "nu_1", "nu_2_over_L", "omega_split"):
        row[key] = enclosed(values[key], q, step) if key in values else None
    return row


def enclosed(expr: sp.Expr, symbol: sp.Symbol, value: Fraction) -> float:
    """Return the value of an expression to 12 digits, from an enclosure that is narrower than that."""
    with flint.ctx.workprec(128):
        ball = compile_arb((symbol,), sp.sympify(expr))(exact_arb(value))
        return rounded(ball)


def rounded(ball: flint.arb) -> float:
    """Return an enclosed number to 12 digits.

    Raises:
        ArithmeticError: the enclosure is wider than that.
    """
    bound = Bound.from_arb(ball)
    if bound.relative_width > 1e-12:
        raise ArithmeticError(f"the enclosure {ball} is too wide to print")
    return float(f"{bound.mid:.12g}")
