"""The recursion of heavy ball, with another Lyapunov function where that is faster (docs/theory-methods.md §1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from dipproofs.certify.methods.decide import BITS, ONE_MINUS_BETA, Decision
from dipproofs.certify.methods.floats import evaluate_floats
from dipproofs.certify.methods.heavy_ball import LEVEL, Recursion, contraction_at, grid
from dipproofs.certify.methods.setting import Setting
from dipproofs.enclosures.evaluate import call
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import heavy_ball as theory
from dipproofs.theory.methods import symbols as m

_SYMBOLS = (m.h, m.x_s, m.x_M, m.Z_s, m.Z_M, m.c_s, m.c_M, m.d_R, m.d_n)
#: Constants that do not depend on W.
_FIXED = tuple(pair for pair in theory.CONSTANTS if pair[0] in _SYMBOLS)
#: An exchange has to make the rest of the run shorter by this share; there are at most so many.
_WORTH, _MOST = 0.9, 6
_MARGIN = 1e-6


@dataclass(frozen=True)
class Exchange:
    """Another Lyapunov function.

    Args:
        after: iterations before it. alpha, delta: its parameters; factor: λ, W' ≤ λW.
    """

    after: int
    alpha: float | str
    delta: float
    factor: float

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``method.exchanges``."""
        return {"after": self.after, "alpha": self.alpha, "delta": self.delta, "factor": self.factor}


class ExchangedRecursion(Recursion):
    """W after so many iterations, and the exchanges on the way to a residual.

    Args:
        decision: proved. setting: what it was about. goal: the smallest ‖r‖² that is asked for, 0 for none.
    """

    def __init__(self, decision: Decision, setting: Setting, goal: float = 0.0) -> None:
        super().__init__(decision, contraction_at)
        with flint.ctx.workprec(BITS):
            planned = _planned(decision, setting, goal) if goal > 0 else []
            self.exchanges: list[Exchange] = []
            self._envs: list[dict[Any, Any]] = [dict(decision.env)]
            for exchange in planned:
                env = self.exchanged(self._envs[-1], exchange)
                if env is None:
                    break
                self.exchanges.append(exchange)
                self._envs.append(env)

    def exchanged(self, env: dict[Any, Any], exchange: Exchange) -> dict[Any, Any] | None:
        """The constants of another function, None where W' ≤ λW or its positivity is not proved."""
        alpha = 1 - env[m.beta] if exchange.alpha == ONE_MINUS_BETA else flint.arb(exchange.alpha)
        here = {**env, m.alpha: alpha, m.delta: flint.arb(exchange.delta)}
        for symbol, expr in _FIXED:
            here[symbol] = call(expr, here)
        if not (here[m.d_R] > 0 and here[m.d_n] > 0):
            return None
        for Z, c in ((m.Z_s, m.c_s), (m.Z_M, m.c_M)):
            mode = {
                m.Z_s: env[Z], m.c_s: env[c], m.Z_next: here[Z], m.c_next: here[c],
                m.exchange: flint.arb(exchange.factor),
            }  # fmt: skip
            if not all(call(expr, mode) >= 0 for expr in theory.EXCHANGE):
                return None
        return here

    def iterations_to_residual(self, square: flint.arb) -> int | None:
        """Smallest number of iterations found after which ‖r‖² ≤ square surely; None where that is not shown."""
        with flint.ctx.workprec(BITS):
            W, count = flint.arb(self.decision.env[m.W_0].upper()), 0
            for i, env in enumerate(self._envs):
                until = self.exchanges[i].after if i < len(self.exchanges) else None
                target = flint.arb((square * env[m.d_R] / env[m.beta]).lower())
                W, count, done = self.followed(env, W, count, target, until)
                if done or until is None or count < until:
                    return count if done else None
                W = flint.arb((W * self.exchanges[i].factor).upper())
        return None


def _planned(decision: Decision, setting: Setting, goal: float) -> list[Exchange]:
    """Look in floats for exchanges that make the way to ‖r‖² ≤ goal shorter."""
    beta = setting.momentum
    now = {key: np.asarray(float(value.mid())) for key, value in decision.env.items() if hasattr(value, "mid")}
    other = grid(setting, np.array([float(decision.parameters[s.rho])]))
    if not np.size(other[s.rho]):
        return []
    for symbol in (s.lipschitz_AJ, s.norm_AJ_ball, m.injectivity):
        other[symbol] = np.asarray(float(now[symbol]))
    other = evaluate_floats(_FIXED, other)
    W, count, found = float(decision.env[m.W_0].upper()), 0, list[Exchange]()
    for _ in range(200):
        q = float(beta * _eta({**now, m.W_0: np.asarray(W)}))
        with np.errstate(all="ignore"):
            factor = _factors(now, other) * (1 + _MARGIN)
            rates = beta * _eta({**other, m.W_0: factor * W})
            rest = np.log(factor * W * beta / (goal * other[m.d_R])) / -np.log(rates)
            stay = math.log(W * beta / (goal * float(now[m.d_R]))) / -math.log(q) if 0 < q < 1 else math.inf
        if not stay > 0:
            break
        fits = (other[m.d_R] > 0) & (other[m.d_n] > 0) & (rates < 1) & (rates > 0) & np.isfinite(rest)
        rest = np.where(fits, rest, np.inf)
        best = int(np.argmin(rest))
        if rest[best] < _WORTH * stay and len(found) < _MOST:
            alpha = float(other[m.alpha][best])
            tag: float | str = ONE_MINUS_BETA if alpha == 1 - beta else alpha
            found.append(Exchange(count, tag, float(other[m.delta][best]), float(factor[best])))
            W *= float(factor[best])
            now = {**now, **{key: value[best] for key, value in other.items() if np.ndim(value) == 1}}
            continue
        if not 0 < q < 1:
            break
        steps = max(1, math.ceil(math.log(0.5) / math.log(q)))
        W, count = W * q**steps, count + steps
    return found


def _eta(env: dict[Any, Any]) -> Any:
    made = evaluate_floats(LEVEL, env, theory.at_both_ends(theory.eta_of_mode))
    return np.maximum(made[0], made[1])


def _factors(now: dict[Any, Any], other: dict[Any, Any]) -> Any:
    ends = []
    for Z, c in ((m.Z_s, m.c_s), (m.Z_M, m.c_M)):
        mode = {m.Z_s: now[Z], m.c_s: now[c], m.Z_next: other[Z], m.c_next: other[c]}
        ends.append(evaluate_floats((), mode, (theory.exchange_of_mode,))[0])
    return np.maximum(np.maximum(ends[0], ends[1]), 1.0)
