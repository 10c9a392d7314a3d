"""Adam for the next N iterations: heavy ball in a metric that moves (docs/theory-methods.md §3).

θ₊ = θ + hPμ₊, μ₊ = β₁μ − hMᵀr, h = √(lr(1−β₁)), μ = −(lr/h)m, P = diag(1/((1−β₁^{t+1})(√v̂ + ε))), as torch and Optax
compute it. What has a tilde is in the metric P_0 of the first step: M̃ = M P_0^{1/2}, distances ‖P_0^{-1/2}·‖.
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import symbol
from dipproofs.theory.extremes import maximum
from dipproofs.theory.methods import heavy_ball
from dipproofs.theory.methods import symbols as m
from dipproofs.theory.methods.base import MethodTheorem, TheoremSection

_section = TheoremSection(
    "methods.adam", "methods §3", "let the run go on (more steps, a smaller residual), or claim a shorter horizon"
)
_define, _make, _condition = _section.define, _section.constant, _section.condition


# --- given, in the metric P_0, on the ball of radius ρ there
metric_injectivity = symbol(r"\tilde s", "lower bound of the injectivity of M̃ᵀ")
metric_norm = symbol(r"\tilde M", "upper bound of ‖M̃‖")
metric_lipschitz = symbol(r"\tilde\ell", "Lipschitz constant of M̃")
largest_second_moment = symbol(r"v_{\max}", "largest second moment")
column_ratio = symbol(r"\max_i\|M_{:,i}\|^2/v_i", "largest squared column of M over its second moment")

# --- chosen: how far the metric moves
metric_fall = symbol(r"\delta_{lo}", "ln of the metric falls by at most this over the horizon")
metric_rise = symbol(r"\delta_{hi}", "ln of the metric rises by at most this over the horizon")
metric_change = symbol(r"\delta_1", "ln of the metric changes by at most this in one step")

# --- constants
excitation = symbol(r"\varpi", "largest share of a new squared gradient in v")
chi = symbol(r"\chi", "W grows by 1+χ at most when the metric changes")


def _power(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    return sp.exp(exponent * sp.log(base))


_after_1 = _power(m.beta, m.completed + 1)
_b2 = [_power(m.beta_2, m.completed + k) for k in (1, 2)]
_b2_end = _power(m.beta_2, m.completed + 1 + m.horizon)

LEARNING = (
    _make("gamma", m.learning_rate * (1 - m.beta), "γ = lr(1−β₁)", s.gamma),
    _make("s", sp.exp(-metric_fall / 2) * metric_injectivity, "injectivity in every metric", m.injectivity),
    _make("M", sp.exp(metric_rise / 2) * metric_norm, "norm in every metric", s.norm_AJ_ball),
    _make("ell", sp.exp(metric_rise) * metric_lipschitz, "Lipschitz constant in every metric", s.lipschitz_AJ),
)  # fmt: skip

OWN = (
    _make("excitation", column_ratio * m.R_hat**2, "ϖ: largest share of a new squared gradient in v", excitation),
    _make(
        "chi",
        (sp.exp(metric_change) - 1)
        * (
            1 / m.d_n
            + ((1 + m.delta) * m.x_M + m.alpha * sp.exp(metric_change) / m.x_s) / sp.sqrt(m.d_R * m.d_n)
            + m.delta * m.x_M**2 / m.d_R
        ),
        "χ: W grows by 1+χ at most when the metric changes",
        chi,
    ),
    _make("contraction", (1 + chi) * m.beta * m.eta, "ρ₂: W_{τ+1} ≤ ρ₂W_τ", m.contraction),
    _make(
        "S",
        m.h
        * sp.exp(metric_rise / 2)
        * sp.sqrt(m.W_0 / ((1 + chi) * m.zeta))
        * sp.sqrt(m.contraction / (1 - m.contraction)),
        "bound of the path over the horizon, in the metric P_0",
        m.path,
    ),
)  # fmt: skip

least_fall = sp.log(1 + (1 - m.beta_2) * excitation / (1 - m.contraction)) / 2 - sp.log(1 - _after_1)
_largest_v_hat = largest_second_moment / (1 - _b2[0])
_v_at_end = _power(m.beta_2, m.horizon) * largest_second_moment / (1 - _b2_end)
least_rise = sp.log((sp.sqrt(_largest_v_hat) + m.epsilon) / (sp.sqrt(_v_at_end) + m.epsilon))
least_change = maximum(
    -sp.log(m.beta_2) + sp.log((1 - _b2[1]) / (1 - _b2[0])), sp.log(m.beta_2 + (1 - m.beta_2) * excitation)
) / 2 + _after_1 / (1 - _after_1)


METRIC = (
    _condition("metric-lower", sp.Ge(metric_fall, least_fall), "P_tau >= exp(-delta_lo)*P_0", "v grows little"),
    _condition("metric-upper", sp.Ge(metric_rise, least_rise), "P_tau <= exp(delta_hi)*P_0", "v falls by β₂ at most"),
    _condition(
        "metric-change", sp.Ge(metric_change, least_change), "|ln P_{tau+1}/P_tau| <= delta_1", "one step of v and β₁ᵗ"
    ),
    _condition("decay", sp.Le(m.contraction, m.beta_2), "rho_2 <= beta_2", "gradients fall as fast as v may"),
)
_kept = tuple(pair for pair in heavy_ball.CONSTANTS if pair[0] not in (m.contraction, m.path))

ADAM = MethodTheorem(
    kind="adam",
    constants=(*LEARNING, *_kept, *OWN),
    conditions=(*heavy_ball.HEAVY_BALL.conditions, *METRIC),
    source="§3",
    recorded={
        "rho": s.rho, "alpha": m.alpha, "delta": m.delta, "eta": m.eta, "zeta": m.zeta,
        "metric_lower": metric_fall, "metric_upper": metric_rise, "metric_change": metric_change,
    },
)  # fmt: skip

residual_factor = _define(
    "residual_factor", m.R_hat * m.contraction ** (m.horizon / 2) / s.psi_0, "R_{t+N}/R_t is at most this"
)
