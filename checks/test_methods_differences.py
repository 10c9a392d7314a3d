"""What a change of the Jacobian or of the metric costs: the differences that the proofs list, added up once more.

docs/theory-methods.md §1–§3. A step moves θ by hn, n the length of the velocity; so ‖M₊ − M‖ ≤ ℓhn, and each half of
what linearisation leaves out has ‖e‖, ‖e'‖ ≤ ½ℓγn². The attacks elsewhere show that the sums are large enough; these
show that nothing is in them twice, or under another name.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from checks.everywhere import same
from dipproofs.theory import formula
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import adam
from dipproofs.theory.methods import symbols as m

n, u = sp.symbols("n u", positive=True)
ELL, GAMMA, H = s.lipschitz_AJ, s.gamma, m.h
LEFT_OUT = ELL * GAMMA * n**2 / 2  # ‖e‖ and ‖e'‖


def constant(name: str) -> sp.Expr:
    return formula(f"methods.{name}").expr


def test_heavy_ball() -> None:
    r, speed, moved = m.R_hat, m.n_hat, m.x_M * m.n_hat  # ‖r‖, ‖v₊‖ ≤ n̂, ‖hMv₊‖
    parts = [
        LEFT_OUT * r,  # ⟨e, r⟩
        LEFT_OUT * r,  # ⟨r₊, e'⟩
        m.alpha * m.k_hat * (1 + m.k_hat / 4) * n**2,  # (α/h)⟨(M₊⁺ − M⁺)r, v₊⟩ against −α‖P₊^⊥v₊‖²
        m.alpha / H * LEFT_OUT * speed / m.injectivity,  # (α/h)⟨M₊⁺e', v₊⟩
        m.delta * (r + moved) * 2 * LEFT_OUT,  # δ⟨r + hMv₊, e − e'⟩
        m.delta * LEFT_OUT * moved,  # δ⟨e, hM₊v₊⟩
    ]
    assert same((sum(parts) / n**2).subs(GAMMA, H**2), constant("heavy_ball.perturbation").subs(GAMMA, H**2))


def test_nesterov() -> None:
    z, r = m.alpha + m.beta, m.R_hat
    # (1−α)(‖q₊‖² − ‖q̃‖²): q₊ − q̃ = e, against both lengths
    per_n2 = (1 - m.alpha) * 2 * LEFT_OUT * r / n**2
    # γ(1−z)(‖M₊ᵀq₊‖² − ‖Mᵀq̃‖²): e against both lengths, and ‖(M₊ − M)ᵀq‖ ≤ ℓhnR̂ against both
    per_n2 += (1 - z) * m.x_M**2 * 2 * LEFT_OUT * r / n**2
    assert same(per_n2, constant("nesterov.A"))
    per_nr = GAMMA * (1 - z) * s.norm_AJ_ball * 2 * ELL * H * n * r * r  # n ≤ √(W/d_n), R ≤ √(W/d_R)
    found = constant("nesterov.kappa_2") * sp.sqrt(m.d_n * m.d_R) * n * r
    assert same(per_nr.subs(s.norm_AJ_ball, m.x_M / H).subs(GAMMA, H**2), found.subs(GAMMA, H**2))
    # (2β+α)h⟨M₊ᵀq₊ − Mᵀq̃, u⟩: e once, and M₊ − M once; (α/h)⟨M₊⁺q₊ − M⁺q̃, u⟩ by the lemma on pseudo-inverses
    half = LEFT_OUT.subs(n, m.n_hat) / m.n_hat * n
    per_nu = (2 * m.beta + m.alpha) * (m.x_M * half + H * ELL * H * n * r) * u
    per_nu += m.alpha * (sp.sqrt(2) * m.k_hat + sp.Rational(3, 2) * ELL * H * m.n_hat / m.injectivity) * n * u
    assert same((per_nu / (n * u)).subs(GAMMA, H**2), constant("nesterov.B").subs(GAMMA, H**2))


def test_adam() -> None:
    """P ↦ P^{1/2}(I + Δ)P^{1/2} with ‖Δ‖ ≤ e^c − 1: every term of βW moves by that, the Newton step by e^c times it."""
    c = adam.metric_change
    change = sp.exp(c) - 1
    r, v = 1 / sp.sqrt(m.d_R), 1 / sp.sqrt(m.d_n)  # of W = 1
    total = change * (v * v + (1 + m.delta) * m.x_M * r * v + m.delta * m.x_M**2 * r * r)
    total += m.alpha * sp.exp(c) * change * r * v / m.x_s
    values = {x: sp.Rational(i + 3, 2 * i + 5) for i, x in enumerate(sorted(total.free_symbols, key=str))}
    difference = (total - constant("adam.chi")).subs(values)
    assert constant("adam.chi").free_symbols == total.free_symbols and abs(sp.N(difference, 40)) < sp.Float("1e-35")


def test_a_pseudo_inverse_turns_by_as_much_as_the_metric() -> None:
    """M(PMᵀ(MPMᵀ)⁻¹) = I for every P: to first order the change is (I − M⁺M)ΔM⁺, and c/σ_min is attained."""
    M = np.array([[0.2, 0.0]])
    for angle, attained in ((0.0, 0.0), (np.pi / 4, 1.0)):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        c = 1e-6
        P = turn @ np.diag(np.exp([c, -c])) @ turn.T
        moved = P @ M.T / (M @ P @ M.T)
        assert np.isclose(np.linalg.norm(moved - M.T / (M @ M.T)) * 0.2 / c, attained, atol=1e-5)


def test_ranges_of_the_metric_at_once_and_after_a_horizon() -> None:
    """Bias corrections and moments of torch's Adam, for a v that no gradient feeds and for one that many do."""
    b1, b2, eps, t, N, v = 0.8, 0.9, 0.03, 7, 5, 0.4
    given = {
        m.beta: b1, m.beta_2: b2, m.epsilon: eps, m.completed: t, m.horizon: N, adam.largest_second_moment: v,
        adam.excitation: 11.0, m.contraction: 0.5,
    }  # fmt: skip

    def P(moment: float, step: int, corrected: bool = True) -> float:
        first = 1 - b1**step if corrected else 1.0
        return float(1 / first / (np.sqrt(moment / (1 - b2**step)) + eps))

    def value(expr: sp.Expr) -> float:
        return float(expr.subs(given).evalf())

    end = P(v * b2**N, t + 1 + N, corrected=False)
    assert np.isclose(value(adam.least_rise), np.log(end / P(v, t + 1, corrected=False)), rtol=1e-12)
    fed = v * (1 + (1 - b2) * 11.0 / (1 - 0.5))  # all squared gradients, none forgotten, against √ of v
    assert np.isclose(value(adam.least_fall), np.log(fed / v) / 2 - np.log(1 - b1 ** (t + 1)), rtol=1e-12)
    once = np.log(b2 + (1 - b2) * 11.0) / 2  # v₊/v where the gradient is largest
    first = b1 ** (t + 1) / (1 - b1 ** (t + 1))
    assert np.isclose(value(adam.least_change), once + first, rtol=1e-12)
    given[adam.excitation] = 0.0
    idle = (-np.log(b2) + np.log((1 - b2 ** (t + 2)) / (1 - b2 ** (t + 1)))) / 2
    assert np.isclose(value(adam.least_change), idle + first, rtol=1e-12)
