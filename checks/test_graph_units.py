"""Node formulas in other units of what goes through a node (docs/theory-graphs.md §3).

A node that is homogeneous, as products, linear maps and normalisation are, is bounded by the same formula when its
input is measured in another unit, or what comes after it is. `test_graph_homogeneity` does this for the parameters.
"""

from __future__ import annotations

import pytest
import sympy as sp

from dipproofs import theory
from dipproofs.theory.architectures import graph_nodes as t

INPUT = dict.fromkeys((t.d_xj, t.d_xk, t.r_xj, t.r_xk, t.E_x, t.length_x, t.row_length_x, t.radius_x, t.row_E), 1)
WEIGHT = dict.fromkeys((t.d_wj, t.d_wk, t.r_wj, t.r_wk, t.E_w, t.length_w, t.radius_w), 1)
AFTER = dict.fromkeys((t.b, t.column, t.b_second, t.column_second, t.b_group, t.b_curvature, t.b_left, t.b_right), 1)
AFTER |= {t.b_direction: 1, t.direction: 1}

#: Powers of the unit of x (of w) in the other symbols of a kind of node, and in its results.
OF_X = {
    "bilinear": {t.norm_p: 1, t.two_p: 1, t.one_p: 1},
    "product": {t.value_x: 1},
    "affine": {t.group_x: 1},
    "entrywise": {t.slope: -1, t.P_1: -1, t.P_2: -2, t.b_second: -2, t.column_second: -2},
    "normalise": {
        t.deviation: 1, t.least_centred: 1, t.functional: 1, t.curvature: -2, t.b_curvature: -2, t.b_left: -1,
        t.b_right: -1, t.b_direction: -2,
    },
    "linear": {},
}  # fmt: skip
OF_W = {
    "bilinear": {t.norm_w: 1, t.two_w: 1, t.one_w: 1, t.start: 1}, "product": {t.value_w: 1}, "affine": {t.value_w: 1}
}  # fmt: skip
RESULT_X = {
    "bilinear": {"d": 1, "r": 1, "E": 1, "N": 1},
    "product": {"d": 1, "r": 1, "E": 1, "N": 1},
    "affine": {"d": 1, "E": 1, "N": 1},
    "entrywise": {"slope": -1, "J": -1},
    "normalise": {"curvature": -2, "J": -1, "weight": -2, "functional": 1},
    "linear": {"d": 1, "r": 1, "E": 1},
}
RESULT_W = {
    "bilinear": {"d": 1, "r": 1, "E": 1, "N": 1, "J": 1, "norm": 1, "two": 1, "one": 1},
    "product": {"d": 1, "r": 1, "E": 1, "N": 1, "J": 1},
    "affine": {"d": 1, "E": 1, "N": 1},
}
PREFIX = "graph.node."
FORMULAS = {f.id.removeprefix(PREFIX): f.expr for f in theory.formulas() if f.id.startswith(PREFIX)}


def scales(expr: sp.Expr, powers: dict[sp.Symbol, int], wanted: int) -> bool:
    """Whether the value is the unit to the power ``wanted`` times what it was, with symbols in the other unit."""
    symbols = sorted(expr.free_symbols, key=str)
    values = {x: sp.Rational(3 * i + 5, 4 + i) for i, x in enumerate(symbols)}
    unit = sp.Rational(7, 2)
    moved = {x: value * unit ** powers.get(x, 0) for x, value in values.items()}
    return bool(abs(sp.N(expr.subs(moved) / expr.subs(values) / unit**wanted - 1, 30)) < sp.Float("1e-25"))


CASES = [
    (name, which) for name in sorted(FORMULAS) for which, kinds in (("x", OF_X), ("w", OF_W))
    if name.split(".")[0] in kinds
]  # fmt: skip


@pytest.mark.parametrize(("name", "which"), CASES)
def test_another_unit_of_an_input(name: str, which: str) -> None:
    kind, part = name.split(".")
    own, symbols, results = (INPUT, OF_X, RESULT_X) if which == "x" else (WEIGHT, OF_W, RESULT_W)
    assert scales(FORMULAS[name], own | symbols[kind], results[kind].get(part, 0))


@pytest.mark.parametrize("name", [name for name, expr in FORMULAS.items() if expr.free_symbols & set(AFTER)])
def test_another_unit_of_what_comes_after(name: str) -> None:
    assert scales(FORMULAS[name], AFTER, 1)


def test_enough_is_compared_and_a_lost_factor_is_seen() -> None:
    assert len(CASES) > 40 and len(FORMULAS) > 30
    assert scales(t.NORMALISE_VALUE, INPUT | OF_X["normalise"], 0)
    assert not scales(t.start + t.rho * t.length_x, INPUT | OF_X["normalise"], 0)
