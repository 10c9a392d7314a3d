"""Table `width`: the smallest verified width over a grid of parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

from dipproofs.errors import InputError
from dipproofs.tables.cells import WidthCell, spectrum_sums
from dipproofs.tables.losses import named_loss
from dipproofs.tables.options import integers, names, parts, within
from dipproofs.tables.table import Column, Table
from dipproofs.tables.width import BOUND_IDS, WidthResult, smallest_widths
from dipproofs.theory.activations import ACTIVATIONS, EXCLUDED
from dipproofs.theory.architectures.two_layer import TRAIN_MODES
from dipproofs.theory.forms import FORMS
from dipproofs.theory.width import LAWS, PROFILE_IDS, WIDTH_FORMS

MOST_CELLS = 10**6

COLUMNS = (
    Column("n", "n", parameter=True),
    Column("m", "m", parameter=True),
    Column("d", "d", parameter=True),
    Column("kappa", "κ(A)", "‖A‖ = 1", latex=r"\kappa(A)", parameter=True),
    Column("y_norm", "‖Ax̄‖", "given", latex=r"\|A\bar x\|", parameter=True),
    Column("noise", "noise", "‖ε‖/‖Ax̄‖", parameter=True),
    Column("loss", "loss", parameter=True),
    Column("form", "form", parameter=True),
    Column("q", "q", "γL; residual: γM²", latex="q", parameter=True),
    Column("delta", "δ", "probability", latex=r"\delta", parameter=True),
    Column("train", "train", parameter=True),
    Column("activation", "φ", latex=r"\varphi", parameter=True),
    Column("law", "law of V", parameter=True),
    Column("profile", "profile", parameter=True),
    Column("bound", "bound"),
    Column("k", "k", "hidden units", "proved", latex="k"),
    Column("k_flow", "k of the flow", "hidden units", "proved", latex=r"k_{\mathrm{flow}}"),
    Column("ratio", "k / k of the flow", "", "6 digits", latex=r"k/k_{\mathrm{flow}}"),
    Column("chosen", "chosen"),
    Column("expression", "the paper's bound", "LaTeX", math=True),
    Column("order", "order at C = C′ = 1", "", "not a bound"),
    Column("reason", "reason"),
)
NOTES = (
    "k: smallest width at which (H) is verified in interval arithmetic to hold with probability ≥ 1−δ over W, V; "
    "at k−1 it fails or is not verified (docs/theory.md §6)",
    "singular values of A: linear from 1 to 1/κ, min(n, m) of them; ‖y‖ ≤ ‖Ax̄‖(1+noise), ‖Ax̄‖ = ‖A‖_F unless given; "
    "‖Aᵀy‖ ≤ ‖A‖‖y‖; ‖u‖ = 1",
)
RESIDUAL_NOTE = "form residual: q = γM_ρ², a larger step than that of γL = q, so its widths do not compare at equal q"


def make(
    n: Any = "10,100,1000",
    m: Any = None,
    d: Any = 10,
    kappa: Any = 1,
    y_norm: Any = None,
    noise: Any = 0,
    loss: Any = "squared",
    form: Any = "concave",
    q: Any = 1,
    delta: Any = "0.05",
    train: Any = "both",
    activation: Any = "tanh",
    law: Any = "rademacher",
    profile: Any = "auto",
    bound: Any = "baseline,block,split",
) -> Table:
    """Make the width table; every option is a value, a list or a range.

    Args:
        n: length of the signal.
        m: number of observations; n/2 (at least 1) if not given.
        d: length of the network's input; enters the paper's bound only.
        kappa: κ(A) ≥ 1.
        y_norm: ‖Ax̄‖; ‖A‖_F if not given.
        noise: ‖ε‖/‖Ax̄‖.
        loss: losses, with parameters as in ``huber:delta=0.5``.
        form: paper, integral, concave, flow, residual.
        q: normalised step γL (residual: γM_ρ²); the flow has none.
        delta: allowed probability of failure.
        train: both, inner, outer.
        activation: names of activations.
        law: law of the entries of V: rademacher, uniform, gaussian.
        profile: auto, paper, row-space, observation, block, block-observation.
        bound: paper-order, baseline, rank, block, split, sparse, best.

    Raises:
        InputError: a value out of range, an unknown name.
    """
    forms = names(form, "--form", WIDTH_FORMS)
    steps = within(q, "--q", "]0,∞[") if forms != ("flow",) else (Fraction(0),)
    for pair in product(forms, steps):
        check_step(*pair)
    losses = parts(loss)
    for name in losses:
        named_loss(name)
    for name in parts(activation):
        if name in EXCLUDED:
            raise InputError(f"--activation: found {name!r}, but {EXCLUDED[name]}")
    axes: dict[str, tuple[Any, ...]] = {
        "n": integers(n, "--n"),
        "m": (None,) if m is None else integers(m, "--m"),
        "d": integers(d, "--d"),
        "kappa": within(kappa, "--kappa", "[1,∞["),
        "y_norm": (None,) if y_norm is None else within(y_norm, "--y-norm", "[0,∞["),
        "noise": within(noise, "--noise", "[0,∞["),
        "loss": losses,
        "form": forms,
        "q": steps,
        "delta": within(delta, "--delta", "]0,1["),
        "train": names(train, "--train", TRAIN_MODES),
        "activation": names(activation, "--activation", tuple(ACTIVATIONS)),
        "law": names(law, "--law", LAWS),
        "profile": names(profile, "--profile", PROFILE_IDS),
        "bound": names(bound, "--bound", BOUND_IDS),
    }
    count = math.prod(len(values) for values in axes.values())
    if count > MOST_CELLS:
        raise InputError(f"table width: found {count} cells, expected at most {MOST_CELLS}; shorten a list")
    cells = list(_cells(axes))
    results = smallest_widths([*cells, *(cell.as_flow() for cell in cells)])
    records = tuple(_record(cell, results[cell], results[cell.as_flow()]) for cell in cells)
    notes = (*NOTES, RESIDUAL_NOTE) if "residual" in forms else NOTES
    return Table("width", "Sufficient widths with explicit constants", _shown(records), records, notes)


def check_step(form: str, q: Fraction) -> None:
    """Check that a form admits this normalised step.

    Raises:
        InputError: it does not.

    Example:
        >>> check_step("paper", Fraction(3, 2))
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: --q: found 1.5, form paper allows ]0,1]; choose a smaller step
    """
    if form == "flow":
        return
    high, closed = (1, True) if form == "residual" else (FORMS[form].limit, FORMS[form].closed)
    if q <= 0 or q > high or (q == high and not closed):
        raise InputError(
            f"--q: found {float(q):g}, form {form} allows ]0,{high}{']' if closed else '['}; choose a smaller step"
        )


def _cells(axes: dict[str, tuple[Any, ...]]) -> Iterator[WidthCell]:
    seen = set()
    for values in product(*axes.values()):
        cell = WidthCell(**dict(zip(axes, values)))
        cell = replace(cell, m=max(1, cell.n // 2)) if cell.m is None else cell
        cell = cell.as_flow() if cell.form == "flow" else cell
        if cell not in seen:
            seen.add(cell)
            yield cell


def _record(cell: WidthCell, result: WidthResult, flow: WidthResult) -> dict[str, Any]:
    return {
        **{name: as_number(value) if isinstance(value, Fraction) else value for name, value in vars(cell).items()},
        "y_norm": _y_norm(cell),
        "k": result.k,
        "k_flow": flow.k,
        "ratio": None if result.k is None or flow.k is None else ratio_of(result.k, flow.k),
        "chosen": result.chosen or None,
        "expression": result.expression or None,
        "order": result.order,
        "reason": result.reason or None,
    }


def ratio_of(k: int, flow: int) -> float | None:
    """Return k/flow to six digits."""
    return float(f"{float(Fraction(k, flow)):.6g}") if k < flow * 10**300 else None


def as_number(value: Fraction) -> int | float:
    """Return an integer or the nearest float."""
    return int(value) if value.denominator == 1 and abs(value) < 10**15 else float(value)


def _y_norm(cell: WidthCell) -> int | float:
    if cell.y_norm is not None:
        return as_number(cell.y_norm)
    return float(f"{math.sqrt(spectrum_sums(cell.rank, cell.kappa)[0]):.12g}")


#: Columns that are left out of the text renderings when they say nothing.
_OPTIONAL = {"chosen": None, "expression": None, "order": None, "reason": None, "noise": 0}


def _shown(records: tuple[dict[str, Any], ...]) -> tuple[Column, ...]:
    quiet = {key for key, value in _OPTIONAL.items() if all(record[key] == value for record in records)}
    return tuple(column for column in COLUMNS if column.key not in quiet)
