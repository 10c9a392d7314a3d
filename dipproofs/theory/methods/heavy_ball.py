"""Heavy ball θ₊ = θ + D₊, D₊ = βD − γMᵀr, constant γ, β, any stored displacement D (docs/theory-methods.md §1).

W = ‖r‖² + ⟨v,v₊⟩ + δh⟨r,Mv⟩ + (α/h)⟨M⁺r,v⟩, v = D/h, falls by the factor βη as long as the iterates stay in the ball.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import Section
from dipproofs.theory.extremes import minimum
from dipproofs.theory.methods import symbols as m
from dipproofs.theory.methods.base import Condition, MethodTheorem

_section = Section("methods.heavy_ball", "methods §1")
_define, _make = _section.define, _section.constant
ell, gamma, R_0 = s.lipschitz_AJ, s.gamma, s.psi_0
z = m.alpha + m.beta


def weight(x: sp.Expr) -> sp.Expr:
    """Z(x) = α + β + δx²."""
    return z + m.delta * x**2


def coupling(x: sp.Expr) -> sp.Expr:
    """c(x) = (1+δ)x + α/x."""
    return (1 + m.delta) * x + m.alpha / x


#: βW of one mode as a quadratic form of (r, v₊): (Z, c; c, 1), the off-diagonal entry halved.
W_START = (
    R_0**2
    + m.beta * m.state_norm**2 / gamma
    + (m.delta - 1) * m.state_slope
    + m.alpha / gamma * m.state_newton
)  # fmt: skip

CONSTANTS = (
    _make("h", sp.sqrt(gamma), "h = √γ", m.h),
    _make("x_s", m.h * m.injectivity, "least singular value of hM on Im(A)", m.x_s),
    _make("x_M", m.h * s.norm_AJ_ball, "largest singular value of hM", m.x_M),
    _make("Z_s", weight(m.x_s), "Z at x_s", m.Z_s),
    _make("Z_M", weight(m.x_M), "Z at x_M", m.Z_M),
    _make("c_s", coupling(m.x_s), "c at x_s", m.c_s),
    _make("c_M", coupling(m.x_M), "c at x_M", m.c_M),
    _make("d_R", minimum(m.Z_s - m.c_s**2 / 4, m.Z_M - m.c_M**2 / 4), "d_R: ‖r‖² ≤ βW/d_R", m.d_R),
    _make("d_n", minimum(1 - m.c_s**2 / (4 * m.Z_s), 1 - m.c_M**2 / (4 * m.Z_M)), "d_n: ‖v₊‖² ≤ βW/d_n", m.d_n),
    _make("W_0", W_START, "W at the certified iterate and its state", m.W_0),
    _make("R_hat", sp.sqrt(m.beta * m.W_0 / m.d_R), "bound of the residual norm along the run", m.R_hat),
    _make("n_hat", sp.sqrt(m.beta * m.W_0 / m.d_n), "bound of ‖v‖ along the run", m.n_hat),
    _make("k_hat", ell * m.R_hat / m.injectivity**2, "ℓR̂/s²", m.k_hat),
    _make(
        "perturbation",
        ell * gamma * m.R_hat
        + m.alpha * m.k_hat * (1 + m.k_hat / 4)
        + m.alpha * ell * m.h * m.n_hat / (2 * m.injectivity)
        + m.delta * ell * gamma * (m.R_hat + sp.Rational(3, 2) * m.x_M * m.n_hat),
        "π: what the change of M costs, per ‖v₊‖²",
        m.perturbation,
    ),
    _make("contraction", m.beta * m.eta, "ρ₂: W_{τ+1} ≤ ρ₂W_τ", m.contraction),
    _make(
        "S",
        m.h * sp.sqrt(m.W_0 * m.contraction / (m.zeta * (1 - m.contraction))),
        "bound of the path, and of the distance to the limit",
        m.path,
    ),
)  # fmt: skip


def _mode(name: str, Z: sp.Symbol, c: sp.Symbol) -> list[Condition]:
    size = "smallest" if name == "slow" else "largest"
    more = m.eta - Z - m.perturbation - m.zeta
    cure = "let the run go on (to a smaller residual), or use a momentum and step nearer to the recommended ones"
    relations = {
        "weight": sp.Gt(m.eta * Z, 1),
        "kinetic": sp.Ge(more, 0),
        "mode": sp.Ge(4 * (m.eta * Z - 1) * more, (m.eta - 1) ** 2 * c**2),
    }
    made = []
    for key, relation in relations.items():
        _define(f"{name}_{key}", relation, f"ηβW − W₊ ≥ ζ‖v₊‖² on the {size} mode")
        made.append(Condition(f"{name}-{key}", relation, f"{relation} at the {size} singular value", cure))
    return made


positive = Condition(
    "lyapunov",
    _define("positive", sp.Gt(minimum(m.d_R, m.d_n), 0), "W is positive definite"),
    "d_R > 0 and d_n > 0",
    "the momentum is outside the range in which this step is stable: use a smaller step or another momentum",
)
contracts = Condition(
    "contraction",
    _define("contracts", sp.Lt(m.contraction, 1), "the Lyapunov function contracts"),
    "rho_2 < 1",
    "let the run go on, or use a smaller momentum",
)
ball = Condition(
    "ball",
    _define("ball", sp.Le(m.path, s.rho), "the path stays in the ball"),
    "S <= rho",
    "let the run go on (to a smaller residual), or increase the width",
)

HEAVY_BALL = MethodTheorem(
    kind="heavy-ball",
    constants=CONSTANTS,
    conditions=(
        positive,
        *_mode("slow", m.Z_s, m.c_s),
        *_mode("fast", m.Z_M, m.c_M),
        contracts,
        ball,
    ),
    source="§1",
    recorded={"alpha": m.alpha, "delta": m.delta, "eta": m.eta, "zeta": m.zeta},
)

# --- conclusions
_q = (1 - m.Z_s) ** 2 + m.Z_s * m.perturbation
_D = 4 * m.Z_s - m.c_s**2
#: The smallest η of one mode, as an expression in its Z, c (written for the slow one).
eta_of_mode = _define(
    "eta_min",
    1 + 2 * (_q + sp.sqrt(_q**2 + _D * (1 - m.Z_s) * (1 - m.Z_s - m.perturbation))) / _D,
    "smallest η for which a mode of singular value x_s satisfies its inequality with ζ = 0",
    m.eta,
)


@cache
def at_both_ends(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """An expression in Z_s, c_s, and the same in Z_M, c_M."""
    return expr, expr.subs({m.Z_s: m.Z_M, m.c_s: m.c_M}, simultaneous=True)


zeta_of_mode = _define(
    "zeta",
    m.eta - m.Z_s - m.perturbation - (m.eta - 1) ** 2 * m.c_s**2 / (4 * (m.eta * m.Z_s - 1)),
    "largest ζ for which a mode of singular value x_s satisfies its inequality, where ηZ > 1",
    m.zeta,
)
residual_bound = _define("residual_bound", sp.sqrt(m.beta * m.lyapunov / m.d_R), "R_τ ≤ √(βW_τ/d_R)")

# --- another Lyapunov function W', with other α and δ, from some iterate on
_rest = m.exchange * m.Z_s - m.Z_next
#: W' ≤ λ_W W on the mode of x_s iff all of these are ≥ 0.
EXCHANGE = tuple(
    _define(f"exchange_{name}", expr, f"λ_W βW − βW' ≥ 0 on a mode: {what}")
    for name, expr, what in (
        ("weight", _rest, "the entry of ‖r‖²"),
        ("kinetic", m.exchange - 1, "the entry of ‖v₊‖², and the kernel of M"),
        ("mode", 4 * _rest * (m.exchange - 1) - (m.exchange * m.c_s - m.c_next) ** 2, "the determinant"),
    )
)
_middle = (m.Z_s + m.Z_next - m.c_s * m.c_next / 2) / 2
_first, _last = m.Z_s - m.c_s**2 / 4, m.Z_next - m.c_next**2 / 4
exchange_of_mode = _define(
    "exchange",
    (_middle + sp.sqrt(_middle**2 - _first * _last)) / _first,
    "smallest λ_W for which λ_W W − W' ≥ 0 on the mode of x_s, where W and W' are positive",
    m.exchange,
)
