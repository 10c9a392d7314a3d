"""How far a gradient step in floating-point arithmetic is from the exact one (docs/theory-methods.md §4.1).

The program computes θ₊ = θ − γ(∇f + e) for a two-layer network, ∇f = Mᵀr, with sums in any order; ‖e‖ ≤ a_e + b_e‖∇f‖
on B(θ_0, ρ). Arithmetic is IEEE with unit roundoff u; φ and φ' are *assumed* to be off by at most ε(1 + |a|) at a.
Products may be fused, and an operation may lose η_0 by underflow.
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import Section, symbol, symbols
from dipproofs.theory.methods import inexact_gradient as inexact

_section = Section("methods.rounding", "methods §4.1")
_define, _make = _section.define, _section.constant


# --- the arithmetic and what is assumed of it
unit = symbol("u", "unit roundoff")
elementary = symbol(r"\varepsilon_\varphi", "error of φ and φ' that is assumed, in units of 1 + |a|")
lost = symbol(r"\eta_0", "what an operation may lose by underflow")
travelled = symbol("D_W", "upper bound of ‖W − W_0‖_F, W_0 at the start of the run")

# --- the problem: sizes, and what the certificate has no name for
rows, columns, inputs = s.m, s.n, s.d
norm_abs_A = symbol(r"\||A|\|", "norm of the matrix of absolute values of A")
frobenius_W, frobenius_V = symbols(r"\|W\|_F \|V\|_F", "Frobenius norm")
offset = symbol("o", "offset of every entry of the signal")
loss_factor = symbol("2c", "twice the factor of the loss c‖r‖²")

# --- what follows
start_away = symbol(r"\varepsilon_0", "distance of the program's parameters from the stored ones")
preactivation = symbol("P", "bound of ‖|W_0||u|‖ + ‖b‖‖u‖²")
delta_a = symbol(r"\delta_a", "rounding of a = Wu")
size_phi = symbol(r"\Phi", "bound of ‖φ(a)‖ on the ball")
delta_phi = symbol(r"\delta_\varphi", "error of φ(a)")
delta_dphi = symbol(r"\delta_{\varphi'}", "error of φ'(a_j)")
size_V = symbol("v_F", "bound of ‖V‖_F on the ball")
size_h = symbol("H", "bound of ‖|V||φ(a)|‖/√k + ‖o‖")
size_x = symbol("X_g", "bound of ‖g‖ as computed")
tiny = symbol(r"\eta_g", "what underflow can do to the gradient")
delta_v = symbol(r"\delta_v", "error of Ag")
backward = symbol("c_b", "error of the reverse pass, per ‖r‖")


def growth(count: sp.Expr | int) -> sp.Expr:
    """γ_p = pu/(1 − pu): p rounded operations change a number by this factor at most."""
    return count * unit / (1 - count * unit)


k, rho, U, A = s.width, s.rho, s.norm_u, s.norm_A
_few, _root_k = growth(8), sp.sqrt(k)
_count = rows + columns + k + inputs + 8
_factors = (
    (1 + A) * (1 + norm_abs_A) * (1 + frobenius_V + rho) * (1 + size_phi) * (1 + U) * (1 + s.B_1) * (1 + s.B_2)
    * (1 + s.psi_0) * (1 + 1 / loss_factor) * (1 + 1 / s.gamma)
)  # fmt: skip
_outer = (
    (_few * (size_phi + delta_phi) + delta_phi) * A
    + (1 + _few) * growth(rows + 8) * norm_abs_A * (size_phi + delta_phi)
)  # fmt: skip
_later = growth(columns + 16)
_inner = U * size_V * (
    (s.B_1 + delta_dphi) * (growth(rows + 8) * norm_abs_A * (1 + _later) + _later * A) + A * delta_dphi
)  # fmt: skip

CONSTANTS = (
    _make("preactivation", U * (frobenius_W + 2 * travelled + 3 * rho), "P ≥ ‖|W_0||u|‖ + ‖b‖‖u‖²", preactivation),
    _make("size_phi", s.norm_phi + s.B_1 * U * rho, "Φ ≥ ‖φ(a)‖ on the ball", size_phi),
    _make("size_V", frobenius_V + rho, "≥ ‖V‖_F on the ball", size_V),
    _make("tiny", 64 * lost * _count**2 * _factors**2, "what underflow can do to the gradient", tiny),
    _make("delta_a", growth(inputs + 4) * preactivation + tiny, "rounding of a = Wu", delta_a),
    _make(
        "delta_phi",
        s.B_1 * delta_a + elementary * (_root_k + preactivation + delta_a),
        "error of φ(a)",
        delta_phi,
    ),
    _make("delta_dphi", s.B_2 * delta_a + elementary * (1 + preactivation + delta_a), "error of φ'(a_j)", delta_dphi),
    _make(
        "size_h",
        size_V * (size_phi + delta_phi) / _root_k + sp.sqrt(columns) * offset,
        "≥ ‖|V||φ(a)|‖/√k + ‖o‖",
        size_h,
    ),
    _make("size_x", (1 + growth(k + 8)) * size_h + tiny, "≥ ‖g‖ as computed", size_x),
    _make(
        "delta_v",
        (s.norm_V + A * rho) * delta_phi / _root_k
        + A * growth(k + 8) * size_h
        + growth(columns + 4) * norm_abs_A * size_x
        + (1 + A) * tiny,
        "error of Ag",
        delta_v,
    ),
    _make("backward", sp.sqrt(_outer**2 + _inner**2) / _root_k, "error of the reverse pass, per ‖r‖", backward),
    _make(
        "start_away",
        4 * unit * (frobenius_W + travelled),
        "distance of the program's parameters from the stored ones",
        start_away,
    ),
    _make(
        "absolute",
        (1 + unit) * (s.norm_AJ_ball + backward) * (1 + _few) * delta_v
        + unit * (size_V + frobenius_W + travelled + 2 * rho) / s.gamma
        + tiny,
        "a_e: error of a step over γ where the gradient vanishes",
        inexact.error_absolute,
    ),
    _make(
        "relative",
        (1 + unit) * ((s.norm_AJ_ball + backward) * _few + backward) / (s.sigma_AJ - s.lipschitz_AJ * rho) + unit,
        "b_e: error of a step over γ, per ‖∇f‖",
        inexact.error_relative,
    ),
)  # fmt: skip

start_residual = _define("start_residual", s.psi_0 + s.norm_AJ_ball * start_away, "‖r‖ where the program stands")
start_injectivity = _define(
    "start_injectivity", s.sigma_AJ - s.lipschitz_AJ * start_away, "s_A where the program stands"
)

#: IEEE double precision: unit roundoff, and what an operation may lose by underflow, flushed to zero or not.
FLOAT64 = {unit: sp.Rational(1, 2**53), lost: sp.Rational(1, 2**1021)}
#: The error of φ and φ' that is assumed of a library, in units of 1 + |a|.
ASSUMED = 2.0**-48
#: What the statement rests on besides the hypotheses; said in every certificate that makes it.
ASSUMPTIONS = (
    "the program works in IEEE double precision, rounding to nearest, on sums of products in any order, fused or not; "
    "results below the normal range may be flushed to zero",
    "its values of the activation and of its derivative at a are off by at most elementary_error*(1 + |a|)",
    "its parameters at this iterate are the stored ones, or W_0 + b*u^T that was rounded to them, and W has moved by "
    "at most `travelled` (Frobenius norm) since the run began",
)
