"""Nesterov's method y₊ = y + βw' − γMᵀq with constant β, γM_ρ² < 1 (docs/theory-methods.md §2).

The stored point is y, the stored displacement D = hv; q = r(y), w = βv − hMᵀq, and
W = ‖q‖² − γ‖Mᵀq‖² + β‖w‖² + (α/h)⟨(M⁺ − γMᵀ)q, w⟩. As in torch and Optax with ``nesterov=True``.
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import symbol, symbols
from dipproofs.theory.extremes import minimum
from dipproofs.theory.methods import symbols as m
from dipproofs.theory.methods.base import MatrixCondition, MethodTheorem, TheoremSection

_section = TheoremSection(
    "methods.nesterov",
    "methods §2",
    "let the run go on (to a smaller residual), or use a momentum and step nearer to the recommended ones",
)
_define, _make, _condition = _section.define, _section.constant, _section.condition
ell, gamma, R_0 = s.lipschitz_AJ, s.gamma, s.psi_0
z = m.alpha + m.beta
A, B = symbols("A_N B_N", "what the change of M costs: per ‖b‖² (A_N), per ‖b‖‖u‖ (B_N)")
kappa_2 = symbol(r"\kappa_2", "what the change of M costs, per W")
kernel = symbol(r"\eta_\ker", "least η in the kernel of M")
X_s, X_M = symbols("X_s X_M", "bound of the eigenvalues of γMMᵀ: least (s), largest (M)")


def residual_weight(X: sp.Expr) -> sp.Expr:
    """det W/W_22 of one mode, X = x²: concave in X, so that two ends suffice."""
    return (1 - X) * (1 - m.alpha**2 * (1 - X) / (4 * m.beta * X))


def speed_weight(X: sp.Expr) -> sp.Expr:
    """det W/tr(adj(N)W) of one mode: a concave function over an affine one, so that two ends suffice."""
    return residual_weight(X) / (z * (1 - X) + X)


W_START = (
    (1 - m.alpha) * R_0**2
    - (1 - z) * gamma * m.gradient_norm**2
    + m.beta**3 * m.state_norm**2 / gamma
    - m.beta * (2 * m.beta + m.alpha) * m.state_slope
    + m.alpha * m.beta / gamma * m.state_newton
)

CONSTANTS = (
    _make("h", sp.sqrt(gamma), "h = √γ", m.h),
    _make("X_s", gamma * m.injectivity**2, "least eigenvalue of γMMᵀ on Im(A)", X_s),
    _make("X_M", gamma * s.norm_AJ_ball**2, "largest eigenvalue of γMMᵀ", X_M),
    _make("x_M", m.h * s.norm_AJ_ball, "largest singular value of hM", m.x_M),
    _make("d_R", minimum(residual_weight(X_s), residual_weight(X_M)), "d_R: ‖q‖² ≤ W/d_R", m.d_R),
    _make("d_n", minimum(1 / m.beta, speed_weight(X_s), speed_weight(X_M)), "d_n: ‖b‖² ≤ W/d_n", m.d_n),
    _make("W_0", W_START, "W at the certified iterate and its state", m.W_0),
    _make("R_hat", sp.sqrt(m.W_0 / m.d_R), "bound of the residual norm along the run", m.R_hat),
    _make("n_hat", sp.sqrt(m.W_0 / m.d_n), "bound of ‖b‖ along the run", m.n_hat),
    _make("k_hat", ell * m.R_hat / m.injectivity**2, "ℓR̂/s²", m.k_hat),
    _make(
        "A",
        (1 - m.alpha) * ell * gamma * m.R_hat + (1 - z) * m.x_M**2 * ell * gamma * m.R_hat,
        "what the change of M costs, per ‖b‖²",
        A,
    ),
    _make(
        "B",
        (2 * m.beta + m.alpha) * (m.x_M * ell * gamma * m.n_hat / 2 + ell * gamma * m.R_hat)
        + sp.sqrt(2) * m.alpha * m.k_hat
        + sp.Rational(3, 2) * m.alpha * ell * m.h * m.n_hat / m.injectivity,
        "what the change of M costs, per ‖b‖‖u‖",
        B,
    ),
    _make(
        "kappa_2",
        2 * (1 - z) * m.x_M * ell * gamma * m.R_hat / sp.sqrt(m.d_n * m.d_R),
        "what the change of M costs, per W",
        kappa_2,
    ),
    _make(
        "kernel",
        m.beta + A + B * m.nu / 2 + B / (2 * m.nu) + m.zeta,
        "least η in the kernel of M, where the velocity falls by β only",
        kernel,
    ),
    _make("contraction", m.beta * m.eta + kappa_2, "ρ₂: W_{τ+1} ≤ ρ₂W_τ", m.contraction),
    _make(
        "S",
        m.h * sp.sqrt(m.W_0 * m.contraction / (m.zeta * (1 - m.contraction))),
        "bound of the path of y, and of the distance to the limit",
        m.path,
    ),
)  # fmt: skip

# --- the matrix inequality, in (q/x, u): polynomials in X
_X = m.X
_extra = A + B * m.nu / 2 + m.zeta  # in front of N


def _after() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """W₊ with M frozen: (1−X)(Xa² + α(1−X)ab + β(1−X)b²) as a form in (q̃, u)."""
    q, u = sp.Dummy(), sp.Dummy()
    a, b = (1 - _X) * q + u, u - _X * q
    form = sp.expand((1 - _X) * (_X * a**2 + m.alpha * (1 - _X) * a * b + m.beta * (1 - _X) * b**2))
    return form.coeff(q, 2), sp.expand(form.coeff(q, 1).coeff(u, 1) / 2), form.coeff(q, 0).coeff(u, 2)


_W = (_X * (1 - _X), m.alpha * (1 - _X) / (2 * m.beta), 1 / m.beta)
_N = (_X**2, -_X, sp.Integer(1))
_U = (sp.Integer(0), sp.Integer(0), sp.Integer(1))
ENTRIES = tuple(
    _define(
        f"P{place}",
        m.eta * m.beta * w - after - _extra * n - B / (2 * m.nu) * u,
        f"entry {place} of ηβW − W₊ − (A + Bν/2 + ζ)N − (B/2ν)U in (q/x, u)",
    )
    for place, w, after, n, u in zip(("11", "12", "22"), _W, _after(), _N, _U, strict=True)
)

matrix = MatrixCondition(
    "modes",
    (ENTRIES[0], ENTRIES[1], ENTRIES[2]),
    _X,
    (X_s, X_M),
    "eta*beta*W - W_+ - perturbation >= zeta*N for all singular values",
    _section.cure,
)


_small = "use a smaller step"
step = _condition("step", sp.Lt(X_M, 1), "gamma*M_rho^2 < 1", "step condition", _small)
weights = _condition("weights", sp.Le(z, 1), "alpha <= 1 - beta", "range of α")
positive = _condition("lyapunov", sp.Gt(minimum(m.d_R, m.d_n), 0), "d_R > 0 and d_n > 0", "W is positive definite")
idle = _condition("kernel", sp.Ge(m.eta, kernel), "eta >= eta_ker", "the inequality in the kernel of M")
contracts = _condition("contraction", sp.Lt(m.contraction, 1), "rho_2 < 1", "the Lyapunov function contracts")
ball = _condition("ball", sp.Le(m.path, s.rho), "S <= rho", "the path stays in the ball")

NESTEROV = MethodTheorem(
    kind="nesterov",
    constants=CONSTANTS,
    conditions=(step, weights, positive, idle, contracts, ball),
    source="§2",
    matrices=(matrix,),
    recorded={"alpha": m.alpha, "nu": m.nu, "eta": m.eta, "zeta": m.zeta},
)

residual_bound = _define("residual_bound", sp.sqrt(m.lyapunov / m.d_R), "R_τ ≤ √(W_τ/d_R)")
