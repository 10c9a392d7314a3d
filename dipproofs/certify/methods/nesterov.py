"""Search for the parameters of the theorem about Nesterov's method in floats (docs/theory-methods.md §2)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.certify.methods.decide import ONE_MINUS_BETA, Decision, coefficients
from dipproofs.certify.methods.floats import MARGIN, evaluate_floats
from dipproofs.certify.methods.heavy_ball import Proposal, Recursion, decided
from dipproofs.certify.methods.polynomial import is_nonnegative
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
    nothing = Proposal({}, math.inf, math.inf, 0.0, math.nan)
    first = float(setting.ball.floats(np.array([0.0]))[0][0])
    if not (first > 0 and 0 < setting.residual.upper < math.inf and 0 < setting.momentum < 1):
        return nothing
    if radii is None:
        radii = RADII * setting.residual.upper / first
    env = _grid(setting, radii, alphas, nus)
    if not np.size(env[s.rho]):
        return nothing
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
    return _choose(env, eta, zeta, path, rate)


def _grid(setting: Setting, radii: Array, alphas: Array, nus: Array) -> dict[Any, Any]:
    rho, share, nu = (a.ravel() for a in np.meshgrid(radii, alphas, nus, indexing="ij"))
    injectivity, norm, lipschitz = setting.ball.floats(rho)
    gamma = setting.scale.mid * setting.step
    keep = (injectivity > 0) & (gamma * norm**2 < 1)
    env: dict[Any, Any] = {
        s.psi_0: setting.residual.upper, s.lipschitz_AJ: lipschitz, s.norm_AJ_ball: norm, m.injectivity: injectivity,
        m.state_norm: setting.direction.norm.upper, m.state_slope: setting.direction.slope.mid,
        m.state_newton: setting.direction.newton.upper, m.gradient_norm: max(setting.gradient.lower, 0.0),
        s.gamma: gamma, m.beta: setting.momentum, s.rho: rho, m.alpha: (1 - setting.momentum) * share, m.nu: nu,
    }  # fmt: skip
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


def _choose(env: dict[Any, Any], eta: Array, zeta: Array, path: Array, rate: Array) -> Proposal:
    margin_ratio = env[s.rho][:, None] / path
    most = float(np.max(margin_ratio)) if margin_ratio.size else 0.0
    best = np.argmin(path, axis=1)
    fits = margin_ratio[np.arange(best.size), best] > 1 + MARGIN
    with np.errstate(all="ignore"):
        need = np.log(1e12 * env[m.R_hat] ** 2 / np.square(env[s.psi_0])) / -np.log(rate)
    need = np.where(fits & (rate < 1), need, np.inf)
    some = bool(np.isfinite(need).any())
    i = int(np.argmin(need)) if some else int(np.argmax(np.max(margin_ratio, axis=1)))
    k = int(best[i])
    alpha = float(env[m.alpha][i])
    parameters = {
        s.rho: float(env[s.rho][i]), m.alpha: ONE_MINUS_BETA if alpha == 1 - env[m.beta] else alpha,
        m.nu: float(env[m.nu][i]), m.eta: float(eta[i, k]), m.zeta: float(zeta[i, k]),
    }  # fmt: skip
    return Proposal(parameters, float(path[i, k]), float(rate[i]), most, alpha)


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
        if here[m.eta] >= here[theory.kernel] and _matrix_holds(here):
            return here[m.beta] * here[m.eta] + here[theory.kappa_2]
    return flint.arb(1)


def _matrix_holds(env: dict[sp.Symbol, Any]) -> bool:
    condition = theory.matrix
    low, high = (call(end, env) for end in condition.ends)
    ends = flint.arb(low.lower()), flint.arb(high.upper())
    parts = (condition.entries[0], condition.entries[2], condition.determinant)
    return all(is_nonnegative(coefficients(part, condition.variable, env), *ends) for part in parts)


def levels(decision: Decision) -> Recursion:
    """The scalar recursion of a proved decision."""
    return Recursion(decision, contraction_at)
