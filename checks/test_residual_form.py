"""The residual form (docs/theory.md §3.2): its lemma, the correction x, the contraction and the distance, derived."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
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
def test_curvature_correction() -> None:
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
    correction = sp.Max(0, s.lipschitz_AJ - s.profile_slope) * longest / 2
    stated, short = formula("conditions.x").expr, {s.step_weakening: 1}
    assert same(stated.subs(short), correction)
    found = stated.subs(short).subs({s.lipschitz_AJ: slope + ell, s.profile_slope: slope})
    per_length = (lost / length).subs(ell, slope + ell).subs(length, longest)
    assert same(sp.simplify(found), per_length)
    # Δ itself is longer than the correction allows only if the slope exceeds ℓ_A: then x = 0
    assert stated.subs(short).subs({s.lipschitz_AJ: slope, s.profile_slope: slope + ell}) == 0
    # long steps: F, and with it its slope, is multiplied by c_e
    (factor,) = (part for part in stated.args if isinstance(part, sp.Max))
    assert same(max(factor.args, key=sp.count_ops), s.lipschitz_AJ - s.step_weakening * s.profile_slope)


@proves("conclusions.residual_contraction")
def test_contraction() -> None:
    """Δ = γN ≥ γF_∞R, so R₊ ≤ R − (c_eF_∞−x)Δ ≤ (1 − γF_∞(c_eF_∞−x))R."""
    F, x, step = s.F_inf, s.curvature_correction, s.gamma
    after = R - (s.step_weakening * F - x) * (step * F * R)
    assert same(formula("conclusions.residual_contraction").expr, after / R)


@proves("conclusions.distance_to_limit_residual")
def test_distance() -> None:
    """ΣΔ_i(c_eF_∞−x) ≤ Σ(R_i−R_{i+1}) ≤ R_τ."""
    F, x = s.step_weakening * s.F_inf, s.curvature_correction
    length = sp.Symbol("length", positive=True)
    assert same(formula("conclusions.distance_to_limit_residual").expr, sp.solve(length * (F - x) - s.psi_0, length)[0])
    # consistent with the contraction: a path of steps Δ_i ≥ γF_∞R_i is no longer than that only if each fall is (F−x)Δ
    assert sp.simplify(formula("conclusions.residual_contraction").expr - (1 - s.gamma * s.F_inf * (F - x))) == 0


@proves("conditions.H_residual")
def test_hypothesis_is_newton_kantorovich_for_the_observation_profile() -> None:
    """With ℓ_e = ℓ_A the correction vanishes and ∫₀^ρ(s_A0 − ℓ_A t)dt > R_0 for some ρ iff ℓ_A R_0/s_A0² < ½."""
    statement = formula("conditions.H_residual").expr
    assert isinstance(statement, sp.StrictGreaterThan) and statement.rhs == s.psi_0
    assert isinstance(statement.lhs, sp.Integral) and statement.lhs.limits == ((s.t, 0, s.rho),)
    F = statement.lhs.function + s.curvature_correction
    assert s.step_weakening * sp.Function("F")(s.t) == F  # the integrand is c_e F − x
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


# --- long steps: Lemma e ---------------------------------------------------------------------------------------------
_g, _gs, _c, _nu = sp.symbols("g g_s c nu", positive=True)


def factor(g: object, g_s: object) -> sp.Expr:
    """c_e as the package has it, at γM² = g and γσ² = g_s."""
    expr = formula("forms.residual.c_e").expr
    return expr.subs({s.gamma: 1, s.norm_AJ_ball: sp.sqrt(g), s.F_start: sp.sqrt(g_s)})


#: The same in floats.
factor_of: Callable[[float, float], float] = sp.lambdify((_g, _gs), factor(_g, _gs), modules="math")


def middle(g: sp.Expr, g_s: sp.Expr) -> sp.Expr:
    return sp.sqrt(g * (2 - g - g_s) / (1 - g * g_s))


@proves("forms.residual.c_e")
def test_long_steps_by_a_quadratic() -> None:
    """Lemma e: with N = ‖K^{1/2}r‖ = νσR, γ‖Kr‖² ≤ (g+g_s)N² − g g_s R²/γ, and the claim squared is Q(ν) ≥ 0."""
    # (K−σ²)(K−M²) ⪯ 0, so γ²‖Kr‖² ≤ (g+g_s)γN² − g g_s R²; with γN² = g_s ν²R² and R = 1:
    after = 1 - 2 * _gs * _nu**2 + (_g + _gs) * _gs * _nu**2 - _g * _gs
    claim = (1 - _c * _gs * _nu) ** 2
    Q = (2 - _g - _gs * (1 - _c**2)) * _nu**2 - 2 * _c * _nu + _g
    assert sp.expand(claim - after - _gs * Q) == 0
    # its discriminant vanishes at c = c_e of the middle range, which is 1 at g = 1
    half = sp.expand(sp.discriminant(Q, _nu) / 4)
    assert sp.simplify(half.subs(_c, middle(_g, _gs))) == 0
    assert sp.simplify(middle(sp.Integer(1), _gs)) == 1
    assert sp.simplify(1 - middle(_g, _gs) ** 2 - (1 - _g) ** 2 / (1 - _g * _gs)) == 0
    # beyond g(1+g_s) = 2 the minimiser c/a of Q leaves ν ≤ √(g/g_s): Q(√(g/g_s)) = 0 there, and the ranges join
    last = (2 - _g) / sp.sqrt(_g * _gs)
    assert sp.simplify(Q.subs({_c: last, _nu: sp.sqrt(_g / _gs)})) == 0
    assert sp.simplify((middle(_g, _gs) - last).subs(_gs, (2 - _g) / _g).subs(_g, sp.Rational(3, 2))) == 0
    # R − cσγN ≥ 0 on N ≤ MR, as c√(g g_s) ≤ 1: c ≤ the last range's value everywhere, and that is 2 − g ≤ 1
    gap = (2 - _g - _g * _gs) ** 2 / (_g * _gs * (1 - _g * _gs))
    assert sp.simplify(last**2 - middle(_g, _gs) ** 2 - gap) == 0
    # what the package evaluates is this
    for g, g_s, value in ((sp.Rational(1, 2), sp.Rational(1, 4), 1), (1, sp.Rational(1, 3), 1)):
        assert factor(g, g_s) == value
    g, g_s = sp.Rational(3, 2), sp.Rational(1, 5)
    assert sp.simplify(factor(g, g_s) - middle(g, g_s)) == 0
    g, g_s = sp.Rational(7, 4), sp.Rational(1, 3)
    assert sp.simplify(factor(g, g_s) - (2 - g) / sp.sqrt(g * g_s)) == 0


@pytest.mark.parametrize("modes", [2, 5])
def test_long_steps_attacked(modes: int) -> None:
    """No residual contracts less than the lemma says; a factor 5 % larger is refuted (two modes are sharp)."""
    rng = np.random.default_rng(modes)
    tight, refuted, seen = 0, 0, {1: 0, 2: 0, 3: 0}
    for _ in range(400):
        g = float(rng.uniform(0.3, 1.999))
        g_s = g * float(rng.uniform(0.01, 1.0)) ** 2
        c = float(factor_of(g, g_s))
        seen[1 if g <= 1 else 2 if g * (1 + g_s) <= 2 else 3] += 1
        ends = np.array([g_s, g])
        values = np.sort(np.concatenate([ends, rng.uniform(g_s, g, modes - 2)]))
        weights = np.abs(rng.standard_normal((500, modes)))
        weights[:250, 1:-1] = 0.0
        weights /= np.linalg.norm(weights, axis=1)[:, None]
        left = np.linalg.norm((1 - values) * weights, axis=1)
        size = np.sqrt(g_s) * np.linalg.norm(np.sqrt(values) * weights, axis=1)
        assert (left <= 1 - c * size + 1e-12).all()
        tight += bool((left >= 1 - 1.01 * c * size).any())
        refuted += bool((left > 1 - 1.05 * c * size + 1e-9).any())
    assert min(seen.values()) > 10 and refuted > 300 and tight > 200


def test_long_step_factor_decreases() -> None:
    """c_e is non-increasing in γM² and in γσ², so that M_ρ and F(0) may be put for them (they are upper bounds)."""
    grid = [i / 20 for i in range(1, 40)]
    falls = 0
    for fixed in (0.1, 0.5, 0.9):
        along_g = [float(factor_of(g, fixed)) for g in grid if g >= fixed]
        along_s = [float(factor_of(1 + fixed, g_s)) for g_s in grid if g_s <= 1 + fixed]
        for line in (along_g, along_s):
            assert all(b <= a + 1e-12 for a, b in pairwise(line))
            falls += line[-1] < line[0] - 0.1
    assert falls == 6
    # derivatives of c_e² in the middle range
    square = _g * (2 - _g - _gs) / (1 - _g * _gs)
    assert sp.factor(sp.diff(square, _gs) + _g * (1 - _g) ** 2 / (1 - _g * _gs) ** 2) == 0
