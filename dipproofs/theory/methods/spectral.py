"""A forecast that follows the spectrum: gradient descent with γM_ρ² ≤ 1 (docs/theory-methods.md §7).

b_τ, d_τ, δ_τ bound the residual, the distance from θ_t and the length of the step. What the change of M adds to the
frozen curves is p_i ≤ P_i, once, and γM e_i-like terms, smoothed by the descent itself.
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import Section, symbol, symbols
from dipproofs.theory.extremes import minimum

_define = Section("methods.spectral", "methods §7").define

before, bound = symbols(r"b_i b_\tau", "bound of the residual norm: at an earlier iterate (i), at this one (τ)")
away, distance = symbols(r"d_i d_\tau", "bound of the distance from θ_t: of an earlier iterate (i), of this one (τ)")
length = symbol(r"\delta_i", "bound of the length of the step from an earlier iterate")
frozen = symbol(r"f_\tau", "‖(I−γK)^τ r‖")
frozen_step = symbol(r"g_\tau", "γ‖Mᵀ(I−γK)^τ r‖")
frozen_distance = symbol(r"D_\tau", "‖M⁺(I−(I−γK)^τ)r‖")
turned, turned_step, turned_distance = (
    symbol(latex, meaning) for latex, meaning in (("P_r", "Σρ₀^jP_i"), ("P_g", "Σφ_jP_i"), ("P_D", "Σκ_jP_i"))
)
pushed, pushed_residual, pushed_step = (
    symbol(latex, meaning) for latex, meaning in (("e_D", "Σe_i"), ("e_r", "Σφ_je_i"), ("e_g", "Σχ_je_i"))
)
injectivity = symbol(r"\sigma", "lower bound of s_A at an earlier iterate")
w = symbol("w", "γσ², σ a singular value of M")
j = symbol("j", "iterations since", integer=True, nonnegative=True)
_net = s.F_inf - s.curvature_correction

contraction = _define("contraction", 1 - s.gamma * s.F_inf * _net, "b_τ ≤ q b_{τ−1}")
smoothing = _define(
    "smoothing",
    sp.sqrt(s.gamma) * sp.sqrt(w) * (1 - w) ** j,
    "φ_j = max σγ(1−γσ²)^j over the spectrum, at w = γσ² = 1/(2j+1) cut to [γs², γM²]",
)
smoothed_twice = _define(
    "smoothed_twice",
    w * (1 - w) ** j,
    "χ_j = max γσ²(1−γσ²)^j over the spectrum, at w = γσ² = 1/(j+1) cut to [γs², γM²]",
)
delay = _define("delay", minimum(1 / s.sigma_AJ, sp.sqrt(s.gamma * j)), "κ_j ≥ (1 − (1−γσ²)^j)/σ for every σ ≥ s")
turn = _define(
    "turn",
    s.lipschitz_AJ * (away + distance) * length / 2,
    "P_i ≥ ‖γ(M̄_i − M)M_iᵀr_i‖: the mean of M along the step, from d_i to d_{i+1}",
)
push = _define("push", s.lipschitz_AJ * away * before, "e_i ≥ ‖(M_i − M)ᵀr_i‖ from d_i and b_i")
perturbed = _define(
    "perturbed",
    frozen + turned + pushed_residual,
    "R_τ by the frozen curve and the change of M: Σρ₀^jP_i, Σφ_je_i, j = τ−1−i",
)
next_distance = _define(
    "distance",
    minimum(s.S, away + length, frozen_distance + turned_distance + s.gamma * pushed),
    "d_τ from d_{τ−1} + δ_{τ−1}, or from the frozen curve with Σκ_jP_i and Σe_i",
)
next_step = _define(
    "step",
    minimum(
        s.S,
        bound / _net,
        s.gamma * s.norm_AJ_ball * bound,
        frozen_step + turned_step + s.gamma * pushed_step + s.gamma * s.lipschitz_AJ * distance * bound,
    ),
    "δ_τ from b_τ, or from the frozen curve with Σφ_jP_i, Σχ_je_i and e_τ",
)
local_injectivity = _define("injectivity", s.sigma_AJ - s.lipschitz_AJ * away, "s_A(θ_i) ≥ σ from d_i")
local_contraction = _define(
    "local",
    1 - s.gamma * injectivity**2 * (1 - s.lipschitz_AJ * s.gamma * before / 2),
    "R_{i+1} ≤ that times b_i, where δ_i ≤ σ/ℓ",
)
