"""The random events behind the width bounds, each failing with probability at most its share of δ (docs/theory.md §6).

An event is a list of assignments (symbol, expression), evaluated in order: its last symbol is the bound that holds
outside the failure. Every bound below is monotone in k in the direction that helps, which is why the smallest
sufficient width is well defined (docs/theory.md §6, "Monotone in k").
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.core import define, symbol
from dipproofs.theory.width import symbols as w

Step = tuple[sp.Symbol, sp.Expr]
_SOURCE = "§6"
tail = symbol("t_e", "an event's t: it fails with probability at most e^{−t}", positive=True)


def _step(id: str, symbol: sp.Symbol, expr: sp.Expr, meaning: str) -> Step:
    define(f"width.events.{id}", expr, meaning, _SOURCE, symbol)
    return symbol, expr


def failure_exponent(share: sp.Rational, name: str) -> tuple[sp.Symbol, Step]:
    """Return t = ln(1/(share·δ)), the exponent of an event that may use up this share of δ, and its step."""
    t = symbol(f"t_{name}", f"t of the event {name}", positive=True)
    return t, (t, sp.log(1 / (sp.sympify(share) * w.delta)))


def _with_exponent(share: sp.Rational, name: str, steps: list[Step]) -> list[Step]:
    t, first = failure_exponent(share, name)
    return [first, *((symbol, expr.xreplace({tail: t})) for symbol, expr in steps)]


# --- ‖φ(a)‖/√k -----------------------------------------------------------------------------------------------
_bernstein = symbol(r"b_{\mathrm{Laplace}}", "lower bound of ‖φ(a)‖/√k by the Laplace transform")
_lipschitz = symbol(r"b_{\mathrm{Lipschitz}}", "lower bound of ‖φ(a)‖/√k by Lipschitz concentration", real=True)

LOWER_LAPLACE = _step(
    "b_lo_laplace",
    _bernstein,
    sp.sqrt(sp.Max(0, w.C_phi**2 - sp.sqrt(2 * tail * w.fourth_phi / w.k))),
    "‖φ(a)‖/√k from below, by e^{−x} ≤ 1−x+x²/2",
)
LOWER_LIPSCHITZ = _step(
    "b_lo_lipschitz",
    _lipschitz,
    sp.sqrt(sp.Max(0, w.C_phi**2 - w.B_1**2 / w.k)) - w.B_1 * sp.sqrt(2 * tail / w.k),
    "‖φ(a)‖/√k from below, by concentration of Lipschitz functions and Poincaré's inequality",
)
LOWER = _step("b_lo", w.b_lo, sp.Max(0, _bernstein, _lipschitz), "the better of the two")
LOWER_TEXTBOOK = (w.b_lo, sp.Max(0, _lipschitz))
UPPER = _step("b_hi", w.b_hi, w.C_phi + w.B_1 * sp.sqrt(2 * tail / w.k), "‖φ(a)‖/√k from above")


def hidden_lower(share: sp.Rational) -> list[Step]:
    """‖φ(a)‖/√k ≥ b_lo; which of the two bounds serves is fixed by k, so it is one event."""
    return _with_exponent(share, "lo", [LOWER_LAPLACE, LOWER_LIPSCHITZ, LOWER])


def hidden_lower_textbook(share: sp.Rational) -> list[Step]:
    """‖φ(a)‖/√k ≥ b_lo by Lipschitz concentration alone."""
    return _with_exponent(share, "lo", [LOWER_LIPSCHITZ, LOWER_TEXTBOOK])


def hidden_upper(share: sp.Rational) -> list[Step]:
    """‖φ(a)‖/√k ≤ b_hi."""
    return _with_exponent(share, "hi", [UPPER])


# --- the loss at initialisation ---------------------------------------------------------------------------------
_variance = symbol(r"\sigma^2", "sub-Gaussian proxy of the entries of g_0")
ENTRY_VARIANCE = _step("variance", _variance, w.proxy * w.b_hi**2, "sub-Gaussian proxy of the entries of g_0")
RESIDUAL = _step(
    "residual",
    w.residual,
    sp.sqrt(
        _variance * w.frobenius2
        + w.y_norm2
        + 2 * sp.sqrt(tail * (_variance**2 * w.schatten4 + 2 * _variance * w.norm_A**2 * w.y_norm2))
        + 2 * _variance * w.norm_A**2 * tail
    ),
    "‖A g_0 − y‖ from above, by comparison with a Gaussian g (‖Aᵀy‖ ≤ ‖A‖‖y‖)",
)


def initial_residual(share: sp.Rational) -> list[Step]:
    """‖A g_0 − y‖ ≤ R̄, given ‖φ(a)‖/√k ≤ b_hi."""
    return _with_exponent(share, "loss", [ENTRY_VARIANCE, RESIDUAL])


# --- the inner block ------------------------------------------------------------------------------------------
_fourth = symbol(r"\varrho_r", "bound of E‖Pv‖²Pvvᵀ P")
_eta = symbol("eta", "relative deviation in the matrix Chernoff bound")
FOURTH = _step(
    "fourth_moment",
    _fourth,
    sp.Min(w.n * w.entry_bound**2, w.rank + 2),
    "E‖Pv‖²Pvvᵀ P ⪯ this·P, for entries with EV⁴ ≤ 3",
)
INNER = _step(
    "s_in",
    w.s_in,
    sp.sqrt(sp.Max(0, w.C_dphi**2 - sp.sqrt(2 * _fourth * w.fourth_dphi * (tail + sp.log(w.rank)) / w.k))),
    "s_in from below, by the matrix Laplace transform",
)
CHERNOFF_ETA = _step(
    "chernoff",
    _eta,
    sp.sqrt(2 * w.B_1**2 * w.entry_bound**2 * w.n * (tail + sp.log(w.n)) / (w.k * w.C_dphi**2)),
    "relative deviation in the matrix Chernoff bound",
)
INNER_CHERNOFF = _step(
    "s_in_chernoff", w.s_in, w.C_dphi * sp.sqrt(sp.Max(0, 1 - _eta)), "s_in from below, by matrix Chernoff"
)


def inner_block(share: sp.Rational, dimension: sp.Expr = w.rank) -> list[Step]:
    """s_in ≥ its bound on a subspace of this dimension (r for Im Aᵀ, n for all of Rⁿ)."""
    steps = _with_exponent(share, "in", [FOURTH, INNER])
    return [(symbol, expr.subs(w.rank, dimension)) for symbol, expr in steps]


def inner_block_chernoff(share: sp.Rational) -> list[Step]:
    """s_in ≥ its textbook bound."""
    return _with_exponent(share, "in", [CHERNOFF_ETA, INNER_CHERNOFF])


# --- the columns of V -------------------------------------------------------------------------------------------
_tau = symbol("tau_c", "exponent of one column", positive=True)
COLUMN_EXPONENT = _step("column_exponent", _tau, tail + sp.log(w.k), "exponent of one column, a union over k columns")
COLUMN = _step(
    "column",
    w.column,
    sp.Min(w.entry_bound * sp.sqrt(w.n), sp.sqrt(w.proxy * (w.rank + 2 * sp.sqrt(w.rank * _tau) + 2 * _tau))),
    "max_j ‖P v_j‖ from above",
)
COLUMN_TEXTBOOK = _step("column_textbook", w.column, w.entry_bound * sp.sqrt(w.n), "max_j ‖v_j‖ from above, always")


def columns(share: sp.Rational, dimension: sp.Expr = w.rank) -> list[Step]:
    """max_j ‖P v_j‖ ≤ c̄ for P of this rank."""
    steps = _with_exponent(share, "col", [COLUMN_EXPONENT, COLUMN])
    return [(symbol, expr.subs(w.rank, dimension)) for symbol, expr in steps]


def columns_textbook() -> list[Step]:
    """max_j ‖v_j‖ ≤ D√n, which holds always."""
    return [COLUMN_TEXTBOOK]
