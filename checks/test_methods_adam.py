"""The statement about Adam's next N iterations (docs/theory-methods.md §3): metric, horizon and constants, derived."""

from __future__ import annotations

import numpy as np
import sympy as sp

from checks.everywhere import same
from checks.registry import proves
from checks.test_methods_heavy_ball import value
from dipproofs.theory import formula
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import ADAM, adam, heavy_ball
from dipproofs.theory.methods import symbols as m


def constant(name: str) -> sp.Expr:
    return formula(f"methods.adam.{name}").expr


@proves("methods.adam.gamma", "methods.adam.s", "methods.adam.M", "methods.adam.ell")
def test_metric_of_the_horizon() -> None:
    """With e^{−lo}P_0 ⪯ P ⪯ e^{hi}P_0: σ_min, ‖·‖ and the Lipschitz constant of M P^{1/2} in the metric P^{-1/2}."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        M, E = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
        P0 = np.exp(rng.normal(size=5))
        low, high = rng.uniform(0, 1, 2)
        P = P0 * np.exp(rng.uniform(-low, high, 5))
        d = rng.normal(size=5)
        ell = np.linalg.norm(E * np.sqrt(P0), 2) / np.linalg.norm(d / np.sqrt(P0))  # ‖ΔM̃‖ over ‖Δθ‖, both in P_0
        bounds = {
            adam.metric_fall: low, adam.metric_rise: high, adam.metric_lipschitz: ell,
            adam.metric_injectivity: np.linalg.svd(M * np.sqrt(P0))[1][-1],
            adam.metric_norm: np.linalg.norm(M * np.sqrt(P0), 2),
        }  # fmt: skip
        found = [value(constant(name), bounds) for name in ("s", "M", "ell")]
        singular = np.linalg.svd(M * np.sqrt(P))[1]
        assert found[0] <= singular[-1] * (1 + 1e-9) and singular[0] <= found[1] * (1 + 1e-9)
        assert np.linalg.norm(E * np.sqrt(P), 2) <= found[2] * np.linalg.norm(d / np.sqrt(P)) * (1 + 1e-9)
    # μ₊ = β₁μ − hMᵀr and θ₊ = θ + hPμ₊ are Adam's: −(lr/h)m₊ = β₁(−(lr/h)m) − (lr/h)(1−β₁)g
    lr, b, mm, g = sp.symbols("lr beta m g", positive=True)
    h = sp.sqrt(constant("gamma").subs({m.learning_rate: lr, m.beta: b}))
    assert sp.simplify(-(lr / h) * (b * mm + (1 - b) * g) - (b * (-(lr / h) * mm) - h * g)) == 0


def scaled(
    P: np.ndarray, M: np.ndarray, r: np.ndarray, mu: np.ndarray, h: float, alpha: float, beta: float, delta: float
) -> float:
    """βW from (r, μ₊) in the metric P."""
    K, moved = M @ P @ M.T, M @ (P @ mu)
    total = (alpha + beta) * r @ r + delta * h * h * (r @ K @ r) + mu @ P @ mu
    return float(total + (1 + delta) * h * (r @ moved) + alpha / h * (np.linalg.solve(K, r) @ moved))


@proves("methods.adam.chi")
def test_change_of_metric_costs_chi() -> None:
    rng = np.random.default_rng(5)
    shares = []
    while len(shares) < 1500:
        size = int(rng.integers(1, 5))
        M = rng.normal(size=(size, size + int(rng.integers(0, 4))))
        singular = np.linalg.svd(M, compute_uv=False)
        h = rng.uniform(0.1, 0.9) / singular[0]
        low, high = h * singular[-1], h * singular[0]
        change, beta = 10 ** rng.uniform(-4, -0.5), rng.uniform(0.1, 0.99)
        alpha = rng.uniform(0.01, 1) * (1 - beta)
        delta = rng.choice([0, 1]) * (1 - alpha - beta) / high**2
        ends = [(alpha + beta + delta * x * x, (1 + delta) * x + alpha / x) for x in (low, high)]
        d_R, d_n = min(Z - c * c / 4 for Z, c in ends), min(1 - c * c / 4 / Z for Z, c in ends)
        if singular[-1] < 1e-2 * singular[0] or min(d_R, d_n) <= 0:
            continue
        rr, mu = rng.normal(size=size) * 10 ** rng.uniform(-1, 1), rng.normal(size=M.shape[1])
        Q, _ = np.linalg.qr(rng.normal(size=(M.shape[1],) * 2))
        P = (Q * np.exp(rng.uniform(-change, change, M.shape[1]))) @ Q.T

        given = {
            adam.metric_change: change, m.d_n: d_n, m.d_R: d_R, m.delta: delta, m.x_M: high, m.x_s: low, m.alpha: alpha
        }  # fmt: skip
        allowed = value(constant("chi"), given)
        state = (M, rr, mu, h, alpha, beta, delta)
        shares.append((scaled(P, *state) / scaled(np.eye(M.shape[1]), *state) - 1) / allowed)
    assert 0.1 < max(shares) <= 1 + 1e-9


@proves("methods.adam.needs_*", "methods.adam.excitation")
def test_ranges_of_the_metric_hold_for_every_sequence_of_gradients() -> None:
    """v is driven by gradients of size ‖M_{:,i}‖R̂ρ₂^{τ/2}, or by none at all; P is computed as torch does."""
    rng = np.random.default_rng(2)
    tight = 0.0
    for _ in range(400):
        N, t0 = int(rng.integers(1, 200)), int(rng.integers(5, 300))
        b1, b2, eps = rng.uniform(0.1, 0.95), rng.uniform(0.9, 0.9999), 10 ** rng.uniform(-8, 0)
        rho2 = rng.uniform(0.3, b2)
        v = 10 ** rng.uniform(-4, 1, 4)  # after the gradient at the certified iterate
        ratio = rng.uniform(0, 3)
        col_R = np.sqrt(ratio * v)  # ‖M_{:,i}‖R̂
        drive = rng.choice([0.0, 1.0], 4)
        P, moment = [], v.copy()
        for tau in range(N + 1):
            if tau:
                moment = b2 * moment + (1 - b2) * (drive * col_R) ** 2 * rho2**tau
            P.append(1 / ((1 - b1 ** (t0 + tau + 1)) * (np.sqrt(moment / (1 - b2 ** (t0 + tau + 1))) + eps)))
        logs = np.log(np.array(P) / P[0])
        given = {
            m.beta: b1, m.beta_2: b2, m.epsilon: eps, m.completed: t0, m.horizon: N, m.contraction: rho2,
            adam.excitation: ratio, adam.largest_second_moment: v.max(),
        }  # fmt: skip
        fall, rise, change = (value(e, given) for e in (adam.least_fall, adam.least_rise, adam.least_change))
        assert logs.min() >= -fall - 1e-9 and logs.max() <= rise + 1e-9
        steps = np.abs(np.diff(logs, axis=0)).max(initial=0.0)
        assert steps <= change + 1e-9
        tight = max(tight, steps / change, logs.max() / max(rise, 1e-12))
    assert tight > 0.9
    assert constant("excitation") == adam.column_ratio * m.R_hat**2
    assert constant("needs_decay") == sp.Le(m.contraction, m.beta_2)
    for id, least, symbol in (
        ("metric-lower", adam.least_fall, adam.metric_fall),
        ("metric-upper", adam.least_rise, adam.metric_rise),
        ("metric-change", adam.least_change, adam.metric_change),
    ):
        assert constant(f"needs_{id}") == sp.Ge(symbol, least)


@proves("methods.adam.contraction", "methods.adam.S", "methods.adam.residual_factor")
def test_conclusions() -> None:
    # W_{τ+1} ≤ (1+χ)(ηβW_τ − ζn²): as heavy ball with ζ(1+χ); a step of length hn in P_τ is at most he^{hi/2}n in P_0
    assert constant("contraction") == (1 + adam.chi) * m.beta * m.eta
    summed = m.W_0 / ((1 + adam.chi) * m.zeta) * m.contraction / (1 - m.contraction)
    assert same(constant("S") ** 2, m.h**2 * sp.exp(adam.metric_rise) * summed)
    # R_N² ≤ βW_N/d_R ≤ R̂²ρ₂^N
    assert same(constant("residual_factor") ** 2, m.R_hat**2 * m.contraction**m.horizon / s.psi_0**2)
    kept = dict(ADAM.constants)
    assert all(kept[symbol] == expr for symbol, expr in heavy_ball.CONSTANTS if symbol not in (m.contraction, m.path))
