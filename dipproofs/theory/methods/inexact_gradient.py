"""Gradient descent with inexact gradients: the floating-point iterates themselves (docs/theory-methods.md §4).

θ₊ = θ − γ(∇f + e), ‖e‖ ≤ a_e + b_e‖∇f‖ on the ball; profile F(t) = s_{A0} − ℓ_A t. While R > floor the residual form
of the descent theorem holds with F̂ = (F − M_ρ b̂)/(1 + b̂), b̂ = b_e + b'; γM_ρ² ≤ 1.
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import symbol, symbols
from dipproofs.theory.extremes import maximum
from dipproofs.theory.methods import symbols as m
from dipproofs.theory.methods.base import MethodTheorem, TheoremSection

_section = TheoremSection("methods.inexact", "methods §4", "let the run go on, or run in float64")
_define, _make, _condition = _section.define, _section.constant, _section.condition
ell, gamma, R_0, M, s_0, rho = s.lipschitz_AJ, s.gamma, s.psi_0, s.norm_AJ_ball, s.sigma_AJ, s.rho


error_absolute, error_relative = symbols("a_e b_e", "‖e‖ ≤ a_e + b_e‖∇f‖")
slack = symbol("b'", "what is added to b_e for the residuals above the floor")
error_total = symbol(r"\hat b", "b_e + b'")
x = symbol("x_e", "what curvature and error cost of the slope")
first = symbol(r"\hat F_0", "F̂(0) − x_e", real=True)
slope = symbol(r"\hat\ell", "slope of F̂")
F_end, F_hat_end, F_rho = symbol("F_S", "F(S)"), symbol(r"\hat F_S", "F̂(S) − x_e"), symbol(r"F_\rho", "F(ρ)")
floor = symbol("R_{fl}", "residual at which the error takes over")

CONSTANTS = (
    _make("error_total", error_relative + slack, "b̂ = b_e + b'", error_total),
    _make(
        "x",
        maximum(0, ell - ell / (1 + error_total)) * gamma * (1 + error_total) * M * R_0 / 2,
        "what curvature and error cost of the slope",
        x,
    ),
    _make("first", (s_0 - M * error_total) / (1 + error_total) - x, "F̂(0) − x", first),
    _make("slope", ell / (1 + error_total), "slope of F̂", slope),
    _make("S", 2 * R_0 / (first + sp.sqrt(first**2 - 2 * slope * R_0)), "path: the root of ∫₀^S(F̂ − x) = R_0", m.path),
    _make("F_end", s_0 - ell * m.path, "F(S)", F_end),
    _make("F_hat_end", first - slope * m.path, "F̂(S) − x", F_hat_end),
    _make("F_rho", s_0 - ell * rho, "F(ρ)", F_rho),
    _make("floor", error_absolute / (slack * F_rho), "residual at which the error takes over", floor),
    _make("contraction", 1 - gamma * (1 + error_total) * F_end * F_hat_end, "R₊/R above the floor", m.contraction),
)  # fmt: skip


INEXACT_GRADIENT = MethodTheorem(
    kind="inexact-gradient",
    constants=CONSTANTS,
    conditions=(
        _condition("step", sp.Le(gamma * M**2, 1), "gamma*M_rho^2 <= 1", "step condition"),
        _condition("injective", sp.Gt(first - slope * rho, 0), "F_hat(rho) > x", "injectivity is left on the ball"),
        _condition(
            "H",
            sp.Gt(first * rho - slope * rho**2 / 2, R_0),
            "Integral(F_hat - x, (t, 0, rho)) > R_0",
            "hypothesis (H)",
        ),
        _condition("floor", sp.Lt(floor, R_0), "R_fl < R_0", "the residual is above the floor"),
        _condition(
            "below",
            sp.Le(gamma * M * slack * F_rho + ell * gamma**2 * error_absolute * slack * F_rho / 2, 1),
            "gamma*M_rho*b'*F + ell*gamma^2*a*b'*F/2 <= 1",
            "below the floor the residual stays there",
        ),
    ),
    source="§4",
)
steps_below = _define(
    "steps_below",
    (rho - m.path) / (gamma * ((1 + error_relative) * M * floor + error_absolute)),
    "number of further iterations for which the residual surely stays below the floor (rounded down)",
)
