"""What convergence says about the signal: recovery and early stopping (docs/theory.md §7).

Setting: g = o1 + B h(u,θ) (B = I without a basis), Π the projector on Im(AB), ȳ = A x̄, ε = y − ȳ.
With E = Q(AQ)⁺A, Q an orthonormal basis of Im B and σ = σ_min(AQ) > 0: E projects onto Im B, so
x_τ − x̄ = E(x_τ − x̄) − (I − E)x̄_⊥, ‖E(x_τ − x̄)‖ ≤ (‖y_τ − Πy‖ + ‖Πε‖)/σ and ‖I − E‖ = ‖E‖ ≤ ‖A‖/σ
(x̄_⊥: the part of x̄ − o1 outside Im B).
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.conditions import rate_exponent, residual_contraction
from dipproofs.theory.core import Section, quantity, symbol
from dipproofs.theory.extremes import maximum
from dipproofs.theory.losses import base as losses

_define = Section("recovery", "§7").define

# --- quantities
sigma_AQ = quantity(
    "sigma_AQ", r"\sigma_{AQ}", "smallest ‖Az‖/‖z‖ over the z ≠ 0 of Im B (all z without a basis)", "§7", "lower"
)
norm_forward = quantity("norm_forward", r"\|A\|_{\mathrm{fwd}}", "norm of the forward operator A, without B", "§7")
noise_norm = quantity("noise_norm", r"\|\Pi\varepsilon\|", "norm of the noise that Im(AB) can represent", "§7")
noise_level = quantity(
    "noise_level", r"\delta_\varepsilon", "level at which early stopping stops: an upper bound of ‖Πε‖", "§7"
)
distance_to_range = quantity(
    "distance_to_range", r"\mathrm{dist}", "dist(x̄, Im B): what the generator cannot represent", "§7"
)
leakage = quantity("leakage", r"\lambda_A", "‖ΠA(I − QQᵀ)‖, at most √(‖A‖² − σ²): how A mixes Im B with the rest", "§7")
outside = quantity("data_outside", r"\|(I-\Pi)\bar y\|", "part of the clean data that Im(AB) cannot represent", "§7")

# --- the recovery bound and its three parts
data_part = _define("data", s.psi_0 / sigma_AQ, "part of the data that is not fitted yet")
noise_part = _define("noise", noise_norm / sigma_AQ, "part of the noise")
distance_part = _define("distance", norm_forward * distance_to_range / sigma_AQ, "part of what Im B cannot represent")
recovery_error = _define(
    "error",
    (s.psi_0 + noise_norm + norm_forward * distance_to_range) / sigma_AQ,
    "‖x_τ − x̄‖ ≤ (ψ(f_τ) + ‖Πε‖ + ‖A‖ dist(x̄, Im B))/σ_min(AQ)",
)
recovery_at_limit = _define(
    "at_limit",
    (noise_norm + norm_forward * distance_to_range) / sigma_AQ,
    "‖x_∞ − x̄‖, x_∞ the least-squares solution B(AB)⁺y",
)
recovery_at_early_stopping = _define(
    "at_early_stopping",
    (noise_level + noise_norm + norm_forward * distance_to_range) / sigma_AQ,
    "‖x_τ − x̄‖ once ψ(f_τ) ≤ δ",
)

# --- sharper, where A hardly mixes Im B with its complement (blur, tomography): x_τ − x̄ = z − x̄_⊥, z ∈ Im B,
#     ‖z‖ = ‖(AQ)⁺(Π(y_τ − y) + Πε + ΠA x̄_⊥)‖, and the two summands are orthogonal


def _sharp(data: sp.Expr) -> sp.Expr:
    inside = (data + noise_norm + leakage * distance_to_range) / sigma_AQ
    return sp.sqrt(inside**2 + distance_to_range**2)


sharp_error = _define("sharp.error", _sharp(s.psi_0), "‖x_τ − x̄‖, with the leakage in place of ‖A‖")
sharp_at_limit = _define("sharp.at_limit", _sharp(sp.Integer(0)), "the same for the limit")
sharp_at_early_stopping = _define("sharp.at_early_stopping", _sharp(noise_level), "the same once ψ(f_τ) ≤ δ")
leakage_bound = _define(
    "leakage_bound",
    sp.sqrt(maximum(0, norm_forward**2 - sigma_AQ**2)),
    "‖E(I − QQᵀ)‖² = ‖E‖² − 1 ≤ ‖A‖²/σ² − 1, so that this may always take the place of the leakage",
    leakage,
)

# --- early stopping
Psi_level, Psi_0 = symbol("Psi_delta", "Ψ(ψ⁻¹(δ))", real=True), symbol("Psi_0", "Ψ(f_0)", real=True)
early_stopping = _define(
    "early_stopping",
    (Psi_level - Psi_0) / rate_exponent,
    "τ*: ψ(f_τ) ≤ δ for every τ ≥ τ* (forms paper, integral, concave); Psi_delta = Ψ(ψ⁻¹(δ)), Psi_0 = Ψ(f_0)",
)
log_contraction = symbol("Delta_ln_R", "upper bound of ln(R_{τ+1}/R_τ)", negative=True)
steps_to_level = _define(
    "steps_to_level",
    sp.log(s.psi_0 / noise_level) / -log_contraction,
    "τ*: ‖r_τ‖ ≤ δ for every τ ≥ τ*, where every step lowers ln‖r‖ by −Delta_ln_R (residual form)",
)
early_stopping_residual = _define(
    "early_stopping_residual",
    steps_to_level.subs(log_contraction, sp.log(residual_contraction)),
    "τ*: ‖r_τ‖ ≤ δ for every τ ≥ τ* (residual form)",
)
data_error = _define("data_error", 2 * noise_level, "‖y_τ − Πȳ‖ ≤ 2δ once ψ(f_τ) ≤ δ, ‖Πε‖ ≤ δ")
data_error_unprojected = _define(
    "data_error_unprojected", sp.sqrt(4 * noise_level**2 + outside**2), "‖y_τ − ȳ‖ for the same τ, ȳ not projected"
)

# --- random operators: Gordon's theorem
rows = losses.m
width_of_cone = symbol("w", "upper bound of the Gaussian width of a cone's part of the sphere", positive=True)
slack = symbol("t", "what Gordon's bound may be missed by, √(2 ln(1/probability))", positive=True)
gordon = _define(
    "gordon",
    rows / sp.sqrt(rows + 1) - width_of_cone - slack,
    "λ_min(A;T) exceeds this with probability ≥ 1 − exp(−t²/2), A with iid N(0,1) entries; w ≥ the Gaussian "
    "width of T ∩ sphere; m/√(m+1) ≤ E‖N(0,I_m)‖",
)
gordon_failure = _define("gordon_failure", sp.exp(-(slack**2) / 2), "probability of failure")

#: What the bounds are made of, and what follows, by their names in a certificate.
INGREDIENTS: dict[str, sp.Symbol] = {
    "sigma_AQ": sigma_AQ, "norm_forward": norm_forward, "noise_norm": noise_norm,
    "distance_to_range": distance_to_range, "sharp.leakage": leakage, "early_stopping.level": noise_level,
    "outside": outside,
}  # fmt: skip
EARLY_STOPPING: dict[str, sp.Expr] = {
    "early_stopping.data_error": data_error, "early_stopping.data_error_unprojected": data_error_unprojected,
}  # fmt: skip
CONCLUSIONS: dict[str, sp.Expr] = EARLY_STOPPING | {
    "error": recovery_error, "data": data_part, "noise": noise_part, "distance": distance_part,
    "at_limit": recovery_at_limit, "at_early_stopping": recovery_at_early_stopping, "sharp.error": sharp_error,
    "sharp.at_limit": sharp_at_limit, "sharp.at_early_stopping": sharp_at_early_stopping,
}  # fmt: skip
