"""Inexact gradients (docs/theory-methods.md §4) and the spectral forecast (§7): derived, and attacked along runs."""

from __future__ import annotations

import math

import numpy as np
import sympy as sp

from checks.effort import TIMES
from checks.everywhere import same
from checks.maps import draw_map
from checks.registry import proves
from dipproofs.certify.methods import inexact_gradient as producer
from dipproofs.certify.methods.setting import ConstantBall
from dipproofs.certify.methods.spectral import forecast, frozen_curve, smoothing
from dipproofs.enclosures import Bound, IntervalMatrix
from dipproofs.theory import formula
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import inexact_gradient as inexact
from dipproofs.theory.methods import spectral
from dipproofs.theory.methods import symbols as m


def constant(name: str) -> sp.Expr:
    return formula(f"methods.{name}").expr


@proves("methods.inexact.*")
def test_inexact_constants() -> None:
    """R₊ ≤ R − FΔ + Mb̂Δ + ½ℓΔ'², Δ' = (1+b̂)Δ ≥ the step: the residual form with F̂ = (F − Mb̂)/(1+b̂)."""
    b, F, M, ell, D, t, R0 = sp.symbols("b F M ell Delta t R_0", positive=True)
    step = (1 + b) * D
    fall = F * D - M * b * D - ell * step**2 / 2
    F_hat = (F - M * b) / (1 + b)
    assert sp.simplify(fall - (F_hat * step - ell * step**2 / 2)) == 0
    given = {inexact.error_total: b, s.norm_AJ_ball: M, s.lipschitz_AJ: ell, s.psi_0: R0, s.sigma_AJ: F}
    slope = constant("inexact.slope").subs(given)
    assert sp.simplify(slope + sp.diff(F_hat.subs(F, F - ell * t), t)) == 0
    # what exceeds the slope, ½(ℓ − ℓ̂)Δ'², spread over Δ' ≤ (1+b̂)γMR_0
    longest = (1 + b) * s.gamma * M * R0
    assert sp.simplify(constant("inexact.x").subs(given) - sp.Max(0, ell - slope) * longest / 2) == 0
    assert same(constant("inexact.first").subs(given), F_hat - inexact.x)
    S, A, B = constant("inexact.S"), inexact.first, inexact.slope
    assert sp.simplify(A * S - B * S**2 / 2 - s.psi_0) == 0  # the root of ∫₀^S(F̂ − x) = R_0
    H = constant("inexact.needs_H")
    assert same(H.lhs, sp.integrate(A - B * s.t, (s.t, 0, s.rho))) and H.rhs == s.psi_0
    assert constant("inexact.needs_injective") == sp.Gt(A - B * s.rho, 0)
    assert constant("inexact.needs_step") == sp.Le(s.gamma * s.norm_AJ_ball**2, 1)
    assert same(constant("inexact.error_total"), inexact.error_relative + inexact.slack)
    ends = [constant(f"inexact.{name}") for name in ("F_end", "F_hat_end", "F_rho")]
    line = s.sigma_AJ - s.lipschitz_AJ * s.t
    assert same(ends[0], line.subs(s.t, m.path)) and same(ends[2], line.subs(s.t, s.rho))
    assert same(ends[1], A - B * m.path)
    # Δ' ≥ (1+b̂)γF_∞R; above the floor a ≤ b'FR ≤ b'‖∇f‖
    rate = 1 - s.gamma * (1 + inexact.error_total) * inexact.F_end * inexact.F_hat_end
    assert same(constant("inexact.contraction"), rate)
    assert same(constant("inexact.floor") * inexact.slack * inexact.F_rho, inexact.error_absolute)
    assert constant("inexact.needs_floor") == sp.Lt(inexact.floor, s.psi_0)
    # below the floor, R = 0 or R = R_fl are the worst: γMa + ½ℓγ²a² ≤ R_fl at R = 0
    worst = (
        s.gamma * s.norm_AJ_ball * inexact.error_absolute + s.lipschitz_AJ * s.gamma**2 * inexact.error_absolute**2 / 2
    )
    at_zero = worst / constant("inexact.floor")
    assert same(constant("inexact.needs_below").lhs, at_zero) and constant("inexact.needs_below").rhs == 1
    longest_below = s.gamma * ((1 + inexact.error_relative) * s.norm_AJ_ball * inexact.floor + inexact.error_absolute)
    assert same(constant("inexact.steps_below") * longest_below, s.rho - m.path)


