"""Inexact gradients (docs/theory-methods.md §4) and the spectral forecast (§7): derived, and attacked along runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import sympy as sp

from checks.effort import TIMES
from checks.everywhere import same
from checks.known_balls import ConstantBall, ConstantError
from checks.maps import draw_map
from checks.registry import proves
from dipproofs.certify.methods import inexact_gradient as producer
from dipproofs.certify.methods.spectral import (
    Frozen,
    Recursion,
    delay,
    forecast,
    frozen_curves,
    smoothed_twice,
    smoothing,
)
from dipproofs.enclosures import Bound, IntervalMatrix
from dipproofs.theory import formula
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import inexact_gradient as inexact
from dipproofs.theory.methods import spectral
from dipproofs.theory.methods import symbols as m
from dipproofs.theory.numeric import float_function


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
        found = producer.prove(ConstantError(R_, sigma_, gamma_, ball, a_, b_))
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


@proves("methods.spectral.smoothed_twice")
def test_smoothing_twice_is_the_largest_over_the_spectrum() -> None:
    w, j = sp.Symbol("w", positive=True), sp.Symbol("j", positive=True)
    assert constant("spectral.smoothed_twice").subs(spectral.w, w).subs(spectral.j, j) == w * (1 - w) ** j
    slope = sp.diff(sp.log(w) + j * sp.log(1 - w), w)
    assert sp.simplify(slope.subs(w, 1 / (j + 1))) == 0 and sp.simplify(sp.diff(slope, w) + 1 / w**2) != 0
    for low, high in ((0.01, 0.9), (1e-4, 0.2), (0.3, 1.0)):
        grid = np.linspace(low, high, 4001)
        for k, chi in enumerate(smoothed_twice(60, low, high)):
            truth = float((grid * (1 - grid) ** k).max())
            assert truth <= chi * (1 + 1e-12) and chi <= truth * (1 + 1e-4)


@proves("methods.spectral.delay")
def test_delay_bounds_what_has_not_come_back() -> None:
    """1 − (1−w)^j ≤ min(1, jw) ≤ √(jw), so that over σ = √(w/γ) it is at most min(1/s, √(γj))."""
    for sigma, gamma in ((0.3, 0.5), (0.01, 1.0), (0.9, 0.9)):
        grid = np.linspace(sigma, 1 / math.sqrt(gamma), 2001)
        for k, kappa in enumerate(delay(80, gamma, sigma)):
            truth = float(((1 - np.maximum(1 - gamma * grid**2, 0.0) ** k) / grid).max())
            bound = constant("spectral.delay").subs({s.gamma: gamma, s.sigma_AJ: sigma, spectral.j: k})
            assert truth <= kappa * (1 + 1e-12) + 1e-15 and math.isclose(kappa, bound, rel_tol=1e-12, abs_tol=1e-15)
            assert k < 20 or kappa <= 1.7 * truth


@proves("methods.spectral.local", "methods.spectral.injectivity", "methods.spectral.contraction")
def test_local_contraction() -> None:
    """R₊ ≤ R − σΔ + ½ℓΔ² falls with Δ from γσR on up to σ/ℓ, and the bound grows with R."""
    R, D, sigma, ell, gamma = sp.symbols("R Delta sigma ell gamma", positive=True)
    after = R - sigma * D + ell * D**2 / 2
    assert sp.solve(sp.diff(after, D), D) == [sigma / ell] and sp.diff(after, D, 2) == ell
    given = {spectral.injectivity: sigma, spectral.before: R, s.gamma: gamma, s.lipschitz_AJ: ell}
    stated = constant("spectral.local").subs(given) * R
    assert sp.expand(after.subs(D, gamma * sigma * R) - stated) == 0
    assert sp.expand(sp.diff(stated, R) - (1 - gamma * sigma**2 + gamma**2 * sigma**2 * ell * R)) == 0  # γσ² ≤ 1
    assert constant("spectral.injectivity") == s.sigma_AJ - s.lipschitz_AJ * spectral.away  # Weyl
    assert constant("spectral.contraction") == 1 - s.gamma * s.F_inf * (s.F_inf - s.curvature_correction)


@proves("methods.spectral.turn", "methods.spectral.push", "methods.spectral.perturbed", "methods.spectral.step")
@proves("methods.spectral.distance")
def test_the_sums_are_exact_where_nothing_is_bounded() -> None:
    """r_τ, γMᵀr_τ and θ_τ − θ_0 of a run equal the frozen ones and the sums of the proof, with their vectors."""
    t, a, b = sp.Symbol("t"), sp.Symbol("a"), sp.Symbol("b")  # ‖θ_i + t(θ_{i+1} − θ_i) − θ_0‖ ≤ (1−t)a + tb
    mean = sp.integrate((1 - t) * a + t * b, (t, 0, 1))
    assert sp.expand(constant("spectral.turn").subs({spectral.away: a, spectral.distance: b}) -
                     s.lipschitz_AJ * mean * spectral.length) == 0  # fmt: skip
    assert constant("spectral.push") == s.lipschitz_AJ * spectral.away * spectral.before
    rng = np.random.default_rng(4)
    mapping = draw_map(rng, spread=2.5, kinds=("quadratic",))
    r0 = mapping.start(rng) * 0.3 * mapping.ends[0] ** 2
    gamma, M, m = 0.5 / mapping.ends[1] ** 2, mapping.M0, mapping.size
    K, theta = M @ M.T, np.zeros(mapping.width)
    power, eye = np.linalg.matrix_power, np.eye(m)
    p, e = [], []  # γ(M̄_i − M)M_iᵀr_i and (M_i − M)ᵀr_i
    for tau in range(9):
        r, J = mapping.residual(r0, theta), mapping.jacobian(theta)
        back = [power(eye - gamma * K, tau - 1 - i) for i in range(tau)]
        own = power(eye - gamma * K, tau) @ r0
        assert np.allclose(r, own - sum((B @ (x + gamma * M @ z) for B, x, z in zip(back, p, e)), np.zeros(m)))
        step = gamma * M.T @ own + gamma * (J - M).T @ r - gamma * sum(
            (M.T @ B @ (x + gamma * M @ z) for B, x, z in zip(back, p, e)), np.zeros(theta.size)
        )  # fmt: skip
        assert np.allclose(gamma * J.T @ r, step)
        away = np.linalg.pinv(M) @ (own - r0)
        for B, x, z in zip(back, p, e):
            late = M.T @ np.linalg.solve(K, eye - B)
            away = away + late @ x + gamma * (late @ M @ z - z)
            assert np.linalg.norm(late @ M @ z - z) <= np.linalg.norm(z) * (1 + 1e-12)
        assert np.allclose(theta, away)
        after = theta - gamma * J.T @ r
        middle = mapping.jacobian((theta + after) / 2)  # the mean of M along a segment of a quadratic map
        p.append(gamma * (middle - M) @ J.T @ r)
        e.append((J - M).T @ r)
        theta = after


@proves("methods.spectral.*")
def test_recursion_is_the_one_of_the_proof() -> None:
    """The vectorised recursion against the formulas with their sums written out."""
    rng = np.random.default_rng(1)
    f, g, D = (np.sort(rng.uniform(0.1, 1, 12))[::-1].copy() for _ in range(3))
    known = {
        "residual": 1.0, "gamma": Bound.exact(0.25), "lipschitz": 0.1, "norm_ball": 1.5, "sigma": 0.6, "norm": 1.4,
        "path": 1.4, "net": 0.7, "contraction": 0.95,
    }  # fmt: skip
    found = Recursion(Frozen(f, g / 9, D[::-1].copy(), f), **known)
    phi, chi, kappa = smoothing(12, 0.25, 0.09, 0.49), smoothed_twice(12, 0.09, 0.49), delay(12, 0.25, 0.6)
    values = {
        s.gamma: 0.25, s.lipschitz_AJ: 0.1, s.norm_AJ_ball: 1.5, s.S: 1.4, s.F_inf: 0.7, s.curvature_correction: 0,
        s.sigma_AJ: 0.6,
    }  # fmt: skip

    @cache
    def compiled(name: str) -> tuple[list, Callable[..., float]]:
        expr = constant(f"spectral.{name}")
        symbols = sorted(expr.free_symbols, key=str)
        return symbols, float_function(symbols, expr, "math")

    def value(name: str, given: dict) -> float:
        symbols, function = compiled(name)
        return float(function(*({**values, **given}[symbol] for symbol in symbols)))

    at = spectral
    b, d, P, e = [1.0], [0.0], [], []
    step = [min(value("step", {at.bound: 1.0, at.distance: 0, at.frozen_step: g[0] / 9, at.turned_step: 0,
                               at.pushed_step: 0}), 9.0)]  # fmt: skip
    for tau in range(1, 12):
        i, late = tau - 1, range(tau)
        e.append(value("push", {at.away: d[i], at.before: b[i]}))
        early = sum(kappa[tau - 1 - k] * P[k] for k in range(tau - 1))
        d.append(value("distance", {at.away: d[i], at.length: step[i], at.frozen_distance: D[11 - tau],
                                    at.turned_distance: early, at.pushed: sum(e)}))  # fmt: skip
        P.append(value("turn", {at.away: d[i], at.distance: d[tau], at.length: step[i]}))
        smooth = sum(phi[tau - 1 - k] * e[k] for k in late)
        total = sum((1 - 0.09) ** (tau - 1 - k) * P[k] for k in late)
        sigma = value("injectivity", {at.away: d[i]})
        local = value("local", {at.injectivity: sigma, at.before: b[i]}) if step[i] <= sigma / 0.1 else 1.0
        turned = {at.frozen: f[tau], at.turned: total, at.pushed_residual: smooth}
        b.append(min(0.95 * b[i], local * b[i], value("perturbed", turned)))
        step.append(value("step", {
            at.bound: b[tau], at.distance: d[tau], at.frozen_step: g[tau] / 9,
            at.turned_step: sum(phi[tau - 1 - k] * P[k] for k in late),
            at.pushed_step: sum(chi[tau - 1 - k] * e[k] for k in late),
        }))  # fmt: skip
    for mine, proof in ((found.b, b), (found.d, d), (found.step, step)):
        assert np.allclose(mine, proof, rtol=1e-7) and (mine >= np.array(proof) * (1 - 1e-15)).all()
    assert len({round(x, 9) for x in b}) == 12 and found.afterwards <= 0.95 * (1 + 1e-9)


def test_forecast_bounds_runs_and_notices_a_wrong_constant() -> None:
    """Residual, distance and step of runs of quadratic maps, whose Jacobian changes as fast as ℓ allows."""
    rng, slack, caught, far = np.random.default_rng(9), np.inf, 0, 0.0
    for _ in range(60 * TIMES):
        mapping = draw_map(rng, spread=2.5, kinds=("quadratic",))
        sigma, norm = mapping.ends
        k = rng.choice([0.49, 0.4, 0.2, 0.1, 0.03])
        r0 = mapping.start(rng) * np.exp(rng.normal(size=mapping.size) * 2 * rng.integers(0, 2))
        r0 *= k * sigma**2 / np.linalg.norm(r0)
        R0 = float(np.linalg.norm(r0))
        S = sigma - math.sqrt(sigma**2 - 2 * R0) + 1e-12
        F, ball = sigma - S, norm + S
        gamma, count = float(rng.uniform(0.3, 1) / ball**2), 150
        exact = IntervalMatrix.from_exact
        frozen = frozen_curves(exact(mapping.M0) @ exact(mapping.M0).T, exact(r0), Bound.exact(gamma), count)
        known = {
            "residual": R0 * (1 + 1e-12), "gamma": Bound.exact(gamma), "norm_ball": ball, "sigma": sigma, "norm": norm,
            "path": S, "net": F, "contraction": 1 - gamma * F * F,
        }  # fmt: skip
        proved = Recursion(frozen, lipschitz=1.0, **known)
        wrong = forecast(frozen, lipschitz=0.05, **known).proved
        theta, R, away, step = np.zeros(mapping.width), np.empty(count), np.empty(count), np.empty(count)
        for i in range(count):
            rr, before = mapping.residual(r0, theta), theta
            R[i], away[i] = np.linalg.norm(rr), np.linalg.norm(theta)
            theta = theta - gamma * mapping.jacobian(theta).T @ rr
            step[i] = np.linalg.norm(theta - before)
        seen = R > 1e-9 * R0
        slack = min(slack, float((proved.b[seen] / R[seen]).min()))
        assert (away <= proved.d * (1 + 1e-9) + 1e-15).all() and (step[seen] <= proved.step[seen] * (1 + 1e-9)).all()
        far = max(far, float(away[1:].max() / proved.d[-1]))
        caught += bool((R[seen] > wrong[seen] * (1 + 1e-9)).any())
        q = proved.afterwards  # from the end of the curve on
        bound = proved.b[-1]
        for _ in range(40):
            bound *= q
            assert np.linalg.norm(mapping.residual(r0, theta)) <= bound * (1 + 1e-9) + 1e-9 * R0
            theta = theta - gamma * mapping.jacobian(theta).T @ mapping.residual(r0, theta)
    assert slack >= 1 - 1e-9 and caught >= 1 and far > 0.9
