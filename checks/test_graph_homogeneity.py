"""Node formulas keep their form when the parameters are measured in another unit (docs/theory-graphs.md §3).

With θ = λθ' a first derivative by θ' is λ times, a second one λ² times what it was, and the radius of the ball is ρ/λ.
A formula that lost a factor, or has it once too often, does not scale like what it bounds.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy as sp

from checks.test_graph_units import scales
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


def keeps(id: str, expr: sp.Expr) -> bool:
    """Whether the formula's value is λ^k times what it was once its symbols are measured in the other unit."""
    return scales(expr, {x: power_of(x) for x in expr.free_symbols}, RESULT.get(id.rsplit(".", 1)[-1], 0))


@pytest.mark.parametrize("id", FORMULAS)
def test_formulas_scale_like_what_they_bound(id: str) -> None:
    assert keeps(id, theory.formula(id).expr)


def test_a_lost_factor_is_seen() -> None:
    lost = t.value_w * t.E_x + t.value_x
    assert len(FORMULAS) > 30 and not keeps(PREFIX + "product.E", lost) and keeps(PREFIX + "product.E", t.PRODUCT_E)


# --- formulas of one node that say the same of different things
SAME_FUNCTION = {t.E_x: 0, t.E_w: 0}


@pytest.mark.parametrize(
    ("curvature", "second", "of"),
    [
        (t.BILINEAR_N, t.BILINEAR_E, {}),
        (t.ENTRYWISE_N, t.ENTRYWISE_E, {t.b_second: t.b * t.P_2, t.column_second: sp.oo}),
        (t.PRODUCT_N, t.PRODUCT_E, {t.column: sp.oo}),
        (t.AFFINE_N, t.AFFINE_E, {t.b_group: t.b}),
        (t.NORMALISE_N, t.NORMALISE_E, {t.b_curvature: t.b * t.curvature}),
        (t.SOFTMAX_N, t.SOFTMAX_E, {}),
    ],
)
def test_curvature_terms_are_second_derivatives_seen_through_an_adjoint(
    curvature: sp.Expr, second: sp.Expr, of: dict[sp.Symbol, sp.Expr]
) -> None:
    """Of inputs that are linear in θ, where nothing is known of B but its norm: b times the node's own E."""
    names = sorted(curvature.free_symbols | second.free_symbols | {t.b}, key=str)
    values = {x: sp.Rational(2 * i + 3, i + 2) for i, x in enumerate(names)}
    own = second.subs(SAME_FUNCTION).subs(values)
    assert own > 0 and sp.expand(curvature.subs(of).subs(values) - values[t.b] * own) == 0


def test_entrywise_bounds_of_one_entry_are_attained() -> None:
    """With one entry, one row: φ(x) = x³ at x = 2, θ ↦ 3θ, B = −5; D = φ'·3, D² = φ''·9, and B times that."""
    one = {
        t.d_xj: 3,
        t.d_xk: 3,
        t.r_xj: 3,
        t.r_xk: 3,
        t.E_x: 0,
        t.P_1: 12,
        t.P_2: 12,
        t.column_second: 60,
        t.b_second: 60,
    }
    found = [f.subs(one) for f in (t.ENTRYWISE_D, t.ENTRYWISE_R, t.ENTRYWISE_E, t.ENTRYWISE_N)]
    assert found == [36, 36, 108, 540]


@pytest.mark.parametrize("size", [9, 400])
def test_the_mean_and_the_deviation_reach_every_row(size: int) -> None:
    """Row i of D n is (e_i − (1 + n_i·n)/P)/s: the rest of it, without e_i, is what stands beside r."""
    x = np.zeros(size)
    x[0] = 1.0
    centred = x - x.mean()
    s = float(np.sqrt(np.mean(centred**2)))
    n = centred / s
    rest = float(np.linalg.norm(np.ones(size) + n[0] * n)) / size / s
    given = {t.r_xj: 0, t.d_xj: 1, t.greatest: n[0], t.count: size, t.deviation: s}
    bound = float(t.NORMALISE_R.subs(given))
    assert rest <= bound * (1 + 1e-12) and bound <= rest * 1.42  # 1 + n against √(1 + n²)
    row = np.eye(size)[0] / s - (np.ones(size) + n[0] * n) / size / s
    assert np.linalg.norm(row) <= float(t.NORMALISE_R.subs(given | {t.r_xj: 1}))


def test_two_nodes_stacked_have_the_length_of_a_pair() -> None:
    assert t.STACKED.subs({t.stacked_a: 5, t.stacked_b: 12}) == 13


def test_every_symbol_of_a_structured_curvature_counts_once() -> None:
    """D²n[u,w] = −(⟨f,u⟩w + ⟨f,w⟩u + (…)x̂)k_c: two terms with a functional, two along x̂."""
    left, right, along = (sp.diff(t.NORMALISE_STRUCTURED, x) for x in (t.b_left, t.b_right, t.b_direction))
    assert (left, right, along) == (t.d_xk, t.d_xj, 2 * t.d_xj * t.d_xk)
    turned = sp.diff(t.NORMALISE_DIRECTION, t.rho)
    assert turned == t.b * t.length_x / t.least_centred and t.NORMALISE_DIRECTION.subs(t.rho, 0) == t.direction


PAIR = {
    t.d_wj: 2, t.d_wk: 3, t.d_xj: 5, t.d_xk: 7, t.r_wj: 2, t.r_wk: 3, t.r_xj: 5, t.r_xk: 7, t.E_w: 11, t.E_x: 13,
}  # fmt: skip


