"""Table `rates`: after how many iterations the loss is surely below a target, by form, loss and step."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

import flint
import sympy as sp

from dipproofs.enclosures import compile_arb
from dipproofs.errors import InputError
from dipproofs.losses.evaluation import exact_arb
from dipproofs.tables.losses import NamedLoss, named_loss
from dipproofs.tables.options import integers, names, numbers, parts, within
from dipproofs.tables.smallest import smallest_verified
from dipproofs.tables.table import Column, Table
from dipproofs.tables.width_table import as_number, check_step
from dipproofs.theory.conditions import rate_exponent
from dipproofs.theory.forms import FORM_IDS, FORMS
from dipproofs.theory.losses.base import m as observations
from dipproofs.theory.losses.base import scale
from dipproofs.theory.symbols import F_inf, e, gamma, q, rate

OPTIONS = ("loss", "form", "q", "loss_0", "target", "f_inf", "lipschitz", "m")
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
    forms, steps = names(form, "--form", FORM_IDS), within(numbers(q, "--q"), "--q", 0, open_low=True)
    starts = within(numbers(loss_0, "--loss-0"), "--loss-0", 0, open_low=True)
    targets = within(numbers(target, "--target"), "--target", 0, open_low=True)
    slopes = within(numbers(f_inf, "--f-inf"), "--f-inf", 0, open_low=True)
    bounds = within(numbers(lipschitz, "--lipschitz"), "--lipschitz", 0, open_low=True)
    sizes = integers(m, "--m")
    records = []
    for name, kind, step, start, goal, slope, bound, size in product(
        parts(loss), forms, steps, starts, targets, slopes, bounds, sizes
    ):
        check_step(kind, step)
        if goal >= start:
            raise InputError(f"--target: found {float(goal):g}, expected a loss below --loss-0 {float(start):g}")
        if slope**2 > bound:
            raise InputError(
                f"--f-inf: found {float(slope):g}, expected at most √L = {float(bound) ** 0.5:g} (F ≤ ‖M‖)"
            )
        iterations, reason = _iterations(named_loss(name), kind, step, start, goal, slope, bound, size)
        records.append(
            {
                "loss": name,
                "form": kind,
                "q": as_number(step),
                "gamma": as_number(step / bound),
                "loss_0": as_number(start),
                "target": as_number(goal),
                "f_inf": as_number(slope),
                "lipschitz": as_number(bound),
                "m": size,
                "iterations": iterations,
                "reason": reason or None,
            }
        )
    columns = COLUMNS if any(r["reason"] for r in records) else COLUMNS[:-1]
    return Table("rates", "Guaranteed iterations to a loss", columns, tuple(records), NOTES)


_time = sp.Symbol("time", real=True)
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


def _iterations(
    loss: NamedLoss,
    form: str,
    step: Fraction,
    start: Fraction,
    goal: Fraction,
    slope: Fraction,
    bound: Fraction,
    size: int,
) -> tuple[int | None, str]:
    if form == "residual" and loss.theory.kind != "squared":
        return None, f"form residual is for the squared loss, not {loss.theory.kind}"
    if loss.theory.constants:
        return None, f"ψ of {loss.theory.kind} depends on the data: certify a problem instead"
    if form == "residual" and slope**2 * step == bound:
        return 1, ""
    function = _needed(loss.theory.kind, form, tuple(symbol for symbol, _ in loss.parameters))
    scaling = Fraction(1, 2) if loss.theory.kind == "squared" else Fraction(1)
    values = [step, step / bound, slope, start, goal, Fraction(size), scaling, *(v for _, v in loss.parameters)]

    def enough(count: int) -> bool:
        with flint.ctx.workprec(128 + count.bit_length()):
            return bool(function(*map(exact_arb, values)) <= count)

    with flint.ctx.workprec(128):
        guess = float(function(*map(exact_arb, values)).mid())
    found = smallest_verified(enough, guess, LARGEST)
    return (found, "") if found is not None else (None, "> 1e300")
