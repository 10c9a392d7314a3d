"""Adam's next N iterations: search in floats, decide in Arb (docs/theory-methods.md §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import flint
import numpy as np
import sympy as sp

from dipproofs.certify.methods.decide import BITS, ONE_MINUS_BETA, Decision, decide
from dipproofs.certify.methods.floats import MARGIN, evaluate_floats
from dipproofs.certify.methods.heavy_ball import NOTHING, Proposal, scaled_radii, zeta_floats
from dipproofs.certify.methods.setting import Direction
from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.enclosures.evaluate import call
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import adam as theory
from dipproofs.theory.methods import heavy_ball
from dipproofs.theory.methods import symbols as m

Array = Any
RADII = np.geomspace(0.5, 60.0, 14)
ALPHAS = np.array([1.0, 0.9, 0.6, 0.3, 0.1, 0.03])
DELTAS = np.array([0.0, 0.5, 1.0])
FALLS = np.array([0.003, 0.02, 0.08, 0.25, 0.6])
PLACES = np.array([0.02, 0.06, 0.15, 0.3, 0.5, 0.7, 0.9])
#: Horizons tried when the one asked for is not proved: the next is this share of the last.
SHORTER = 0.5
LEAST_HORIZON = 10


class MetricBall(Protocol):
    """Bounds on the ball of radius ρ in the metric P_0^{-1/2}."""

    def floats(self, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Estimate (s̃, M̃, ℓ̃, max_i ‖M_{:,i}‖²/v_i) at many radii."""

    def balls(self, rho: float) -> tuple[flint.arb, flint.arb, flint.arb, flint.arb]:
        """Bound s̃ from below and the others from above, as points."""


@dataclass(frozen=True)
class AdamOptions:
    """The options of an Adam run, exact.

    Args:
        learning_rate, beta_1, beta_2, epsilon: as in the run. completed: steps already taken.
    """

    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float
    completed: int


@dataclass(frozen=True)
class AdamSetting:
    """One iterate of an Adam run, in the metric of its next step.

    Args:
        residual: ‖r‖, times √(2c) for the loss c‖r‖² (then M is scaled as well).
        ball: bounds in the metric.
        direction: of the displacement −lr·P_0·m_t, in the metric.
        largest_second_moment: max_i v_i after the gradient at the iterate.
        options: of the run.
    """

    residual: Bound
    ball: MetricBall
    direction: Direction
    largest_second_moment: Bound
    options: AdamOptions

    @property
    def evidence(self) -> Evidence:
        """The weakest evidence of what is given."""
        parts = (self.residual, self.direction.norm, self.direction.slope, self.direction.newton)
        return max(part.evidence for part in (*parts, self.largest_second_moment))


def _common(setting: AdamSetting, horizon: int) -> dict[Any, float]:
    o = setting.options
    return {
        s.psi_0: setting.residual.upper, m.state_norm: setting.direction.norm.upper,
        m.state_slope: setting.direction.slope.mid, m.state_newton: setting.direction.newton.upper,
        theory.largest_second_moment: setting.largest_second_moment.upper, m.learning_rate: o.learning_rate,
        m.beta: o.beta_1, m.beta_2: o.beta_2, m.epsilon: o.epsilon, m.completed: float(o.completed),
        m.horizon: float(horizon),
    }  # fmt: skip


_BEFORE = tuple(pair for pair in theory.ADAM.constants if pair[0] not in (theory.chi, m.contraction, m.path))
_AFTER = tuple(pair for pair in theory.ADAM.constants if pair[0] in (theory.chi, m.contraction, m.path))


def propose(setting: AdamSetting, horizon: int) -> Proposal:
    """Search for radius, α, δ, the metric's ranges, η, ζ for one horizon."""
    beta, common = setting.options.beta_1, _common(setting, horizon)
    radii = scaled_radii(RADII, setting.ball, setting.residual, beta)
    if not radii.size:
        return NOTHING
    rise = float(evaluate_floats((), common, (theory.least_rise,))[0]) * (1 + MARGIN) + 1e-9
    rho, share, part, fall = (a.ravel() for a in np.meshgrid(radii, ALPHAS, DELTAS, FALLS, indexing="ij"))
    injectivity, norm, lipschitz, ratio = setting.ball.floats(rho)
    alpha = (1 - beta) * share
    gamma = setting.options.learning_rate * (1 - beta)
    delta = part * np.abs(1 - alpha - beta) / (gamma * norm**2 * np.exp(rise))
    keep = (injectivity > 0) & ~((share == 1) & (part > 0))
    if not keep.any():
        return NOTHING
    columns = {
        s.rho: rho, m.alpha: alpha, m.delta: delta, theory.metric_fall: fall, theory.metric_injectivity: injectivity,
        theory.metric_norm: norm, theory.metric_lipschitz: lipschitz, theory.column_ratio: ratio,
    }  # fmt: skip
    env = {**common, **{key: value[keep] for key, value in columns.items()}, theory.metric_rise: rise}
    env = evaluate_floats(_BEFORE, env, (*heavy_ball.at_both_ends(heavy_ball.eta_of_mode), theory.least_change))
    env[theory.metric_change] = env[2] * (1 + MARGIN) + 1e-12
    least = np.maximum(env[0], env[1]) * (1 + 1e-12)
    return _choose(setting, env, least)


