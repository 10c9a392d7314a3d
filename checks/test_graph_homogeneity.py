"""Node formulas keep their form when the parameters are measured in another unit (docs/theory-graphs.md §3).

With θ = λθ' a first derivative by θ' is λ times, a second one λ² times what it was, and the radius of the ball is ρ/λ.
A formula that lost a factor, or has it once too often, does not scale like what it bounds.
"""

from __future__ import annotations

import re

import pytest
import sympy as sp

from dipproofs import theory
from dipproofs.theory.architectures import graph_nodes as t

PREFIX = "graph.node."
#: Powers of λ of what a formula bounds, by the last part of its name; 0 for what has no derivative in it.
RESULT = {"d": 1, "r": 1, "E": 2, "N": 2, "functional": 1, "structured": 2, "restart": 1}
#: The same for the symbols: derivatives of first and second order, and the radius.
FIRST = {t.length_x, t.length_w, t.row_length_x, t.functional, t.b_left, t.b_right, t.exact, t.error}
SECOND = {t.E_x, t.E_w, t.row_E, t.own_E}
SYMBOLS = {t.rho: -1} | dict.fromkeys(FIRST, 1) | dict.fromkeys(SECOND, 2)
FORMULAS = sorted(f.id for f in theory.formulas() if f.id.startswith(PREFIX) and f.id != PREFIX + "stacked")


def power_of(symbol: sp.Symbol) -> int:
    return SYMBOLS.get(symbol, 1 if re.fullmatch(r"[dr]_[xw][jk]", symbol.name) else 0)


def scales(id: str, expr: sp.Expr) -> bool:
    """Whether the formula's value is λ^k times what it was once its symbols are measured in the other unit."""
    symbols = sorted(expr.free_symbols, key=str)
    values = {x: sp.Rational(3 * i + 5, 4 + i) for i, x in enumerate(symbols)}
    unit = sp.Rational(7, 2)
    moved = {x: value * unit ** power_of(x) for x, value in values.items()}
    wanted = unit ** RESULT.get(id.rsplit(".", 1)[-1], 0)
    return bool(abs(sp.N(expr.subs(moved) / expr.subs(values) / wanted - 1, 30)) < sp.Float("1e-25"))


@pytest.mark.parametrize("id", FORMULAS)
def test_formulas_scale_like_what_they_bound(id: str) -> None:
    assert scales(id, theory.formula(id).expr)


def test_a_lost_factor_is_seen() -> None:
    lost = t.value_w * t.E_x + t.value_x
    assert len(FORMULAS) > 30 and not scales(PREFIX + "product.E", lost) and scales(PREFIX + "product.E", t.PRODUCT_E)
