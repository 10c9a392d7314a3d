"""The residual form (docs/theory.md §3.2): its lemma, the drift x, the contraction and the distance, derived."""

from __future__ import annotations

import sympy as sp

from checks.everywhere import same, sign_on_positive
from checks.registry import proves
from dipproofs.theory import formula
from dipproofs.theory import symbols as s

R, N, g, sig, lam = sp.symbols("R N g s lambda", positive=True)  # ‖r‖, ‖K^{1/2}r‖, γ, σ, an eigenvalue of K


def test_lemma() -> None:
    """σ² ≤ K ≤ 1/γ implies ‖(I−γK)r‖ ≤ ‖r‖ − σγ‖K^{1/2}r‖."""
    # (1) on the spectrum γK² ≤ (1+γσ²)K − σ²: the difference factors into two non-negative terms
    difference = (1 + g * sig**2) * lam - sig**2 - g * lam**2
    assert sp.expand(difference - (1 - g * lam) * (lam - sig**2)) == 0
    # (2) ‖(I−γK)r‖² = R² − 2γN² + γ²‖Kr‖² ≤ R² − 2γN² + γ((1+γσ²)N² − σ²R²)
    bound = R**2 - 2 * g * N**2 + g * ((1 + g * sig**2) * N**2 - sig**2 * R**2)
    # (3) (R − σγN)² exceeds that by γ(N−σR)², and R − σγN ≥ 0 because N ≤ R/√γ and σ ≤ 1/√γ
    assert sp.expand((R - sig * g * N) ** 2 - bound - g * (N - sig * R) ** 2) == 0
    a, b = sp.symbols("a b", positive=True)
    assert sign_on_positive((R - sig * g * N).subs({N: R / (1 + a), sig: 1 / (g * (1 + b))})) == 1


def test_lemma_is_sharp_on_one_eigenvector() -> None:
    # K = σ²: equality, so no larger factor than σγ is possible
    assert sp.expand(R - sig * g * (sig * R) - (1 - g * sig**2) * R) == 0


@proves("conditions.x")
def test_drift() -> None:
    """R₊ ≤ R − F(t)Δ + ℓ_AΔ²/2 ≤ R − ∫_t^{t+Δ}(F − x)."""
    length, u, slope, ell = sp.symbols("Delta u ell_e ell_A", positive=True)
    # the mean of M over the segment is within ∫₀¹ ℓ_A σΔ dσ of M
    mean_off = sp.integrate(ell * sp.Symbol("sigma") * length, (sp.Symbol("sigma"), 0, 1))
    assert mean_off == ell * length / 2
    # F(t)Δ − ∫_t^{t+Δ}F = ∫₀^Δ(F(t)−F(t+u))du ≥ ∫₀^Δ ℓ_e u du
    gained = sp.integrate(slope * u, (u, 0, length))
    lost = mean_off * length - gained
    assert sp.expand(lost - (ell - slope) * length**2 / 2) == 0
    # spread over the step, lost/Δ ≤ ½(ℓ_A−ℓ_e)₊Δ, and Δ = γ‖Mᵀr‖ ≤ γM_ρR_0
    longest = s.gamma * s.norm_AJ_ball * s.psi_0
    drift = sp.Max(0, s.lipschitz_AJ - s.profile_slope) * longest / 2
    assert same(formula("conditions.x").expr, drift)
    found = formula("conditions.x").expr.subs({s.lipschitz_AJ: slope + ell, s.profile_slope: slope})
    per_length = (lost / length).subs(ell, slope + ell).subs(length, longest)
    assert same(sp.simplify(found), per_length)
    # Δ itself is longer than the drift allows only if the slope exceeds ℓ_A: then x = 0
    assert formula("conditions.x").expr.subs({s.lipschitz_AJ: slope, s.profile_slope: slope + ell}) == 0


@proves("conclusions.residual_contraction")
def test_contraction() -> None:
    """Δ = γN ≥ γF_∞R, so R₊ ≤ R − (F_∞−x)Δ ≤ (1 − γF_∞(F_∞−x))R."""
    F, x, step = s.F_inf, s.curvature_drift, s.gamma
    after = R - (F - x) * (step * F * R)
    assert same(formula("conclusions.residual_contraction").expr, after / R)


@proves("conclusions.distance_to_limit_residual")
def test_distance() -> None:
    """ΣΔ_i(F_∞−x) ≤ Σ(R_i−R_{i+1}) ≤ R_τ."""
    F, x = s.F_inf, s.curvature_drift
    length = sp.Symbol("length", positive=True)
    assert same(formula("conclusions.distance_to_limit_residual").expr, sp.solve(length * (F - x) - s.psi_0, length)[0])
    # consistent with the contraction: a path of steps Δ_i ≥ γF_∞R_i is no longer than that only if each fall is (F−x)Δ
    assert sp.simplify(formula("conclusions.residual_contraction").expr - (1 - s.gamma * F * (F - x))) == 0


@proves("conditions.H_residual")
def test_hypothesis_is_newton_kantorovich_for_the_observation_profile() -> None:
    """With ℓ_e = ℓ_A the drift vanishes and ∫₀^ρ(s_A0 − ℓ_A t)dt > R_0 for some ρ iff ℓ_A R_0/s_A0² < ½."""
    statement = formula("conditions.H_residual").expr
    assert isinstance(statement, sp.StrictGreaterThan) and statement.rhs == s.psi_0
    assert isinstance(statement.lhs, sp.Integral) and statement.lhs.limits == ((s.t, 0, s.rho),)
    F = statement.lhs.function + s.curvature_drift
    assert sp.Function("F")(s.t) == F  # the integrand is F − x
    s0, ell, rho = sp.symbols("s_0 ell rho", positive=True)
    area = sp.integrate(s0 - ell * s.t, (s.t, 0, rho))
    best = sp.solve(sp.diff(area, rho), rho)[0]
    most = sp.simplify(area.subs(rho, best))
    h = sp.Symbol("h", positive=True)
    assert same(most.subs(ell, h * s0**2 / R), R / (2 * h))  # most > R_0 ⇔ h < ½
    assert same(best, s0 / ell)


def test_newton_kantorovich_is_sharp() -> None:
    # the scalar equation r(θ) = R_0 − s_0θ + ℓθ²/2 has a root iff ℓR_0/s_0² ≤ ½: no weaker condition can do
    s0, ell, theta = sp.symbols("s_0 ell theta", positive=True)
    discriminant = sp.discriminant(R - s0 * theta + ell * theta**2 / 2, theta)
    assert sp.expand(discriminant - s0**2 * (1 - 2 * ell * R / s0**2)) == 0
