"""Table `rates`: after how many iterations the loss is surely below a target, by form, loss and step."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

import flint
import sympy as sp

from dipproofs.enclosures import compile_arb
from dipproofs.errors import InputError
from dipproofs.losses.evaluation import exact_arb
from dipproofs.tables.losses import named_loss
from dipproofs.tables.options import integers, names, parts, within
from dipproofs.tables.smallest import smallest_verified
from dipproofs.tables.table import Column, Table
from dipproofs.tables.width_table import as_number, check_step
from dipproofs.theory.conditions import rate_exponent
from dipproofs.theory.forms import FORM_IDS, FORMS
from dipproofs.theory.losses.base import m as observations
from dipproofs.theory.losses.base import scale
from dipproofs.theory.symbols import F_inf, e, gamma, q, rate

COLUMNS = (
    Column("loss", "loss"),
    Column("form", "form"),
    Column("q", "q", "γL; residual: γM²", latex="q"),
    Column("gamma", "γ", "= q/L", latex=r"\gamma"),
    Column("loss_0", "f₀", parameter=True, latex="f_0"),
    Column("target", "target loss"),
    Column("f_inf", "F_∞", "", "given", parameter=True, latex=r"F_\infty"),
    Column("lipschitz", "L", "residual: M²", "given", parameter=True, latex="L"),
    Column("m", "m", parameter=True),
    Column("iterations", "iterations", "steps", "proved", latex=r"\tau"),
    Column("reason", "reason"),
)
NOTES = (
    "iterations: smallest τ with Ψ(f₀) + τF_∞²γκ̃ ≥ Ψ(target), verified in interval arithmetic, for the loss at scale 1 "
    "(squared: ½‖r‖²)",
    "residual: R_τ² ≤ (1−γF_∞²)^{2τ}R_0² (profile observation, no curvature correction); docs/theory.md §3",
)
LARGEST = 10**300


def make(
    loss: Any = "squared",
    form: Any = "paper,integral,concave,residual",
    q: Any = "0.5,1",
    loss_0: Any = 1,
    target: Any = "1e-3,1e-6,1e-12",
    f_inf: Any = "0.1",
    lipschitz: Any = 1,
    m: Any = 1,
) -> Table:
    """Make the table of guaranteed iteration counts.

    Args:
        loss: losses, with parameters as in ``huber:delta=0.5`` (those whose ψ needs no data).
        form: paper, integral, concave, residual.
        q: normalised step γL (residual: γM²).
        loss_0: loss at the start, > 0.
        target: losses to reach, in ]0, loss_0[.
        f_inf: F_∞, injectivity left along the path; F_∞² ≤ lipschitz.
        lipschitz: L (residual: M²).
        m: number of observations.

    Raises:
        InputError: a value out of range.
    """
    axes: dict[str, tuple[Any, ...]] = {
        "loss": parts(loss),
        "form": names(form, "--form", FORM_IDS),
        "q": within(q, "--q", "]0,∞["),
        "loss_0": within(loss_0, "--loss-0", "]0,∞["),
        "target": within(target, "--target", "]0,∞["),
        "f_inf": within(f_inf, "--f-inf", "]0,∞["),
        "lipschitz": within(lipschitz, "--lipschitz", "]0,∞["),
        "m": integers(m, "--m"),
    }
    records = [_record(_Cell(**dict(zip(axes, values)))) for values in product(*axes.values())]
    columns = COLUMNS if any(r["reason"] for r in records) else COLUMNS[:-1]
    return Table("rates", "Guaranteed iterations to a loss", columns, tuple(records), NOTES)


@dataclass(frozen=True)
class _Cell:
    """The inputs of one row, as in `make`."""

    loss: str
    form: str
    q: Fraction
    loss_0: Fraction
    target: Fraction
    f_inf: Fraction
    lipschitz: Fraction
    m: int


def _record(cell: _Cell) -> dict[str, Any]:
    check_step(cell.form, cell.q)
    if cell.target >= cell.loss_0:
        found, most = float(cell.target), float(cell.loss_0)
        raise InputError(f"--target: found {found:g}, expected a loss below --loss-0 {most:g}")
    if cell.f_inf**2 > cell.lipschitz:
        found, most = float(cell.f_inf), float(cell.lipschitz) ** 0.5
        raise InputError(f"--f-inf: found {found:g}, expected at most √L = {most:g} (F ≤ ‖M‖)")
    iterations, reason = _iterations(cell)
    row = vars(cell) | {"gamma": cell.q / cell.lipschitz, "iterations": iterations, "reason": reason or None}
    values = {column.key: row[column.key] for column in COLUMNS}
    return {key: as_number(value) if isinstance(value, Fraction) else value for key, value in values.items()}


_f0, _goal = sp.Symbol("f_start", positive=True), sp.Symbol("f_goal", positive=True)


@lru_cache(maxsize=256)
def _needed(kind: str, form: str, parameters: tuple[sp.Symbol, ...]) -> Any:
    """(Ψ(target)−Ψ(f_0))/(F_∞²γκ̃) as a function of (q, γ, F_∞, f_0, target, m, scale, parameters)."""
    from dipproofs.theory.losses import LOSSES

    if form == "residual":
        needed = sp.log(_f0 / _goal) / (-2 * sp.log(1 - gamma * F_inf**2))
    else:
        Psi = LOSSES[kind].Psi_scaled
        per_step = rate_exponent.subs(rate, FORMS[form].rate)
        needed = (Psi.subs(e, _goal) - Psi.subs(e, _f0)) / per_step
    return compile_arb((q, gamma, F_inf, _f0, _goal, observations, scale, *parameters), needed)


def _iterations(cell: _Cell) -> tuple[int | None, str]:
    loss = named_loss(cell.loss)
    if cell.form == "residual" and loss.theory.kind != "squared":
        return None, f"form residual is for the squared loss, not {loss.theory.kind}"
    if loss.theory.constants:
        return None, f"ψ of {loss.theory.kind} depends on the data: certify a problem instead"
    if cell.form == "residual" and cell.f_inf**2 * cell.q == cell.lipschitz:
        return 1, ""
    function = _needed(loss.theory.kind, cell.form, tuple(symbol for symbol, _ in loss.parameters))
    scaling = Fraction(1, 2) if loss.theory.kind == "squared" else Fraction(1)
    values = [cell.q, cell.q / cell.lipschitz, cell.f_inf, cell.loss_0, cell.target, Fraction(cell.m), scaling]
    values += [value for _, value in loss.parameters]

    def enough(count: int) -> bool:
        with flint.ctx.workprec(128 + count.bit_length()):
            return bool(function(*map(exact_arb, values)) <= count)

    with flint.ctx.workprec(128):
        guess = float(function(*map(exact_arb, values)).mid())
    found = smallest_verified(enough, guess, LARGEST)
    return (found, "") if found is not None else (None, "> 1e300")
