"""What (H) has to offer: ω∫₀^ρ F as a function of the width, for each profile (docs/theory.md §6).

A hypothesis holds with probability ≥ 1−δ as soon as ω∫F > ψ̄. Norms here are ‖u‖ = 1.
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.core import Section, define, symbol
from dipproofs.theory.width.events import Step
from dipproofs.theory.width.symbols import (
    B_1,
    B_2,
    b_lo,
    column,
    column_full,
    k,
    norm_A,
    omega,
    q,
    radius,
    residual,
    s_init,
    sigma_A,
)

_integral = Section("width.integral", "§6").define
_root = sp.sqrt(k)


# --- the outer block alone: F(t) = σ_A(b_lo − B₁t/√k) -----------------------------------------------------------
BLOCK = _integral("block", omega * sigma_A * b_lo**2 * _root / (2 * B_1), "ω∫F, outer block, up to the root of F")
SPLIT = _integral(
    "split",
    omega * sigma_A * b_lo**2 * _root / B_1,
    "2ω∫F(w)dw: the path of W alone counts, and it costs twice (split path)",
)

# --- perturbation of PJ as a whole: F(t) = scale·(s − ℓ(t)t)₊ -------------------------------------------------
#: ℓ(t) for inner: B₂c/√k, whatever t.
INNER_LINEAR = _integral(
    "row-space.inner",
    omega * sigma_A * s_init**2 * _root / (2 * B_2 * column),
    "ω∫σ_A(s−ℓt)dt with ℓ = B₂c̄/√k",
)
INNER_LINEAR_OBSERVATION = _integral(
    "observation.inner",
    omega * (sigma_A * s_init) ** 2 * _root / (2 * norm_A * B_2 * column),
    "ω∫(σ_As−‖A‖ℓt)dt with ℓ = B₂c̄/√k",
)
INNER_LINEAR_PAPER = _integral(
    "paper.inner",
    omega * sigma_A * s_init**2 * _root / (4 * B_2 * column_full),
    "ω·(σ_As/2)·R with R = s/(2ℓ)",
)


def ball_root(s: sp.Expr, c: sp.Expr) -> sp.Expr:
    """Return ρ with ℓ(ρ)ρ = s, both layers trained: the positive root of (B₂s√k+B₁²)ρ²+B₂c s√k ρ−s²k = 0."""
    return 2 * s * _root / (B_2 * c + sp.sqrt((B_2 * c) ** 2 + 4 * (B_2 * s * _root + B_1**2)))


def _primitive(v: sp.Expr) -> sp.Expr:
    """∫(v−c̄)√(B₂²v²+4B₁²)dv."""
    root = sp.sqrt((B_2 * v) ** 2 + 4 * B_1**2)
    return root**3 / (3 * B_2**2) - column * (v * root / 2 + 2 * B_1**2 / B_2 * sp.asinh(B_2 * v / (2 * B_1)))


LOST_AREA = define(
    "width.lost_area",
    (B_2 * (column * radius**2 / 2 + radius**3 / 3) + _primitive(column + radius) - _primitive(column)) / (2 * _root),
    "∫₀^ρ ℓ(t)t dt, both layers",
    "§6",
)
_relative = sigma_A * s_init / norm_A
BOTH: dict[str, tuple[tuple[Step, ...], sp.Expr]] = {
    "row-space": (
        ((radius, ball_root(s_init, column)),),
        _integral("row-space.both", omega * sigma_A * (s_init * radius - LOST_AREA), "ω∫σ_A(s−ℓ(t)t)dt"),
    ),
    "observation": (
        ((radius, ball_root(_relative, column)),),
        _integral(
            "observation.both",
            omega * norm_A * (_relative * radius - LOST_AREA),
            "ω∫(σ_As−‖A‖ℓ(t)t)dt",
        ),
    ),
    "paper": (
        ((radius, ball_root(s_init / 2, column_full)),),
        _integral("paper.both", omega * sigma_A * s_init * radius / 2, "ω·(σ_As/2)·R with ℓ(R)R = s/2"),
    ),
}
for _name, (_steps, _) in BOTH.items():
    define(f"width.radius.{_name}", _steps[0][1], f"where F vanishes (paper: R), both layers, {_name}", "§6")
INNER: dict[str, tuple[tuple[Step, ...], sp.Expr]] = {
    "row-space": ((), INNER_LINEAR),
    "observation": ((), INNER_LINEAR_OBSERVATION),
    "paper": ((), INNER_LINEAR_PAPER),
}

# --- residual form: (H) is ∫(F−x) > R_0, x = ½(ℓ_A−ℓ_e)₊γM_ρR_0, q := γM_ρ² ≤ 1 --------------------------------
# γM_ρ = q/M_ρ ≤ q/‖M(θ_0)‖, so a *lower* bound of ‖M(θ_0)‖ is enough: ‖A‖b_lo (outer block) or ‖A‖s(θ_0).
# ℓ(ρ) ≤ ℓ0 + ℓ1ρ with ℓ0 = (B₂c+B₁)/√k, ℓ1 = B₂/√k, from √(x²+4B₁²) ≤ x+2B₁; inner: ℓ0 = B₂c/√k, ℓ1 = 0.
curvature_0 = symbol("x_0", "x of the residual form is x_0 + x_1 ρ")
curvature_1 = symbol("x_1", "x of the residual form is x_0 + x_1 ρ")
head = symbol("a_0", "F(0) − x_0", real=True)
slope = symbol("lambda", "slope of F at 0", positive=True)
quadratic = symbol("beta", "quadratic part of F")
_half_step = q * residual / 2


def _lipschitz_0(train: str) -> sp.Expr:
    return (B_2 * column + (B_1 if train == "both" else 0)) / _root


def _lipschitz_1(train: str) -> sp.Expr:
    return B_2 / _root if train == "both" else sp.Integer(0)


def residual_block() -> tuple[tuple[Step, ...], sp.Expr]:
    """Outer block, linear with slope exactly σ_AB₁/√k: the quadratic in ρ is maximal at (F(0)−x_0)/(2x_1+λ)."""
    share = _half_step / (norm_A * b_lo)
    steps = (
        (slope, sigma_A * B_1 / _root),
        (curvature_0, share * (norm_A * _lipschitz_0("both") - slope)),
        (curvature_1, share * norm_A * _lipschitz_1("both")),
        (head, sp.Max(0, sigma_A * b_lo - curvature_0)),
    )
    return steps, head**2 / (4 * curvature_1 + 2 * slope)


def residual_whole(train: str, profile: str) -> tuple[tuple[Step, ...], sp.Expr]:
    """PJ as a whole: F(t) = σ_As − σ_A(ℓ0t+ℓ1t²) (row-space) or σ_As − ‖A‖ℓ(ρ)t, for which x = 0 (observation)."""
    share = _half_step / (norm_A * s_init)
    l0, l1 = _lipschitz_0(train), _lipschitz_1(train)
    row_space = profile == "row-space"
    first: tuple[Step, ...] = (
        (slope, (sigma_A if row_space else norm_A) * l0),
        (quadratic, sigma_A * l1 / 3 if row_space else norm_A * l1 / 2),
        (curvature_0, share * (norm_A - sigma_A) * l0 if row_space else sp.Integer(0)),
        (curvature_1, share * norm_A * l1 if row_space else sp.Integer(0)),
        (head, sp.Max(0, sigma_A * s_init - curvature_0)),
    )
    straight = 2 * curvature_1 + slope
    best = 2 * head / (straight + sp.sqrt(straight**2 + 12 * quadratic * head))
    gain = head * radius - straight * radius**2 / 2 - quadratic * radius**3
    return (*first, (radius, best)), gain


RESIDUAL_BLOCK = residual_block()
_integral("residual.block", RESIDUAL_BLOCK[1], "max over ρ of ∫(F−x), outer block")
RESIDUAL_WHOLE = {
    (train, profile): residual_whole(train, profile)
    for train in ("both", "inner")
    for profile in ("row-space", "observation")
}
for (_train, _profile), (_, _gain) in RESIDUAL_WHOLE.items():
    _integral(f"residual.{_profile}.{_train}", _gain, f"max over ρ of ∫(F−x), {_profile}, {_train}")
