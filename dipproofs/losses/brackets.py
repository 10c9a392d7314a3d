"""Sublevel brackets {h(·, y_i) ≤ f}: proposed by floats, proved by Arb (docs/theory.md §5)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import flint
import numpy as np

from dipproofs.enclosures import ArbFunction, compile_arb
from dipproofs.losses.evaluation import exact_arb
from dipproofs.theory.losses.base import s as s_symbol
from dipproofs.theory.losses.base import v as v_symbol
from dipproofs.theory.losses.base import y as y_symbol

if TYPE_CHECKING:
    from dipproofs.losses.base import Loss

_MARGINS = [2.0**k for k in (-44, -36, -24, -12, -4, 0, 2, 5, 10, 20)]
_FINER = (1024, 8192)
_LOWEST, _HIGHEST, _TRIALS, _CLOSE = -110.0, 62.0, 64, 2.0**-51


def sublevel_brackets(
    loss: Loss, y: np.ndarray, level: Fraction, sides: tuple[int, ...] = (-1, 1)
) -> dict[int, list[flint.arb]]:
    """Enclose the ends of {h(·, y_i) ≤ level}, at the precision in force.

    Args:
        loss: a loss of structure "entrywise".
        y: (m,) observations, float64.
        level: value of h, > 0.
        sides: −1 for lower, 1 for upper ends.

    Returns:
        For each side the ends as balls; a NaN ball where no bracket could be proved.

    Notes:
        Along a branch h grows strictly, so one point of each side of the root, checked in ball arithmetic,
        proves the bracket. Evidence: proved.
    """
    return {side: _one_side(loss, y, level, side) for side in sides}


def _proposals(loss: Loss, y: np.ndarray, level: float, side: int) -> np.ndarray:
    """Coordinate of the root, in floats, by regula falsi (Illinois): ln h is nearly a line in ln s."""
    numerics = loss.theory.numerics
    if numerics.branch is None:
        raise ValueError(f"loss {loss.kind} has no branches")
    low, high = np.full(y.shape, _LOWEST), np.full(y.shape, _HIGHEST)
    below, above = np.full(y.shape, -np.inf), np.full(y.shape, np.inf)  # ln h − ln level at both, halved where stuck
    last = np.zeros(y.shape)
    with np.errstate(all="ignore"):
        for _ in range(_TRIALS):
            guess = high - above / (above - below) * (high - low)
            guess = np.where((low < guess) & (guess < high), guess, (low + high) / 2)
            d = numerics.branch(np, np.exp2(guess), y, loss.parameters, side)
            found = np.log(numerics.entry(np, d, y, loss.parameters) / level)
            grown, stuck = ~(found < 0), np.sign(found) == last
            below = np.where(grown, np.where(stuck, below / 2, below), found)
            above = np.where(grown, found, np.where(stuck, above / 2, above))
            low, high, last = np.where(grown, low, guess), np.where(grown, guess, high), np.sign(found)
            if (np.abs(found) <= _CLOSE * (1 + np.abs(guess))).all():
                break
    return np.asarray(np.exp2(guess))


def _one_side(loss: Loss, y: np.ndarray, level: Fraction, side: int) -> list[flint.arb]:
    theory = loss.theory
    symbols = tuple(p.symbol for p in theory.parameters)
    tail = [exact_arb(loss.parameters[p.name]) for p in theory.parameters]
    entry = compile_arb((v_symbol, y_symbol, *symbols), theory.entry)
    branch = compile_arb((s_symbol, y_symbol, *symbols), theory.branch_lower if side < 0 else theory.branch_upper)
    found = []
    for start, target in zip(_proposals(loss, y, float(level), side).tolist(), y.tolist()):
        end = flint.arb.nan()
        for bits in (flint.ctx.prec, *_FINER):
            with flint.ctx.workprec(bits):
                end = _proved_end(entry, branch, start, flint.arb(target), exact_arb(level), tail)
            if not end.is_nan():
                break
        found.append(end)
    return found


def _proved_end(
    entry: ArbFunction, branch: ArbFunction, start: float, target: flint.arb, height: flint.arb, tail: list[flint.arb]
) -> flint.arb:
    """The end of a bracket between a point proved outside and one proved inside, near the proposal."""
    ends: list[flint.arb] = []
    for outward in (True, False):
        for margin in _MARGINS:
            factor = 1 + flint.arb(margin) if outward else 1 / (1 + flint.arb(margin))
            point = branch(flint.arb(start) * factor, target, *tail)
            value = entry(point, target, *tail)
            if (value >= height) if outward else (value <= height):
                ends.append(point)
                break
    return ends[0].union(ends[1]) if len(ends) == 2 else flint.arb.nan()