def _choose(setting: AdamSetting, env: dict[Any, Any], least: Array) -> Proposal:
    chi, beta_2 = evaluate_floats(_AFTER[:1], env)[theory.chi], setting.options.beta_2
    top = np.minimum(1.0, beta_2) / (env[m.beta] * (1 + chi))
    with np.errstate(all="ignore"):
        eta = least[:, None] + (top - least)[:, None] * PLACES
    wide = {key: value[:, None] if np.ndim(value) == 1 else value for key, value in env.items()}
    wide[m.eta] = eta
    wide[m.zeta] = zeta = zeta_floats(wide)
    wide = evaluate_floats(_AFTER, wide, (theory.least_fall,))
    with np.errstate(all="ignore"):
        path, rho2 = wide[m.path], wide[m.contraction]
        good = (wide[m.d_R] > 0) & (wide[m.d_n] > 0) & (zeta > 0) & (rho2 < beta_2) & (path > 0)
        good &= wide[0] * (1 + MARGIN) < wide[theory.metric_fall]
        margin_ratio = np.where(good & np.isfinite(path), wide[s.rho] / path, 0.0)
        factor = np.where(margin_ratio > 1 + MARGIN, np.log(wide[m.R_hat]) + env[m.horizon] / 2 * np.log(rho2), np.inf)
    most = float(margin_ratio.max(initial=0.0))
    flat = int(np.argmin(factor)) if most > 1 + MARGIN else int(np.argmax(margin_ratio))
    i, k = np.unravel_index(flat, margin_ratio.shape)
    alpha = float(env[m.alpha][i])
    parameters: dict[sp.Symbol, float | str] = {
        key: float(env[key][i]) for key in (s.rho, m.delta, theory.metric_fall, theory.metric_change)
    }
    parameters |= {
        m.alpha: ONE_MINUS_BETA if alpha == 1 - env[m.beta] else alpha, m.eta: float(eta[i, k]),
        m.zeta: float(zeta[i, k]), theory.metric_rise: float(env[theory.metric_rise]),
        m.horizon: float(env[m.horizon]),
    }  # fmt: skip
    return Proposal(parameters, float(path[i, k]), float(rho2[i, k]), most, alpha)


def given(setting: AdamSetting, rho: float) -> dict[sp.Symbol, Any]:
    """What the theorem is given, each at the end that makes its claim weaker."""
    injectivity, norm, lipschitz, ratio = setting.ball.balls(rho)
    exact = (m.learning_rate, m.beta, m.beta_2, m.epsilon, m.completed, s.psi_0, m.state_norm)
    known = {symbol: flint.arb(value) for symbol, value in _common(setting, 0).items() if symbol in exact}
    return known | {
        theory.largest_second_moment: flint.arb(setting.largest_second_moment.upper),
        m.state_slope: setting.direction.slope.arb(), m.state_newton: setting.direction.newton.arb(),
        theory.metric_injectivity: injectivity, theory.metric_norm: norm, theory.metric_lipschitz: lipschitz,
        theory.column_ratio: ratio,
    }  # fmt: skip


def prove(setting: AdamSetting, horizon: int) -> Decision | None:
    """Decide the horizon asked for, or the longest found of shorter ones; None where there is nothing to decide."""
    asked: Decision | None = None
    while horizon >= LEAST_HORIZON:
        found = propose(setting, horizon)
        if not found.parameters:
            return asked
        if found.feasible or asked is None:
            with flint.ctx.workprec(BITS):
                known = given(setting, float(found.parameters[s.rho]))
            decision = decide(theory.ADAM, known, found.parameters, setting.evidence)
            if decision.verdict is Verdict.PROVED:
                return decision
            asked = asked or decision
        horizon = int(horizon * SHORTER)
    return asked


def promises(setting: AdamSetting, horizon: int) -> bool:
    """Whether floats find parameters for this horizon or a shorter one that `prove` would try."""
    while horizon >= LEAST_HORIZON:
        found = propose(setting, horizon)
        if found.feasible or not found.parameters:
            return found.feasible
        horizon = int(horizon * SHORTER)
    return False


def residual_factor(setting: AdamSetting, decision: Decision) -> Bound:
    """R_{t+N}/R_t is at most the upper end."""
    with flint.ctx.workprec(BITS):
        # R̂ grows with the residual: its upper end there, its lower end below the fraction
        found = call(theory.residual_factor, decision.env) * flint.arb(setting.residual.upper)
        return Bound.from_arb(found / flint.arb(max(setting.residual.lower, 0.0)), decision.evidence)
