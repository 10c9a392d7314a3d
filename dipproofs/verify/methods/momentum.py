"""Check a certificate of heavy ball or Nesterov's method: conditions, path, and the iterations it promises."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from dipproofs.certificate.read import is_count, is_number
from dipproofs.theory.methods import HEAVY_BALL, NESTEROV, MethodTheorem, heavy_ball, nesterov
from dipproofs.theory.methods import symbols as m
from dipproofs.verify.arithmetic.expressions import decide, evaluate, exact, upper
from dipproofs.verify.methods.inequalities import Env, chosen, constants, failing

THEOREMS: dict[str, MethodTheorem] = {"heavy-ball": HEAVY_BALL, "nesterov": NESTEROV}
RESIDUAL: dict[str, sp.Expr] = {"heavy-ball": heavy_ball.residual_bound, "nesterov": nesterov.residual_bound}
#: Blocks of the scalar recursion end when W has fallen by this factor.
_BLOCK, _MOST, _EXCHANGES = 0.75, 20_000, 8


class Momentum:
    """One certificate of a method with momentum, examined.

    Args:
        kind: "heavy-ball" or "nesterov".
        record: the certificate's ``method.parameters``.
        given: balls of γ, β, ρ, R_0, ℓ_A, M_ρ, s, ‖D‖, ⟨r,MD⟩, ⟨M⁺r,D⟩ (Nesterov: ‖Mᵀr‖ as well).
        exchanges: the certificate's ``method.exchanges``.

    Raises:
        ValueError: a parameter that is not of the format.
    """

    def __init__(self, kind: str, record: Mapping[str, Any], given: Env, exchanges: object = None) -> None:
        self.kind, self.theorem = kind, THEOREMS[kind]
        self.env = constants(self.theorem, chosen(self.theorem.recorded, record, given))
        self.failing = failing(self.theorem, self.env)
        start = upper(self.env[m.W_0])
        self.start = start if start.is_finite() else arb.nan()
        self.stages = [Stage(0, arb(1), self.env)]
        if exchanges is not None:
            if kind != "heavy-ball" or not isinstance(exchanges, list) or len(exchanges) > _EXCHANGES:
                raise ValueError(f"method.exchanges: expected a list of at most {_EXCHANGES}, with heavy-ball only")
            for entry in exchanges:
                self.stages.append(_exchanged(self.stages[-1], entry))

    @property
    def path(self) -> arb:
        """S."""
        return self.env[m.path]

    def contraction(self, W: arb, at: Env | None = None) -> arb:
        """Enclose a factor by which W falls in every iteration that starts at or below this level; 1 if unknown."""
        here = {**(self.env if at is None else at), m.W_0: W, m.zeta: arb(0)}
        for symbol, expr in self.theorem.constants:
            if symbol not in (m.W_0, m.contraction, m.path):
                here[symbol] = evaluate(expr, here)
        for eta in _proposals(self.kind, here, self.env[m.eta]):
            here[m.eta] = eta
            here[m.contraction] = evaluate(dict(self.theorem.constants)[m.contraction], here)
            if self._holds(here):
                return here[m.contraction]
        return arb(1)

    def _holds(self, here: Env) -> bool:
        """The conditions of one iteration at ζ = 0; those on the ball and the path were decided at the start."""
        free = {"ball", "contraction"}
        if any(decide(c.relation, here) is not True for c in self.theorem.conditions if c.id not in free):
            return False
        return not [id for id in failing(self.theorem, here) if id in {matrix.id for matrix in self.theorem.matrices}]

    def per_step(self) -> arb:
        """ln of the contraction of √W, at the start."""
        return self.contraction(self.start).log() / 2

    def residual_at_start(self) -> arb:
        """√ of what W_0 allows ‖r‖² to be, along the whole run."""
        return evaluate(RESIDUAL[self.kind], {**self.env, m.lyapunov: self.start})

    def reaches(self, count: int, residual: arb) -> bool:
        """Whether ‖r‖ is surely at most ``residual`` from so many iterations on; a small one may grow before that."""
        W = self.start
        for stage, after in zip(self.stages, [*(stage.after for stage in self.stages[1:]), None]):
            W = upper(W * stage.factor)
            left = (count if after is None else min(after, count)) - stage.after
            for _ in range(_MOST):
                if evaluate(RESIDUAL[self.kind], {**stage.env, m.lyapunov: W}) <= residual:
                    return True
                if left <= 0:
                    break
                q = upper(self.contraction(W, stage.env))
                if not q < 1:
                    return False
                steps = min(left, max(1, math.ceil(math.log(_BLOCK) / float(q.log()))))
                W, left = upper(W * q**steps), left - steps
            if left > 0 or after is None or after > count:
                return False
        return False


@dataclass(frozen=True)
class Stage:
    """A Lyapunov function and its constants.

    Args:
        after: iterations before it. factor: λ, it is at most λ times the one before. env: constants.
    """

    after: int
    factor: arb
    env: Env


def _exchanged(before: Stage, entry: object) -> Stage:
    """Read an exchange, and prove it: on the modes at both ends, which decide for those between them (§1).

    Raises:
        ValueError: not of the format, or not proved.
    """
    if not (isinstance(entry, dict) and set(entry) == {"after", "alpha", "delta", "factor"}):
        raise ValueError("method.exchanges: expected entries with after, alpha, delta, factor")
    after, factor = entry["after"], entry["factor"]
    if not (is_count(after) and after >= before.after and is_number(factor) and factor >= 1):
        raise ValueError("method.exchanges: expected counts in order, and factors of at least 1")
    names = {"alpha": m.alpha, "delta": m.delta}
    env = chosen(names, entry, before.env)
    for symbol, expr in THEOREMS["heavy-ball"].constants:
        if symbol in (m.Z_s, m.Z_M, m.c_s, m.c_M, m.d_R, m.d_n):
            env[symbol] = evaluate(expr, env)
    for Z, c in ((m.Z_s, m.c_s), (m.Z_M, m.c_M)):
        mode = {
            m.Z_s: before.env[Z], m.c_s: before.env[c], m.Z_next: env[Z], m.c_next: env[c], m.exchange: exact(factor)
        }  # fmt: skip
        if not all(evaluate(expr, mode) >= 0 for expr in heavy_ball.EXCHANGE):
            raise ValueError(f"method.exchanges: found factor {factor}, expected a larger one")
    if not (env[m.d_R] > 0 and env[m.d_n] > 0):
        raise ValueError("method.exchanges: found a function that is not positive")
    return Stage(after, exact(factor), env)


def _proposals(kind: str, here: Env, stored: arb) -> list[arb]:
    """Values of η from floats, smallest first; the stored one holds at every level below the start's."""
    propose: Callable[[Env], float] = _heavy_ball if kind == "heavy-ball" else _nesterov
    try:
        guess = propose(here)
    except (ValueError, ZeroDivisionError, OverflowError):
        return [stored]
    excess = [1e-9, 1e-6, 1e-4, 1e-3, 1e-2]
    return [arb(guess + r * abs(1 - guess) + r * 1e-3) for r in excess if math.isfinite(guess)] + [stored]


