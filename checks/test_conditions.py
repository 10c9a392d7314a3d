"""Hypotheses and conclusions of the descent theorem, derived (docs/theory.md §2, §3)."""

from __future__ import annotations

import sympy as sp

from checks.everywhere import same, sign_on_positive
from checks.registry import proves
from dipproofs.theory import FORMS, PROFILES, formula
from dipproofs.theory import symbols as s

psi, length, F = sp.symbols("psi length F", positive=True)


@proves("conditions.lipschitz_grad")
def test_lipschitz_constant_of_the_gradient() -> None:
    """∇f = Mᵀ∇L: the product rule for differences, over a segment of length h in the sublevel set."""
    h = sp.Symbol("h", positive=True)
    jacobian_change = s.lipschitz_AJ * h  # ‖M(θ)−M(θ')‖
    prediction_change = s.norm_AJ_ball * h  # ‖v−v'‖, along the curve that stays in {L ≤ f_0}
    gradient_change = s.loss_curvature * prediction_change
    total = jacobian_change * s.loss_gradient + s.norm_AJ_ball * gradient_change
    assert same(formula("conditions.lipschitz_grad").expr, sp.expand(total / h))
    # sharp in one dimension: f(θ) = ½v(θ)² has f'' = v''v + v'²; at v'' = ℓ_A, v = G, v' = M_ρ, Λ = 1 it is L
    x = sp.Symbol("x")
    v = s.loss_gradient + s.norm_AJ_ball * x + s.lipschitz_AJ * x**2 / 2
    second = sp.diff(v**2 / 2, x, 2).subs(x, 0)
    assert same(second, formula("conditions.lipschitz_grad").expr.subs(s.loss_curvature, 1))


@proves("conditions.q")
def test_normalised_step() -> None:
    # ‖∇f(θ^σ) − g‖ ≤ L‖σγg‖ = σq‖g‖
    sigma, g = sp.symbols("sigma g", positive=True)
    assert same(formula("conditions.q").expr, s.lipschitz_grad * (sigma * s.gamma * g) / (sigma * g))


@proves("conditions.H")
def test_hypothesis() -> None:
    """ω∫₀^t F ≤ ψ(f_0) along the path; if the integral up to ρ exceeds ψ(f_0), the path ends before ρ."""
    statement = formula("conditions.H").expr
    assert isinstance(statement, sp.StrictGreaterThan)
    assert statement.lhs == s.omega * sp.Integral(sp.Function("F")(s.t), (s.t, 0, s.rho))
    assert statement.rhs == s.psi_0
    # for the constant profile: ρ > S = ψ_0/(ωF), the path's length
    constant = statement.lhs.subs(sp.Function("F")(s.t), F).doit()
    S = sp.solve(constant.subs(s.rho, length) - psi, length)[0]
    assert same(S, psi / (s.omega * F))


@proves("conclusions.distance_to_limit")
def test_distance_to_limit() -> None:
    """From iterate τ on ω∫F ≤ ψ(f_τ) and F ≥ F_∞, so the remaining length is at most ψ(f_τ)/(ωF_∞)."""
    rest = sp.solve(s.omega * s.F_inf * length - s.psi_0, length)[0]
    assert same(formula("conclusions.distance_to_limit").expr, rest)


@proves("conclusions.rate_exponent")
def test_rate_exponent() -> None:
    """Ψ rises by ∫ψ'²·(−h')dσ ≥ F²γ·κ̃(q) per step, F ≥ F_∞; derived for each form from its integrand."""
    sigma, g, q = sp.Symbol("sigma", positive=True), sp.Symbol("g", positive=True), sp.Symbol("q_0", positive=True)
    fall = s.gamma * (1 - sigma * q) * g**2  # −h'(σ)
    for form, growth in (("paper", 1 + q), ("integral", 1 + sigma * q)):
        slope = s.F_inf / (growth * g)  # ψ' at θ^σ, by KL and ‖∇f(θ^σ)‖ ≤ growth·‖g‖
        rise = sp.integrate(sp.apart(sp.simplify(slope**2 * fall), sigma), (sigma, 0, 1))
        stated = formula("conclusions.rate_exponent").expr.subs(s.rate, FORMS[form].rate).subs(s.q, q)
        assert same(rise, stated)
    rise = (s.F_inf / g) ** 2 * s.gamma * (1 - q / 2) * g**2
    assert same(rise, formula("conclusions.rate_exponent").expr.subs(s.rate, FORMS["concave"].rate).subs(s.q, q))


@proves("conditions.R", "conditions.R_prime", "conditions.paper")
def test_papers_condition_is_H_for_the_papers_profile() -> None:
    R, R_prime = formula("conditions.R").expr, formula("conditions.R_prime").expr
    profile = PROFILES["paper"].F
    # R: there the injectivity σ_min − ℓR has fallen to half
    assert same(s.sigma_min_J - s.lipschitz_J * R, s.sigma_min_J / 2)
    # up to R the profile is a lower bound, σ_A(σ_min − ℓt) ≥ σ_Aσ_min/2 with equality at R
    assert same(s.sigma_A * (s.sigma_min_J - s.lipschitz_J * R), profile)
    # S of that profile is R' (ν₁ = 1/ω)
    S = sp.solve(sp.integrate(profile, (s.t, 0, length)) / s.nu_1 - s.psi_0, length)[0]
    assert same(S, R_prime)
    # so R' < R is (H) at ρ = R
    assert formula("conditions.paper").expr == sp.Lt(s.R_prime, s.R)
    gap = sp.integrate(profile, (s.t, 0, R)) / s.nu_1 - s.psi_0
    assert same(gap, (R - R_prime) * profile / s.nu_1)


@proves("conclusions.best_q_concave")
def test_best_step_of_the_concave_form() -> None:
    """Linear profile F = F_0−λt: F_∞² = F_0²−2λψ/ω, and qω(q)F_∞² peaks at q* = 1−h, h = 2λψ/F_0²."""
    F0, lam, q, S, h = sp.symbols("F_0 lambda q S h", positive=True)
    omega = FORMS["concave"].omega.subs(s.q, q)
    area = sp.integrate(F0 - lam * s.t, (s.t, 0, S))
    left_over = sp.expand((F0 - lam * S) ** 2)  # F_∞²
    assert sp.expand(left_over - (F0**2 - 2 * lam * area)) == 0
    F_inf2 = F0**2 - 2 * lam * psi / omega  # area = ψ/ω
    speed = sp.simplify((q * omega * F_inf2).subs(psi, h * F0**2 / (2 * lam)))
    best = formula("conclusions.best_q_concave").expr
    (shortfall,) = best.free_symbols
    assert sp.solve(sp.diff(speed, q), q) == [sp.expand(best.subs(shortfall, h))]
    assert sign_on_positive(sp.diff(speed, q, 2)) == -1
    # feasible for the flow iff h < 1; then q* > 0, and GD is feasible for q < 2(1−h)
    feasible = sp.simplify(F_inf2.subs(psi, h * F0**2 / (2 * lam)) / F0**2)
    assert same(sp.solve(feasible, q)[0], 2 * (1 - h))
