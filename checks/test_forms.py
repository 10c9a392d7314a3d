"""The step-size factors of every form, derived from what the proof of docs/theory.md §3 integrates.

Along one step, θ^σ = θ − σγg, ‖∇f(θ^σ) − g‖ ≤ σq‖g‖. In units of F(t)Δ (for ψ) and F²γ (for Ψ) the three forms have
the integrands below; each factor is the mean of its integrand over σ ∈ [0,1], and Chebyshev's integral inequality
∫FG ≥ ∫F·∫G for two non-increasing functions separates F from it. Inequalities between the forms hold already
between the integrands, for every σ; they are rational, and substitutions that make all symbols positive decide them.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
import sympy as sp

from checks.everywhere import positive_everywhere, same, sign_on_positive
from checks.registry import proves
from dipproofs.theory import FORM_IDS, FORMS, formula
from dipproofs.theory.symbols import gamma, lipschitz_grad, norm_AJ_ball, q

sigma = sp.Symbol("sigma", positive=True)
p, z = sp.symbols("p z", positive=True)

#: −dψ/(F dσ Δ) and dΨ/(F² γ dσ) at least these: f falls by γ(1−σq)‖g‖²dσ, the gradient there is at most (1+·)‖g‖
FALL = 1 - sigma * q
INTEGRANDS = {
    "paper": (FALL / (1 + q), FALL / (1 + q) ** 2),
    "integral": (FALL / (1 + sigma * q), FALL / (1 + sigma * q) ** 2),
}


def omega(form: str) -> sp.Expr:
    return formula(f"forms.{form}.omega").expr


def rate(form: str) -> sp.Expr:
    return formula(f"forms.{form}.rate").expr


def mean(integrand: sp.Expr) -> sp.Expr:
    x = sp.Symbol("x", positive=True)  # = q, but not the non-negative symbol, so that SymPy integrates 1/(1+σx)
    return sp.integrate(sp.apart(integrand.subs(q, x), sigma), (sigma, 0, 1)).subs(x, q)


@proves("forms.paper.omega", "forms.paper.rate", "forms.integral.omega", "forms.integral.rate")
@pytest.mark.parametrize("form", ["paper", "integral"])
def test_factors_are_means_over_the_segment(form: str) -> None:
    for factor, integrand in zip((omega(form), rate(form)), INTEGRANDS[form]):
        assert same(factor, mean(integrand))


@proves("forms.concave.omega", "forms.concave.rate")
def test_concave_factor_is_the_descent_lemma() -> None:
    # f(θ^σ) − f ≤ −γ‖g‖²∫₀^σ(1−sq)ds = −σγ(1−σq/2)‖g‖²
    s = sp.Symbol("s", positive=True)
    fall = sp.integrate(1 - s * q, (s, 0, sigma))
    assert sp.expand(fall - sigma * (1 - sigma * q / 2)) == 0
    # ψ concave: ψ(f) − ψ(h(σ)) ≥ ψ'(f)·fall ≥ F(t)Δσ·(1−σq/2), and 1−σq/2 ≥ its value at σ = 1
    worst = sp.limit(fall / sigma, sigma, 1)
    assert same(omega("concave"), worst) and same(rate("concave"), worst)
    assert same(sp.diff(fall / sigma, sigma), -q / 2)
    # Ψ' = −ψ'² is increasing, so Ψ(f₊) − Ψ(f) ≥ ψ'(f)²(f − f₊) ≥ (F/‖g‖)²·γ(1−q/2)‖g‖²
    F, g = sp.symbols("F g", positive=True)
    assert same((F / g) ** 2 * gamma * worst * g**2, F**2 * gamma * rate("concave"))


@proves("forms.flow.omega", "forms.flow.rate", "forms.residual.omega")
@pytest.mark.parametrize("form", ["paper", "integral", "concave"])
def test_limit_of_small_steps_is_the_flow(form: str) -> None:
    positive = sp.Symbol("q", positive=True)
    for factor in (omega(form), rate(form)):
        assert sp.limit(factor.subs(q, positive), positive, 0) == 1
    # gradient flow: −dψ = ψ'‖∇f‖²dt ≥ F‖∇f‖dt = F·(path), dΨ = ψ'²‖∇f‖²dt ≥ F²dt: both factors are 1
    F, g = sp.symbols("F g", positive=True)
    least_slope = F / g
    assert omega("flow") == sp.simplify(least_slope * g**2 / (F * g)) == 1
    assert rate("flow") == sp.simplify(least_slope**2 * g**2 / F**2) == 1
    # residual: R₊ ≤ R − ∫(F−x) has no factor in front of the integral (test_residual_form)
    assert formula("forms.residual.omega").expr == 1


def test_admissible_steps() -> None:
    # paper, integral: the integrand must stay ≥ 0 on the segment, and decrease for Chebyshev: σq ≤ 1 for all σ ≤ 1
    for form in ("paper", "integral"):
        assert (FORMS[form].limit, FORMS[form].closed) == (sp.solve(FALL.subs(sigma, 1), q)[0], True)
        for integrand in INTEGRANDS[form]:
            inside = integrand.subs({q: 1 / (1 + p), sigma: 1 / (1 + z)})
            assert sign_on_positive(inside) == 1
            assert sign_on_positive(sp.diff(integrand, sigma).subs({q: 1 / (1 + p), sigma: 1 / (1 + z)})) == -1
    # concave: the factor must be positive, so its zero is excluded
    assert (FORMS["concave"].limit, FORMS["concave"].closed) == (sp.solve(omega("concave"), q)[0], False)
    assert (FORMS["flow"].limit, FORMS["flow"].closed) == (0, True)
    assert FORM_IDS == ("paper", "integral", "concave", "residual")
    for form in FORMS.values():
        size = gamma * norm_AJ_ball**2 if form.id == "residual" else q
        assert form.admissible() == (sp.Le(size, form.limit) if form.closed else sp.Lt(size, form.limit))
        assert form.omega == omega(form.id)
        assert form.rate == (None if form.id == "residual" else rate(form.id))


def test_order_of_the_forms() -> None:
    """paper ≤ integral ≤ concave ≤ 1 for ω and paper ≤ integral ≤ concave for κ̃: between integrands, for every σ."""
    inside = {q: 1 / (1 + p), sigma: 1 / (1 + z)}
    for which in (0, 1):
        chain = [INTEGRANDS["paper"][which], INTEGRANDS["integral"][which], FALL]
        for small, large in pairwise(chain):
            assert sign_on_positive((large - small).subs(inside)) == 1
    assert same(mean(FALL), omega("concave"))
    assert sign_on_positive((1 - omega("concave")).subs(q, p)) == 1
    # the same once more for the closed forms, decided by interval subdivision on [2^-10, 1]
    box = {q: (2.0**-10, 1.0)}
    for factors in (omega, rate):
        for small, large in (("paper", "integral"), ("integral", "concave")):
            assert positive_everywhere(factors(large) - factors(small), box)


def test_factors_decrease_with_the_step() -> None:
    # pointwise derivative in q; schedules rely on it
    inside = {q: p, sigma: z}
    for form in ("paper", "integral"):
        for integrand in INTEGRANDS[form]:
            # 1−σq ≥ 0 is used: write σ = (1/q)/(1+z)
            derivative = sp.diff(integrand, q).subs(sigma, 1 / (q * (1 + z))).subs(q, p)
            assert sign_on_positive(derivative) == -1
    assert sign_on_positive(sp.diff(omega("concave"), q).subs(inside)) == -1


@proves("forms.paper.nu_1", "forms.paper.nu_2")
def test_papers_constants() -> None:
    nu_1, nu_2 = formula("forms.paper.nu_1").expr, formula("forms.paper.nu_2").expr
    assert same(nu_1 * omega("paper"), sp.Integer(1))
    assert same(nu_2 * gamma * rate("paper"), sp.Integer(1))
    # ν₂ as a function of γ is minimal at γ = 1/(2L), with value 6L
    L = sp.Symbol("L", positive=True)
    step = sp.Symbol("gamma_0", positive=True)
    of_step = nu_2.subs(q, gamma * lipschitz_grad).subs({gamma: step, lipschitz_grad: L})
    assert sp.simplify(sp.diff(of_step, step).subs(step, 1 / (2 * L))) == 0
    assert sp.simplify(of_step.subs(step, 1 / (2 * L)) - 6 * L) == 0
    slope = sp.factor(sp.simplify(sp.diff(of_step, step)))
    before, after = slope.subs(step, 1 / (2 * L) / (1 + p)), slope.subs(step, (1 + p / (1 + p)) / (2 * L))
    assert sign_on_positive(sp.simplify(before)) == -1 and sign_on_positive(sp.simplify(after)) == 1


@proves("forms.residual.step", "forms.residual.short_step")
def test_step_condition_of_the_residual_form() -> None:
    # the lemma with c_e = 1 needs γλ ≤ 1 for every eigenvalue λ of K = MMᵀ on the ball, Lemma e γλ < 2 (there c_e > 0);
    # the largest is ‖M‖² ≤ M_ρ²
    eigenvalue = sp.Symbol("lambda", nonnegative=True)
    for name, lemma in (("short_step", sp.Le(gamma * eigenvalue, 1)), ("step", sp.Lt(gamma * eigenvalue, 2))):
        assert lemma.subs(eigenvalue, norm_AJ_ball**2) == formula(f"forms.residual.{name}").expr


def test_peak_of_the_rate_per_curvature() -> None:
    """Remark (b), (c): ω(1) = 1/4, 0.386…, 1/2; qκ̃(q) peaks at 1/2 (paper, 1/6) and at 1 (integral, concave)."""
    values = [omega(form).subs(q, 1) for form in ("paper", "integral", "concave")]
    assert values == [sp.Rational(1, 4), 2 * sp.log(2) - 1, sp.Rational(1, 2)]
    paper = q * rate("paper")
    assert sp.simplify(sp.diff(paper, q).subs(q, sp.Rational(1, 2))) == 0
    assert paper.subs(q, sp.Rational(1, 2)) == sp.Rational(1, 6)
    assert same(sp.diff(q * rate("integral"), q), (1 - q) / (1 + q) ** 2)
    assert sp.solve(sp.diff(q * rate("concave"), q), q) == [1]