def _heavy_ball(here: Env) -> float:
    found = []
    for expr in heavy_ball.at_both_ends(heavy_ball.eta_of_mode):
        found.append(float(evaluate(expr, here).upper()))
    return max(found)


@cache
def _entries() -> tuple[tuple[sp.Symbol, ...], Callable[..., Any]]:
    symbols = tuple(sorted(set().union(*(e.free_symbols for e in nesterov.ENTRIES)) - {m.X, m.eta}, key=str))
    return symbols, sp.lambdify((m.X, m.eta, *symbols), nesterov.ENTRIES, modules="numpy", cse=True)


def _nesterov(here: Env) -> float:
    """Bisection between the kernel's η and 1/β on a grid of singular values."""
    symbols, function = _entries()
    values = [float(here[symbol].mid()) for symbol in symbols]
    low, high = (float(here[x].mid()) for x in (nesterov.X_s, nesterov.X_M))
    grid = np.geomspace(low, high, 41)
    kernel, top = float(here[nesterov.kernel].mid()), 1 / float(here[m.beta].mid())

    def fits(eta: float) -> bool:
        a, b, c = function(grid, eta, *values)
        return bool(np.all(a >= 0) and np.all(c >= 0) and np.all(a * c >= b * b))

    if fits(kernel):
        return kernel
    for _ in range(45):
        middle = (kernel + top) / 2
        kernel, top = (kernel, middle) if fits(middle) else (middle, top)
    return top