def test_runs_with_inexact_gradients_reach_the_floor_and_stay() -> None:
    rng, done = np.random.default_rng(4), 0
    for _ in range(40 * TIMES):
        mapping = draw_map(rng, spread=1.2)
        sigma, norm = mapping.ends
        R0, gamma = rng.uniform(0.02, 0.3) * sigma**2, rng.uniform(0.3, 0.9) / (norm + sigma) ** 2
        a, b = R0 * sigma * 10 ** rng.uniform(-4, -2), rng.choice([0, 0.02]) * sigma / norm
        ball = ConstantBall(sigma, norm, 1.0)
        bounds = (Bound.exact(float(x)) for x in (R0, sigma, gamma, a, b))
        R_, sigma_, gamma_, a_, b_ = bounds
        found = producer.prove(producer.ConstantError(R_, sigma_, gamma_, ball, a_, b_))
        if found is None:
            continue
        done += 1
        r0, theta, below, path = R0 * mapping.start(rng), np.zeros(mapping.width), None, 0.0
        S = found.decision.bound(m.path).upper
        for i in range(found.iterations + min(found.kept, 200)):
            rr, M = mapping.residual(r0, theta), mapping.jacobian(theta)
            R = float(np.linalg.norm(rr))
            if found.residual.upper >= R and below is None:
                below = i
            assert below is not None or (i < found.iterations and path <= S * (1 + 1e-9))
            assert below is None or i > below + found.kept or found.residual.upper * (1 + 1e-9) >= R
            g = M.T @ rr
            size = float(np.linalg.norm(g))
            bad = np.linalg.svd(M)[2][0] if rng.random() < 0.5 else rng.normal(size=theta.size)
            bad *= np.sign((M @ bad) @ rr) * -1 / np.linalg.norm(bad) if (M @ bad) @ rr != 0 else 1
            step = -gamma * (g + bad * (a + b * size))
            path, theta = path + float(np.linalg.norm(step)), theta + step
    assert done > 10 * TIMES


# --- spectral forecast -----------------------------------------------------------------------------------------------


@proves("methods.spectral.smoothing")
def test_smoothing_is_the_largest_over_the_spectrum() -> None:
    w, j = sp.Symbol("w", positive=True), sp.Symbol("j", positive=True)
    g = sp.log(constant("spectral.smoothing").subs({spectral.w: w, spectral.j: j, s.gamma: 1}))
    slope = sp.simplify(sp.diff(sp.log(w) / 2 + j * sp.log(1 - w), w))
    assert sp.simplify(slope.subs(w, 1 / (2 * j + 1))) == 0 and sp.expand_log(g, force=True).has(w)
    second = sp.diff(sp.log(w) / 2 + j * sp.log(1 - w), w, 2)  # concave: one maximum
    assert sp.simplify(second - (-1 / (2 * w**2) - j / (1 - w) ** 2)) == 0
    for low, high, gamma in ((0.01, 0.9, 0.3), (1e-4, 0.2, 2.0)):
        grid = np.linspace(low, high, 4001)
        for k, phi in enumerate(smoothing(60, gamma, low, high)):
            truth = float((np.sqrt(gamma * grid) * (1 - grid) ** k).max())
            assert truth <= phi * (1 + 1e-12) and phi <= truth * (1 + 1e-4)


