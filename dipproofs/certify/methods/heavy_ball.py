"""The heavy-ball theorem: search in floats, decision in Arb, scalar recursion (docs/theory-methods.md §1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.certify.methods.decide import BITS, ONE_MINUS_BETA, Decision, decide
from dipproofs.certify.methods.floats import MARGIN, evaluate_floats
from dipproofs.certify.methods.setting import Setting
from dipproofs.enclosures import Bound, Verdict
from dipproofs.enclosures.evaluate import call
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import MethodTheorem
from dipproofs.theory.methods import heavy_ball as theory
from dipproofs.theory.methods import symbols as m

#: A block of the recursion ends when W has fallen by this much; there are at most so many.
BLOCK, BLOCKS = 0.7, 4000
#: The verifier looks for its own η a little above the least one, by up to 10⁻¹² (βη is a contraction).
_OTHER = 2.0**-37
#: Radii tried, as multiples of R_0/s_0; α as multiples of 1 − β; δ as multiples of |1 − α − β|/x_M².
RADII = np.geomspace(0.3, 200.0, 36)
ALPHAS = np.concatenate([[1.0], np.geomspace(1e-4, 0.97, 16), [1.2, 1.6, 2.5]])
DELTAS = np.array([0.0, 0.25, 0.5, 1.0])
#: Places of η between the smallest feasible one and 1/β.
PLACES = np.concatenate([np.geomspace(0.004, 0.1, 6), np.linspace(0.14, 0.97, 14)])

Array = Any
#: Constants up to π; what comes later needs η and ζ.
_BEFORE = tuple(pair for pair in theory.CONSTANTS if pair[0] not in (m.contraction, m.path))


@dataclass(frozen=True)
class Proposal:
    """Parameters that seem to do.

    Args:
        parameters: by symbol, as `decide` wants them.
        path: estimated S. rate: estimated contraction of W per iteration at the start, βη_min.
        margin_ratio: largest ρ/S found; hypotheses can hold iff it exceeds 1.
        alpha: α as a number.
    """

    parameters: dict[sp.Symbol, float | str]
    path: float
    rate: float
    margin_ratio: float
    alpha: float

    @property
    def feasible(self) -> bool:
        """Whether the hypotheses seem to hold."""
        return self.margin_ratio > 1


NOTHING = Proposal({}, math.inf, math.inf, 0.0, math.nan)


def scaled_radii(multiples: Array, ball: Any, residual: Bound, momentum: float) -> Array:
    """Multiples of R_0/s_0; none where there is nothing to look for."""
    first = float(ball.floats(np.array([0.0]))[0][0])
    usable = first > 0 and 0 < residual.upper < math.inf and 0 < momentum < 1
    return multiples * residual.upper / first if usable else np.zeros(0)


def floats(setting: Setting, rho: Array) -> dict[Any, Any]:
    """What a theorem is given, in floats, at many radii."""
    injectivity, norm, lipschitz = setting.ball.floats(rho)
    return {
        s.psi_0: setting.residual.upper, s.lipschitz_AJ: lipschitz, s.norm_AJ_ball: norm, m.injectivity: injectivity,
        m.state_norm: setting.direction.norm.upper, m.state_slope: setting.direction.slope.mid,
        m.state_newton: setting.direction.newton.upper, m.gradient_norm: max(setting.gradient.lower, 0.0),
        s.gamma: setting.scale.mid * setting.step, m.beta: setting.momentum, s.rho: rho,
    }  # fmt: skip


def grid(setting: Setting, radii: Array) -> dict[Any, Any]:
    """Everything that a search starts from, at every radius, α and δ (flattened)."""
    rho, share, part = (a.ravel() for a in np.meshgrid(radii, ALPHAS, DELTAS, indexing="ij"))
    env, beta = floats(setting, rho), setting.momentum
    env[m.alpha] = (1 - beta) * share
    env[m.delta] = part * np.abs(1 - env[m.alpha] - beta) / (env[s.gamma] * env[s.norm_AJ_ball] ** 2)
    keep = (env[m.injectivity] > 0) & ~((share == 1) & (part > 0))
    return {key: value[keep] if np.ndim(value) else value for key, value in env.items()}


def propose(setting: Setting, radii: Array | None = None) -> Proposal:
    """Search for radius, α, δ, η, ζ: among those for which the path stays in the ball, the fastest."""
    usual = scaled_radii(RADII, setting.ball, setting.residual, setting.momentum)
    env = grid(setting, usual if radii is None or not usual.size else radii)
    if not np.size(env[s.rho]):
        return NOTHING
    env = evaluate_floats(_BEFORE, env, theory.at_both_ends(theory.eta_of_mode))
    beta = setting.momentum
    least = np.maximum(env[0], env[1]) * (1 + 1e-12)
    eta = least[:, None] + (1 / beta - least)[:, None] * PLACES
    wide = {key: value[:, None] if np.ndim(value) == 1 else value for key, value in env.items()}
    wide[m.eta] = eta
    zeta = zeta_floats(wide)
    with np.errstate(all="ignore"):
        rho2 = beta * eta
        path = wide[m.h] * np.sqrt(wide[m.W_0] * rho2 / (zeta * (1 - rho2)))
        good = (wide[m.d_R] > 0) & (wide[m.d_n] > 0) & (zeta > 0) & (rho2 < 1) & np.isfinite(path) & (path > 0)
        path = np.where(good, path, np.inf)
    return fastest(env, {m.eta: eta, m.zeta: zeta}, path, beta * least, m.delta)


def zeta_floats(env: dict[Any, Any]) -> Array:
    """The largest ζ at both ends, a little less."""
    low, high = (evaluate_floats((), env, (expr,))[0] for expr in theory.at_both_ends(theory.zeta_of_mode))
    ok = (env[m.eta] * env[m.Z_s] > 1) & (env[m.eta] * env[m.Z_M] > 1)
    return np.where(ok, np.minimum(low, high), -np.inf) * (1 - MARGIN)


@np.errstate(all="ignore")
def fastest(env: dict[Any, Any], inner: dict[Any, Any], path: Array, rate: Array, own: sp.Symbol) -> Proposal:
    """The fastest of the choices whose path stays in the ball, or the nearest to that.

    Args:
        env: the choices of ρ, α and the method's own parameter, (N,). inner: of those, η and ζ at some places, (N, P).
        path: S, (N, P). rate: (N,).
    """
    margin_ratio = env[s.rho][:, None] / path
    best = np.argmin(path, axis=1)
    fits = margin_ratio[np.arange(len(best)), best] > 1 + MARGIN
    # iterations to a millionth of the residual, from the bound of it at the start
    need = np.log(1e12 * env[m.R_hat] ** 2 / np.square(env[s.psi_0])) / -np.log(rate)
    need = np.where(fits & (rate < 1), need, np.inf)
    i = int(np.argmin(need)) if np.isfinite(need).any() else int(np.argmax(np.max(margin_ratio, axis=1)))
    k, alpha = int(best[i]), float(env[m.alpha][i])
    parameters: dict[sp.Symbol, float | str] = {symbol: float(env[symbol][i]) for symbol in (s.rho, m.alpha, own)}
    if alpha == 1 - env[m.beta]:
        parameters[m.alpha] = ONE_MINUS_BETA
    parameters |= {symbol: float(values[i, k]) for symbol, values in inner.items()}
    return Proposal(parameters, float(path[i, k]), float(rate[i]), float(np.max(margin_ratio)), alpha)


def given(setting: Setting, rho: float) -> dict[sp.Symbol, Any]:
    """What the theorem is given, each at the end that makes its claim weaker."""
    injectivity, norm, lipschitz = setting.ball.balls(rho)
    return {
        s.psi_0: flint.arb(setting.residual.upper), s.lipschitz_AJ: lipschitz, s.norm_AJ_ball: norm,
        m.injectivity: injectivity, m.state_norm: flint.arb(setting.direction.norm.upper),
        m.state_slope: setting.direction.slope.arb(), m.state_newton: setting.direction.newton.arb(),
        m.gradient_norm: flint.arb(max(setting.gradient.lower, 0.0)),
        s.gamma: setting.scale.arb() * flint.arb(setting.step), m.beta: flint.arb(setting.momentum),
    }  # fmt: skip


def prove(setting: Setting, proposal: Proposal | None = None) -> Decision | None:
    """Decide the proposal, and once more with a radius near its path; None where there is nothing to decide."""
    found = proposal or propose(setting)
    if not found.parameters:
        return None
    if found.feasible:
        near = propose(setting, found.path * np.array([1.001, 1.01, 1.03, 1.08, 1.2]))
        if near.feasible and near.rate <= found.rate:
            found = near
    decision = decided(theory.HEAVY_BALL, setting, found)
    if decision.verdict is not Verdict.PROVED and proposal is None and found.feasible:
        decision = decided(theory.HEAVY_BALL, setting, propose(setting))
    return decision


def decided(theorem: MethodTheorem, setting: Setting, proposal: Proposal) -> Decision:
    """Decide a theorem about a method with momentum at proposed parameters."""
    with flint.ctx.workprec(BITS):
        known = given(setting, float(proposal.parameters[s.rho]))
    return decide(theorem, known, proposal.parameters, setting.evidence)


# --- the scalar recursion --------------------------------------------------------------------------------------------
LEVEL = tuple(pair for pair in theory.CONSTANTS if pair[0] in (m.R_hat, m.n_hat, m.k_hat, m.perturbation))


def contraction_at(env: dict[Any, Any], W: flint.arb) -> flint.arb:
    """Enclose βη_min(π(W)): W falls by this factor at least, from any iterate on at which it is at most W."""
    here = {**env, m.W_0: W}
    for symbol, expr in LEVEL:
        here[symbol] = call(expr, here)
    ends = [call(expr, here) for expr in theory.at_both_ends(theory.eta_of_mode)]
    return env[m.beta] * ends[0].max(ends[1])


def levels(decision: Decision) -> Recursion:
    """The scalar recursion of a proved decision."""
    return Recursion(decision, contraction_at)


class Recursion:
    """Upper bounds of W after so many iterations: W falls by the factor of the last block's start.

    Args:
        decision: proved.
        factor: encloses the contraction at a level W.
    """

    def __init__(self, decision: Decision, factor: Any) -> None:
        self.decision, self.factor = decision, factor

    def slower(self, env: dict[Any, Any], W: flint.arb) -> flint.arb:
        """The contraction at a level, from above, with slack for the verifier's own."""
        q = flint.arb(self.factor(env, W).upper())
        return flint.arb((q + abs(1 - q) * MARGIN + _OTHER).upper())

    @property
    def weight(self) -> flint.arb:
        """‖r‖² ≤ W/weight."""
        return flint.arb(self.decision.env[m.d_R].lower())

    def iterations_to_residual(self, square: flint.arb) -> int | None:
        """Smallest number of iterations found after which ‖r‖² ≤ square surely; None where that is not shown."""
        with flint.ctx.workprec(BITS):
            return self.iterations_to(flint.arb((square * self.weight).lower()))

    def iterations_to(self, target: flint.arb) -> int | None:
        """Smallest number of iterations found after which W ≤ target surely; None where that is not shown."""
        with flint.ctx.workprec(BITS):
            W = flint.arb(self.decision.env[m.W_0].upper())
            _, count, done = self.followed(self.decision.env, W, 0, target)
        return count if done else None

    def followed(
        self, env: Mapping[Any, Any], W: flint.arb, count: int, target: flint.arb, until: int | None = None
    ) -> tuple[flint.arb, int, bool]:
        """W and the count of iterations at ``until``, or where W ≤ target, which is said, or where nothing is known."""
        for _ in range(BLOCKS):
            if target >= W:
                return W, count, True
            if until is not None and count >= until:
                break
            q = self.slower(dict(env), W)
            if not (q < 1) or count > 10**12:
                break
            least = max(target / W, flint.arb(BLOCK), key=lambda ball: float(ball.mid()))
            steps = max(1, math.ceil(float((least.log() / q.log()).upper()) * (1 + 1e-12)))
            steps = steps if until is None else min(steps, until - count)
            W, count = flint.arb((W * q**steps).upper()), count + steps
        return W, count, False
