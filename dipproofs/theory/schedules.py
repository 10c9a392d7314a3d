"""Step-size schedules γ_τ = γ_0·factor(τ): the largest factor left, and what the steps add up to (docs/theory.md §3).

Factors do not increase, so the largest from `start` on is the one at `start`, and a sum of `count` factors is at
least the integral of the factor over [start, start + count].
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import define, symbol
from dipproofs.theory.extremes import minimum

start = symbol("t", "iteration from which on steps count", integer=True, nonnegative=True)
count = symbol("N", "number of steps", integer=True, nonnegative=True)
power = symbol("a", "power of a polynomial schedule")
horizon = symbol("T", "iterations of a cosine schedule", positive=True)


@dataclass(frozen=True)
class ScheduleTheory:
    """One schedule.

    Args:
        largest: sup of factor(τ) over τ ≥ start. total: lower bound of Σ factor(τ) over start ≤ τ < start + count.
        diverges: whether the factors sum to infinity.
        options: what the schedule needs to know: symbol and smallest value, by name.
    """

    largest: sp.Expr
    total: sp.Expr
    diverges: sp.Basic
    options: dict[str, tuple[sp.Symbol, int]] = field(default_factory=dict)


def _schedule(
    kind: str, largest: sp.Expr, total: sp.Expr, diverges: sp.Basic, **options: tuple[sp.Symbol, int]
) -> ScheduleTheory:
    define(f"schedules.{kind}.largest", largest, f"largest factor from iteration t on, schedule {kind}", "§3 remark d")
    define(f"schedules.{kind}.total", total, f"N factors from iteration t on add up to this, {kind}", "§3 remark d")
    return ScheduleTheory(largest, total, diverges, options)


_first, _last = 1 + start, 1 + start + count
_from, _to = minimum(start, horizon), minimum(start + count, horizon)

#: By name. Backtracking: a trial below 1/L is never shortened, so that γ_τ ≥ min(γ_0, shrink/L).
SCHEDULES: dict[str, ScheduleTheory] = {
    "constant": _schedule("constant", sp.Integer(1), count, sp.true),
    "polynomial": _schedule(
        "polynomial",
        _first ** (-power),
        sp.Piecewise(
            (sp.log(_last / _first), sp.Eq(power, 1)),
            ((_last ** (1 - power) - _first ** (1 - power)) / (1 - power), True),
        ),
        sp.Le(power, 1),
        power=(power, 0),
    ),
    "cosine": _schedule(
        "cosine",
        (1 + sp.cos(sp.pi * _from / horizon)) / 2,
        (_to - _from) / 2 + horizon / (2 * sp.pi) * (sp.sin(sp.pi * _to / horizon) - sp.sin(sp.pi * _from / horizon)),
        sp.false,
        horizon=(horizon, 1),
    ),
    "backtracking": _schedule(
        "backtracking", sp.Integer(1), count * minimum(1, s.shrink / (s.lipschitz_grad * s.gamma)), sp.true
    ),
}