def test_bounds_of_products_are_attained_by_numbers() -> None:
    """w(θ)x(θ) of one entry at w = 17, x = 19 with positive derivatives: the product rule, term by term."""
    d, r = 17 * 5 + 19 * 2, 17 * 5 + 19 * 2
    cross = 2 * 7 + 5 * 3
    E = 17 * 13 + 19 * 11 + cross
    bilinear = PAIR | {t.norm_w: 17, t.two_w: 17, t.one_w: 17, t.norm_p: 19, t.two_p: 19, t.one_p: 19, t.kappa: 1}
    product = PAIR | {t.value_w: 17, t.value_x: 19, t.group_x: 19, t.b: 23, t.column: 23, t.b_group: 23}
    assert [f.subs(bilinear) for f in (t.BILINEAR_D, t.BILINEAR_R, t.BILINEAR_E)] == [d, r, E]
    assert [f.subs(product) for f in (t.PRODUCT_D, t.PRODUCT_R, t.PRODUCT_E, t.PRODUCT_N)] == [d, r, E, 23 * cross]
    assert [f.subs(product) for f in (t.AFFINE_D, t.AFFINE_E, t.AFFINE_N)] == [d, E, 23 * cross]


def test_coefficients_move_as_far_as_the_ball_lets_them() -> None:
    """w ‖ Δw, n = 4 equal entries: from (3, 3, 3, 3) by ½ each, ‖Δw‖ = 1; ρ = 2 and |d_w| = ½."""
    moved = {t.rho: 2, t.length_w: sp.Rational(1, 2), t.radius_w: sp.Rational(1, 2), t.row_size: 4, t.kappa: 1}
    two, one = (f.subs(moved) for f in (t.BILINEAR_TWO.subs(t.start, 6), t.BILINEAR_ONE.subs(t.start, 12)))
    assert (two, one) == (7, 14) and t.BILINEAR_NORM.subs(moved | {t.start: 6}) == 7
    # the two limits, on entries and on lengths, alone: each is used where the other is not known
    for known in ({t.radius_w: sp.oo}, {t.length_w: sp.oo}):
        assert t.BILINEAR_TWO.subs(t.start, 6).subs(moved | known) == 7
        assert t.BILINEAR_ONE.subs(t.start, 12).subs(moved | known) == 14
    change = {t.b: 3, t.rho: 2, t.length_w: 5, t.length_x: 7, t.kappa: 11, t.curvature: 13, t.radius_w: 17}
    found = [f.subs(change) for f in (t.BILINEAR_J, t.NORMALISE_J, t.PRODUCT_J)]
    assert found == [3 * 11 * 2 * 5, 3 * 13 * 7 * 2, 3 * 17]  # b·(Lipschitz constant of ∂op)·distance


def test_two_entries_attain_the_bounds_of_softmax() -> None:
    """softmax(x)_1 = 1/(1 + e^{x_2 − x_1}) at x = 0: its derivative along (1, −1)/√2 is ½ in length."""
    z = sp.Symbol("z")
    x = sp.Matrix([sp.exp(z / sp.sqrt(2)), sp.exp(-z / sp.sqrt(2))])
    value = x / (x[0] + x[1])
    slope = value.diff(z).subs(z, 0)
    assert slope.norm() == t.SOFTMAX_D.subs(t.d_xj, 1) == sp.Rational(1, 2)
    assert t.SOFTMAX_R.subs(t.r_xj, 1) == sp.Rational(1, 2) and slope[0] <= sp.Rational(1, 2)
    assert t.SOFTMAX_E.subs({t.E_x: 1, t.d_xj: 0, t.d_xk: 0}) == sp.Rational(1, 2)


def test_each_of_two_limits_alone_counts_once() -> None:
    """Where only the rows of one factor are known, or only sums, or only lengths, that bound is taken as it is."""
    blind_x, blind_w = {t.r_xj: sp.oo, t.r_xk: sp.oo}, {t.r_wj: sp.oo, t.r_wk: sp.oo}
    T = t.PRODUCT_N.subs({t.column: sp.oo, t.b: 1})
    known = {**PAIR, t.r_wj: 23, t.r_wk: 29, t.r_xj: 31, t.r_xk: 37}
    assert T.subs(known | blind_x) == 23 * 7 + 29 * 5 and T.subs(known | blind_w) == 2 * 37 + 3 * 31
    assert t.PRODUCT_N.subs({t.b: sp.oo, t.column: 1}).subs(known) == 2 * 7 + 5 * 3
    N = t.ENTRYWISE_N.subs({t.column_second: sp.oo, t.b_second: 1})
    rows = [N.subs(known | {one: sp.oo}) for one in (t.r_xj, t.r_xk)]
    assert rows == [5 * 37, 31 * 7] and t.ENTRYWISE_N.subs({t.b_second: sp.oo, t.column_second: 1}).subs(known) == 5 * 7
    sums = {t.one_w: 2, t.one_p: 3, t.two_w: sp.oo, t.two_p: sp.oo, t.row_one: 41, t.row_two: sp.oo}
    lengths = {t.one_w: sp.oo, t.one_p: sp.oo, t.two_w: 2, t.two_p: 3, t.row_one: sp.oo, t.row_two: 41}
    assert t.BILINEAR_R.subs(known | sums) == 2 * 31 + 3 * 23 and t.BILINEAR_R.subs(known | lengths) == 2 * 5 + 3 * 2
    assert t.LINEAR_R.subs(known | sums) == 41 * 31 and t.LINEAR_R.subs(known | lengths) == 41 * 5
    assert t.RADIUS.subs({t.rho: 3, t.row_length_x: 5, t.length_x: sp.oo}) == 15
    assert t.RADIUS.subs({t.rho: 3, t.row_length_x: sp.oo, t.length_x: 7}) == 21
