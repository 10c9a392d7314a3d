"""Hypotheses and conclusions of the descent theorem (docs/theory.md §2, §3)."""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import define, symbol
from dipproofs.theory.extremes import maximum
from dipproofs.theory.symbols import F_inf, gamma, norm_AJ_ball, omega, psi_0, q, rate, rho, t

_F = sp.Function("F")(t)

# --- shared constants
lipschitz_grad = define(
    "conditions.lipschitz_grad",
    s.lipschitz_AJ * s.loss_gradient + norm_AJ_ball**2 * s.loss_curvature,
    "L(ρ) = ℓ_A G + M_ρ² Λ",
    "§1",
    s.lipschitz_grad,
)
normalised_step = define("conditions.q", gamma * s.lipschitz_grad, "q = γL", "§1", q)

# --- (H), for a profile F: stated with the integral unevaluated
hypothesis_H = define("conditions.H", sp.Gt(omega * sp.Integral(_F, (t, 0, rho)), psi_0), "hypothesis (H)", "§3")
hypothesis_H_residual = define(
    "conditions.H_residual",
    sp.Gt(sp.Integral(s.step_weakening * _F - s.curvature_correction, (t, 0, rho)), psi_0),
    "hypothesis (H) of the residual form (ψ_0 = ‖r_0‖)",
    "§3.2",
)

# --- residual form (§3.2)
# ℓ_A − c_e ℓ_e, written so that it is exactly 0 where ℓ_e is ℓ_A and c_e is 1
_kept_curvature = maximum(0, s.lipschitz_AJ - s.profile_slope + (1 - s.step_weakening) * s.profile_slope)
curvature_correction = define(
    "conditions.x",
    _kept_curvature * gamma * norm_AJ_ball * psi_0 / 2,
    "x = ½(ℓ_A − c_e ℓ_e)₊ γ M_ρ R_0, written so that it is exactly 0 for ℓ_e = ℓ_A, c_e = 1",
    "§3.2",
    s.curvature_correction,
)

# --- the paper's radii (§2)
R = define("conditions.R", s.sigma_min_J / (2 * s.lipschitz_J), "R, with ℓ at radius R", "§2", s.R)
R_prime = define(
    "conditions.R_prime",
    2 * s.nu_1 * psi_0 / (s.sigma_A * s.sigma_min_J),
    "R', with q at L(R')",
    "§2",
    s.R_prime,
)
paper_condition = define("conditions.paper", sp.Lt(s.R_prime, s.R), "the paper's hypothesis R' < R", "§2")

# --- conclusions
rate_exponent = define(
    "conclusions.rate_exponent",
    F_inf**2 * gamma * rate,
    "Ψ(f_{τ+1}) − Ψ(f_τ) is at least this (forms paper, integral, concave)",
    "§3 (2)",
)
distance_to_limit = define(
    "conclusions.distance_to_limit", psi_0 / (omega * F_inf), "‖θ_τ − θ_∞‖ ≤ ψ(f_τ)/(ωF_∞)", "§3 (3)"
)
residual_fall = gamma * F_inf * (s.step_weakening * F_inf - s.curvature_correction)
residual_contraction = define(
    "conclusions.residual_contraction",
    1 - residual_fall,
    "R_{τ+1}/R_τ is at most this (residual form)",
    "§3.2",
)
distance_to_limit_residual = define(
    "conclusions.distance_to_limit_residual",
    psi_0 / (s.step_weakening * F_inf - s.curvature_correction),
    "‖θ_τ − θ_∞‖ ≤ R_τ/(c_e F_∞ − x) (residual form)",
    "§3.2",
)

# --- the best step (§3 remark c)
shortfall = symbol("h_F", "2λψ(f_0)/F_0²: how much of F the path uses up")
best_q_concave = define(
    "conclusions.best_q_concave",
    1 - shortfall,
    "rate-optimal q for the concave form, squared loss, linear profile, h_F = 2λψ(f_0)/F_0²",
    "§3 remark c",
    q,
)
