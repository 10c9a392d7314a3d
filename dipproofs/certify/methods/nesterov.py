"""Search for the parameters of the theorem about Nesterov's method in floats (docs/theory-methods.md §2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import flint
import numpy as np

from dipproofs.certify.methods.decide import ONE_MINUS_BETA, Decision, matrix_holds
from dipproofs.certify.methods.floats import MARGIN, evaluate_floats
from dipproofs.certify.methods.heavy_ball import NOTHING, Proposal, Recursion, decided, fastest, floats, scaled_radii
from dipproofs.certify.methods.setting import Setting
from dipproofs.enclosures import Verdict
from dipproofs.enclosures.evaluate import call
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import nesterov as theory
from dipproofs.theory.methods import symbols as m

Array = Any
RADII = np.geomspace(0.3, 200.0, 28)
ALPHAS = np.concatenate([[1.0], np.geomspace(1e-3, 0.97, 12)])
NUS = np.array([0.5, 1.0, 2.0])
PLACES = np.concatenate([np.geomspace(0.004, 0.1, 5), np.linspace(0.14, 0.96, 10)])
#: Singular values at which floats look at the matrix inequality; more once radius, α and ν are chosen.
POINTS, FINE = 21, 301
#: η is raised by this much, so that what lies between the points is covered.
EXCESS = 2e-4

_KERNEL = dict(theory.CONSTANTS)[theory.kernel]
#: What is known before η and ζ are; of the kernel's condition the part without ζ.
_BEFORE = (
    *(pair for pair in theory.CONSTANTS if pair[0] not in (theory.kernel, m.contraction, m.path)),
    (theory.kernel, _KERNEL.subs(m.zeta, 0)),
)


def _entries(env: dict[Any, Any], X: Array, eta: Array) -> list[Array]:
    wide = {key: value[:, None] if np.ndim(value) == 1 else value for key, value in env.items()}
    wide |= {m.X: X, m.eta: eta, m.zeta: np.float64(0.0)}
    found = evaluate_floats((), wide, theory.ENTRIES)
    return [np.broadcast_to(found[i], X.shape) for i in range(3)]


def propose(setting: Setting, radii: Array | None = None) -> Proposal:
    """Search for radius, α, ν, η, ζ, and look at the best again on a finer grid of singular values."""
    found = _search(setting, radii, ALPHAS, NUS, POINTS)
    if not found.parameters:
        return found
    alpha, nu = np.array([found.alpha / (1 - setting.momentum)]), np.array([found.parameters[m.nu]])
    exact = found.parameters[m.alpha] == ONE_MINUS_BETA
    finer = _search(setting, np.array([found.parameters[s.rho]]), np.array([1.0]) if exact else alpha, nu, FINE)
    return replace(finer, margin_ratio=found.margin_ratio) if finer.feasible or not found.feasible else finer


def _search(setting: Setting, radii: Array | None, alphas: Array, nus: Array, points: int) -> Proposal:
    """Search for radius, α, ν, η, ζ: among those for which the path stays in the ball, the fastest."""
    usual = scaled_radii(RADII, setting.ball, setting.residual, setting.momentum)
    env = _grid(setting, usual if radii is None or not usual.size else radii, alphas, nus)
    if not np.size(env[s.rho]):
        return NOTHING
    env = evaluate_floats(_BEFORE, env)
    least, share = _least_eta(env, points)
    beta = setting.momentum
    with np.errstate(all="ignore"):
        kappa = env[theory.kappa_2]
        top = (1 - kappa) / beta
        eta = least[:, None] + (top - least)[:, None] * PLACES
        rho2 = beta * eta + kappa[:, None]
        zeta = np.stack([_zeta(env, share, eta[:, i]) for i in range(PLACES.size)], axis=1)
        path = env[m.h] * np.sqrt(env[m.W_0][:, None] * rho2 / (zeta * (1 - rho2)))
        good = ((env[m.d_R] > 0) & (env[m.d_n] > 0) & (env[theory.X_M] < 1) & (env[m.W_0] >= 0))[:, None]
        good = good & (zeta > 0) & (rho2 < 1) & (path > 0)
        path = np.where(good, path, np.inf)
        rate = beta * least + kappa
    return fastest(env, {m.eta: eta, m.zeta: zeta}, path, rate, m.nu)


def _grid(setting: Setting, radii: Array, alphas: Array, nus: Array) -> dict[Any, Any]:
    rho, share, nu = (a.ravel() for a in np.meshgrid(radii, alphas, nus, indexing="ij"))
    env = floats(setting, rho) | {m.alpha: (1 - setting.momentum) * share, m.nu: nu}
    keep = (env[m.injectivity] > 0) & (env[s.gamma] * env[s.norm_AJ_ball] ** 2 < 1)
    return {key: value[keep] if np.ndim(value) else value for key, value in env.items()}


def _points(env: dict[Any, Any], points: int) -> Array:
    low, high = np.log(env[theory.X_s]), np.log(env[theory.X_M])
    return np.exp(low[:, None] + (high - low)[:, None] * np.linspace(0, 1, points))


def _least_eta(env: dict[Any, Any], points: int) -> tuple[Array, Array]:
    """The smallest η with a positive semidefinite matrix at all points and in the kernel; the points."""
    X = _points(env, points)
    with np.errstate(all="ignore"):
        zero, one = (_entries(env, X, np.float64(value)) for value in (0.0, 1.0))
        slope = [b - a for a, b in zip(zero, one)]  # the entries are affine in η
        a = slope[0] * slope[2] - slope[1] ** 2
        b = slope[0] * zero[2] + slope[2] * zero[0] - 2 * slope[1] * zero[1]
        c = zero[0] * zero[2] - zero[1] ** 2
        root = (-b + np.sqrt(np.maximum(b * b - 4 * a * c, 0.0))) / (2 * a)
        root = np.maximum(root, np.maximum(-zero[0] / slope[0], -zero[2] / slope[2]))
        least = np.maximum(np.max(root, axis=1), env[theory.kernel])
    return np.where(np.isfinite(least), least, np.inf) * (1 + EXCESS * (1 - env[m.beta]) * POINTS / points), X


def _zeta(env: dict[Any, Any], X: Array, eta: Array) -> Array:
    """The largest ζ at these η: det P/tr(adj(N)P) on the points, and what the kernel leaves."""
    P = _entries(env, X, eta[:, None])
    n11, n12, n22 = X**2, -X, 1.0
    det = P[0] * P[2] - P[1] ** 2
    most = det / (P[2] * n11 + P[0] * n22 - 2 * P[1] * n12)
    inside = np.where((det > 0) & (P[0] > 0) & (P[2] > 0), most, -np.inf).min(axis=1)
    return np.minimum(inside * (1 - 0.2 / X.shape[1]), eta - env[theory.kernel]) * (1 - MARGIN)


def prove(setting: Setting, proposal: Proposal | None = None) -> Decision | None:
    """Decide the proposal, and once more with a radius near its path; None where there is nothing to decide."""
    found = proposal or propose(setting)
    if not found.parameters:
        return None
    if found.feasible and proposal is None:
        near = propose(setting, found.path * np.array([1.001, 1.01, 1.05, 1.2]))
        decision = decided(theory.NESTEROV, setting, near) if near.feasible and near.rate <= found.rate else None
        if decision is not None and decision.verdict is Verdict.PROVED:
            return decision
    return decided(theory.NESTEROV, setting, found)


# --- the scalar recursion --------------------------------------------------------------------------------------------
_LEVEL = (m.R_hat, m.n_hat, m.k_hat, theory.A, theory.B, theory.kappa_2)
_SCALAR = tuple(pair for pair in theory.CONSTANTS if pair[0] in _LEVEL)


def contraction_at(env: dict[Any, Any], W: flint.arb) -> flint.arb:
    """Enclose a contraction of W that holds while W is at most this: η is proposed in floats and proved with ζ = 0."""
    here = {**env, m.W_0: W, m.zeta: flint.arb(0)}
    for symbol, expr in _SCALAR:
        here[symbol] = call(expr, here)
    here[theory.kernel] = call(_KERNEL, here)
    floats = {key: np.atleast_1d(np.float64(float(ball.mid()))) for key, ball in here.items()}
    guess = float(_least_eta(floats, FINE)[0][0])
    for excess in (0.0, 1e-4, 1e-3, 1e-2, 0.05, 0.2):
        here[m.eta] = flint.arb(guess + excess * (1 - guess) if guess < 1 else guess * (1 + excess))
        if here[m.eta] >= here[theory.kernel] and matrix_holds(theory.matrix, here):
            return here[m.beta] * here[m.eta] + here[theory.kappa_2]
    return flint.arb(1)


def levels(decision: Decision) -> Recursion:
    """The scalar recursion of a proved decision."""
    return Recursion(decision, contraction_at)
