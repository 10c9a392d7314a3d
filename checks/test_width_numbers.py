"""Width conditions at one width, step by step against NumPy: drifts of the residual form, the sum for few neurons."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import sympy as sp

from dipproofs.theory.width import integrals
from dipproofs.theory.width import symbols as w
from dipproofs.theory.width.sparse import sparse_integral

VALUES = {
    w.norm_A: 1.7, w.sigma_A: 0.6, w.B_1: 0.9, w.B_2: 0.7, w.b_lo: 0.31, w.s_init: 0.52, w.column: 2.3, w.k: 9000.0,
    w.q: 0.8, w.residual: 1.3, w.omega: 0.83, w.proxy: 1.1, w.rank: 6.0, w.delta: 0.1, w.oscillation: 0.95,
}  # fmt: skip
NORM, SIGMA, B1, B2, B_LO, S, C, K, Q, R, OMEGA, PROXY, RANK, DELTA, OSC = VALUES.values()
ROOT = np.sqrt(K)


def evaluated(steps: Iterable[tuple[sp.Symbol, sp.Expr]], integral: sp.Expr) -> tuple[dict[str, float], float]:
    """The assignments in their order, by name, and the integral at the end."""
    env = {symbol: sp.Float(value) for symbol, value in VALUES.items()}
    for symbol, expr in steps:
        env[symbol] = sp.Float(sp.sympify(expr).xreplace(env).evalf())
    return {symbol.name: float(value) for symbol, value in env.items()}, float(integral.xreplace(env).evalf())


def correction(share: float, ell: tuple[float, float], free: float, scale: float) -> tuple[float, float]:
    """x = ½γM_ρR_0(scale·ℓ(ρ) − free) as x_0 + x_1ρ, with γM_ρ = q/M_ρ ≤ q/share."""
    half = Q * R / (2 * share)
    return half * (scale * ell[0] - free), half * scale * ell[1]


def test_residual_form_of_the_outer_block() -> None:
    """F = σ_A(b − B₁t/√k): what ℓ_A exceeds the slope of F by counts, and a lower bound of M_ρ is ‖A‖b."""
    x_0, x_1 = correction(NORM * B_LO, ((B2 * C + B1) / ROOT, B2 / ROOT), SIGMA * B1 / ROOT, NORM)
    rho = np.linspace(0, 2 * B_LO * ROOT, 400_001)
    gain = SIGMA * (B_LO * rho - B1 * rho**2 / (2 * ROOT)) - (x_0 + x_1 * rho) * rho
    found, integral = evaluated(*integrals.RESIDUAL_BLOCK)
    assert found["x_0"] == pytest.approx(x_0, rel=1e-12) and found["x_1"] == pytest.approx(x_1, rel=1e-12)
    assert 0 < x_0 < SIGMA * B_LO and integral == pytest.approx(gain.max(), rel=1e-9)


@pytest.mark.parametrize("train", ["both", "inner"])
@pytest.mark.parametrize("profile", ["row-space", "observation"])
def test_residual_form_of_the_whole_jacobian(train: str, profile: str) -> None:
    """Row space: F falls by σ_Aℓ(t)t, and ‖A‖ℓ − σ_Aℓ_0 is paid for; observation: by ‖A‖ℓ(ρ)t, and nothing is."""
    both = train == "both"
    ell = (B2 * C + B1 * both) / ROOT, B2 / ROOT * both
    x_0, x_1 = correction(NORM * S, ell, SIGMA * ell[0], NORM)
    rho = np.linspace(0, 2 * S * ROOT, 400_001)
    if profile == "row-space":
        gain = SIGMA * (S * rho - ell[0] * rho**2 / 2 - ell[1] * rho**3 / 3) - (x_0 + x_1 * rho) * rho
    else:
        x_0 = x_1 = 0.0
        gain = SIGMA * S * rho - NORM * (ell[0] + ell[1] * rho) * rho**2 / 2
    found, integral = evaluated(*integrals.RESIDUAL_WHOLE[train, profile])
    assert found["x_0"] == pytest.approx(x_0, rel=1e-12) and found["x_1"] == pytest.approx(x_1, rel=1e-12)
    assert integral == pytest.approx(gain.max(), rel=1e-9) and integral > 0


@pytest.mark.parametrize("gaussian", [True, False])
def test_sum_over_sets_of_neurons(gaussian: bool) -> None:
    """ω∫σ_A(s − osc√(max‖PV_S‖²/k))dt from below: the value at the right end of every piece, up to √ε = ¾."""
    share, nodes = 0.25, 32
    reach = 0.75 * 0.8 ** np.arange(nodes)[::-1]  # √ε; t = √(εk)·osc/B₂ needs sets of εk + 1 neurons
    count = reach**2 * K + 1
    level = np.log(nodes / (share * DELTA)) + count * np.log(np.e * K / count)
    if gaussian:
        size = (np.sqrt(RANK) + np.sqrt(count) + np.sqrt(2 * level)) ** 2
    else:
        both = []
        for dimension, degrees in ((RANK, count), (count, RANK)):
            x = level + dimension * np.log(17)
            both.append((8 / 7) ** 2 * PROXY * (degrees + 2 * np.sqrt(degrees * x) + 2 * x))
        size = np.minimum(*both)
        assert (both[0] < both[1]).any() and (both[0] > both[1]).any()
    left = np.maximum(S - OSC * np.sqrt(size / K), 0)
    wanted = OMEGA * SIGMA * float(left @ np.diff(reach * ROOT * OSC / B2, prepend=0))
    _, integral = evaluated(*sparse_integral(sp.Rational(share), gaussian))
    assert integral == pytest.approx(wanted, rel=1e-9) and 0 < (left > 0).sum() < nodes
