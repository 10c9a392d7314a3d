"""The rounding error of a gradient step (docs/theory-methods.md §4.1): written out again, and attacked step by step."""

from __future__ import annotations

import math

import flint
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from checks.effort import TIMES
from checks.registry import proves
from checks.rounding_runs import BITS, floor_run, steps
from dipproofs.enclosures import compile_arb
from dipproofs.networks.activation import jax_activation
from dipproofs.theory import ACTIVATIONS, formula
from dipproofs.theory import symbols as s
from dipproofs.theory.activations import x
from dipproofs.theory.architectures import two_layer_rounding as theory
from dipproofs.theory.methods import inexact_gradient as inexact


@proves("methods.rounding.*")
def test_constants_are_those_of_the_derivation() -> None:
    """The stages of a step in floats, written out in their order: γ_p = pu/(1−pu) for p rounded operations."""
    rng = np.random.default_rng(0)
    symbols = sorted(set().union(*(e.free_symbols for _, e in theory.CONSTANTS)), key=str)
    made = {symbol for symbol, _ in theory.CONSTANTS}
    for _ in range(2):
        env = {symbol: float(rng.uniform(0.5, 3)) for symbol in symbols if symbol not in made}
        env |= {s.lipschitz_AJ: 0.1, s.sigma_AJ: 4.0, s.rho: 0.3, theory.lost: 1e-40, theory.unit: 1e-3}
        found = dict(env)
        for symbol, expr in theory.CONSTANTS:
            found[symbol] = float(sp.lambdify(list(found), expr, "math")(*found.values()))
        want = _by_hand({str(symbol): value for symbol, value in env.items()})
        for symbol, value in want.items():
            assert math.isclose(found[symbol], value, rel_tol=1e-10), symbol
    assert formula("methods.rounding.start_residual").expr == s.psi_0 + s.norm_AJ_ball * theory.start_away
    assert formula("methods.rounding.start_injectivity").expr == s.sigma_AJ - s.lipschitz_AJ * theory.start_away


def _by_hand(known: dict[str, float]) -> dict[sp.Symbol, float]:
    def of(symbol: sp.Symbol) -> float:
        return known[str(symbol)]

    u, eps, D, rho = of(theory.unit), of(theory.elementary), of(theory.travelled), of(s.rho)
    m, n, d, k = of(theory.rows), of(theory.columns), of(theory.inputs), of(s.width)
    A, absA, U, B1, B2 = of(s.norm_A), of(theory.norm_abs_A), of(s.norm_u), of(s.B_1), of(s.B_2)
    VF, WF, gamma, M = of(theory.frobenius_V), of(theory.frobenius_W), of(s.gamma), of(s.norm_AJ_ball)

    def g(p: float) -> float:
        return p * u / (1 - p * u)

    Phi, root = of(s.norm_phi) + B1 * U * rho, math.sqrt(k)
    both = (1 + A) * (1 + absA) * (1 + VF + rho) * (1 + Phi) * (1 + U) * (1 + B1) * (1 + B2) * (1 + of(s.psi_0))
    both *= (1 + 1 / of(theory.loss_factor)) * (1 + 1 / gamma)
    tiny = 64 * of(theory.lost) * (m + n + k + d + 8) ** 2 * both**2
    # forward: a = Wu, φ(a), Vφ/√k + o, A g
    P = U * (WF + 2 * D + 3 * rho)
    da = g(d + 4) * P + tiny
    dphi, ddphi = B1 * da + eps * (root + P + da), B2 * da + eps * (1 + P + da)
    H = (VF + rho) * (Phi + dphi) / root + math.sqrt(n) * of(theory.offset)
    X = (1 + g(k + 8)) * H + tiny
    dv = (of(s.norm_V) + A * rho) * dphi / root + A * g(k + 8) * H + g(n + 4) * absA * X + (1 + A) * tiny
    # backward, for a residual of norm 1: z = Aᵀr, then zφᵀ/√k and φ'∘(Vᵀz)uᵀ/√k
    z, dz = A, g(m + 8) * absA
    outer = (1 + g(8)) * (z + dz) * (Phi + dphi) - z * Phi
    inner = ((1 + g(n + 16)) * (z + dz) * (B1 + ddphi) - z * B1) * (VF + rho) * U
    back = math.hypot(outer, inner) / root
    absolute = (1 + u) * (M + back) * (1 + g(8)) * dv + u * (VF + rho + WF + D + 2 * rho) / gamma + tiny
    least = of(s.sigma_AJ) - of(s.lipschitz_AJ) * rho
    relative = (1 + u) * ((M + back) * g(8) + back) / least + u
    return {
        theory.preactivation: P, theory.size_phi: Phi, theory.tiny: tiny, theory.delta_a: da, theory.delta_phi: dphi,
        theory.delta_dphi: ddphi, theory.size_V: VF + rho, theory.size_h: H, theory.size_x: X, theory.delta_v: dv,
        theory.backward: back, theory.start_away: 4 * u * (WF + D), inexact.error_absolute: absolute,
        inexact.error_relative: relative,
    }  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_is_assumed_of_activations_is_true_here(name: str) -> None:
    rng = np.random.default_rng(1)
    a = np.concatenate([rng.normal(size=300) * 3, rng.uniform(-700, 700, 100), 10.0 ** rng.uniform(-300, 0, 100)])
    with flint.ctx.workprec(BITS):
        for computed, expr in zip(jax_activation(name)(jnp.asarray(a)), _expressions(name), strict=True):
            function = compile_arb((x,), expr)
            for value, at in zip(np.asarray(computed), a, strict=True):
                assert abs(function(flint.arb(at)) - float(value)) <= theory.ASSUMED * (1 + abs(at))


def _expressions(name: str) -> tuple[sp.Expr, sp.Expr]:
    return ACTIVATIONS[name].phi, ACTIVATIONS[name].dphi


# --- attack: the real program against 200 bits; benchmarks/methods.py rounding has more


def test_steps_of_the_program_err_less_than_the_bound() -> None:
    rng, ratios, known = np.random.default_rng(5), [], 0
    for _ in range(12 * TIMES):
        for error, bound in steps(rng, 2):
            assert error <= bound
            known += math.isfinite(bound)
            ratios.append(error / bound)
    assert known > 14 * TIMES and max(ratios) > 1e-4  # neither infinite nor absurdly large


def test_a_program_in_single_precision_breaks_it() -> None:
    rng, broken = np.random.default_rng(6), 0
    for _ in range(4):
        for error, bound in steps(rng, 2, single=True):
            broken += error > bound
    assert broken > 3


def test_runs_reach_the_floor_and_stay() -> None:
    rng = np.random.default_rng(2)
    found = [run for run in (floor_run(rng, 60) for _ in range(10 * TIMES)) if run is not None]
    assert len(found) >= 2 * TIMES and not any(run["bad"] for run in found)