@proves("methods.spectral.contraction", "methods.spectral.path", "methods.spectral.tail", "methods.spectral.perturbed")
def test_recursion_is_the_one_of_the_proof() -> None:
    """One step of the vectorised recursion against the formulas, and Abel's summation of the weights."""
    rng = np.random.default_rng(1)
    frozen = np.sort(rng.uniform(0.1, 1, 12))[::-1].copy()
    known = {
        "residual": 1.0, "gamma": 0.2, "lipschitz": 0.1, "norm_ball": 1.5, "sigma": 0.6, "norm": 1.4, "path": 1.4,
        "net": 0.7, "contraction": 0.95,
    }  # fmt: skip
    b = forecast(frozen, **known).proved
    T, H, rho0 = [0.0], [known["path"] ** 2 / 2], 1 - 0.2 * 0.36
    phi = smoothing(12, 0.2, 0.2 * 0.36, 0.2 * 1.96)
    values = {s.gamma: 0.2, s.lipschitz_AJ: 0.1, s.norm_AJ_ball: 1.5, s.S: 1.4, s.F_inf: 0.7, s.curvature_drift: 0}
    for tau in range(1, 12):
        smooth = sum(rho0 ** (tau - 1 - i) * (H[i] - H[i + 1]) for i in range(tau - 1))
        moved = sum(phi[tau - 1 - i] * T[i] * b[i] for i in range(tau))
        given = {spectral.frozen: frozen[tau], spectral.smooth: smooth, spectral.tail: H[-1], spectral.drift: moved}
        bound = min(0.95 * b[tau - 1], float(constant("spectral.perturbed").subs({**values, **given})))
        assert math.isclose(b[tau], bound, rel_tol=1e-7) and b[tau] >= bound
        T.append(float(constant("spectral.path").subs({**values, spectral.path: T[-1], spectral.before: b[tau - 1]})))
        ends = {spectral.path: T[-1], spectral.bound: b[tau], spectral.earlier_tail: H[-1]}
        H.append(float(constant("spectral.tail").subs({**values, **ends})))
    assert constant("spectral.contraction") == 1 - s.gamma * s.F_inf * (s.F_inf - s.curvature_drift)
    # Σ c_i(A_i − A_{i+1}) with increasing weights: Abel. A_i = ½(t_τ² − t_i²) ≤ H_i, weights ρ₀^{τ−1−i}
    A = [sp.Symbol(f"A{i}") for i in range(6)] + [sp.Integer(0)]
    c = [sp.Symbol("q") ** (5 - i) for i in range(6)]
    direct = sum(c[i] * (A[i] - A[i + 1]) for i in range(6))
    tails = c[0] * A[0] + sum((c[i] - c[i - 1]) * A[i] for i in range(1, 6))
    assert sp.expand(direct - tails) == 0


def test_forecast_bounds_runs_and_notices_a_wrong_constant() -> None:
    rng, slack, caught = np.random.default_rng(9), np.inf, 0
    for _ in range(60 * TIMES):
        mapping = draw_map(rng, spread=2.5, kinds=("quadratic",))
        sigma, norm = mapping.ends
        k = rng.choice([0.49, 0.4, 0.2, 0.1, 0.03])
        r0 = mapping.start(rng) * np.exp(rng.normal(size=mapping.size) * 2 * rng.integers(0, 2))
        r0 *= k * sigma**2 / np.linalg.norm(r0)
        R0 = float(np.linalg.norm(r0))
        S = sigma - math.sqrt(sigma**2 - 2 * R0) + 1e-12
        F, ball = sigma - S, norm + S
        gamma, count = rng.uniform(0.3, 1) / ball**2, 150
        exact = IntervalMatrix.from_exact
        gram = exact(mapping.M0) @ exact(mapping.M0).T
        upper, _ = frozen_curve(gram, exact(r0), Bound.exact(float(gamma)), count)
        known = {
            "residual": R0 * (1 + 1e-12), "gamma": gamma, "norm_ball": ball, "sigma": sigma, "norm": norm, "path": S,
            "net": F, "contraction": 1 - gamma * F * F,
        }  # fmt: skip
        proved = forecast(upper, lipschitz=1.0, **known).proved
        wrong = forecast(upper, lipschitz=0.05, **known).proved
        theta, R = np.zeros(mapping.width), np.empty(count)
        for i in range(count):
            rr = mapping.residual(r0, theta)
            R[i] = np.linalg.norm(rr)
            theta = theta - gamma * mapping.jacobian(theta).T @ rr
        seen = R > 1e-9 * R0
        slack = min(slack, float((proved[seen] / R[seen]).min()))
        caught += bool((R[seen] > wrong[seen] * (1 + 1e-9)).any())
    assert slack >= 1 - 1e-9 and caught >= 1
