"""Check a certificate of heavy ball or Nesterov's method: conditions, path, and the iterations it promises."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from dipproofs.theory import symbols as s
from dipproofs.theory.methods import HEAVY_BALL, NESTEROV, MethodTheorem, heavy_ball, nesterov
from dipproofs.theory.methods import symbols as m
from dipproofs.verify.arithmetic.expressions import decide, evaluate, upper
from dipproofs.verify.methods.inequalities import Env, chosen, constants, failing

#: Parameters of the proof by their keys in certificates; ρ stands among the quantities.
PARAMETERS: dict[str, dict[str, sp.Symbol]] = {
    "heavy-ball": {"alpha": m.alpha, "delta": m.delta, "eta": m.eta, "zeta": m.zeta},
    "nesterov": {"alpha": m.alpha, "nu": m.nu, "eta": m.eta, "zeta": m.zeta},
}
THEOREMS: dict[str, MethodTheorem] = {"heavy-ball": HEAVY_BALL, "nesterov": NESTEROV}
RESIDUAL: dict[str, sp.Expr] = {"heavy-ball": heavy_ball.residual_bound, "nesterov": nesterov.residual_bound}
#: Blocks of the scalar recursion end when W has fallen by this factor.
_BLOCK, _MOST = 0.6, 20_000


class Momentum:
    """One certificate of a method with momentum, examined.

    Args:
        kind: "heavy-ball" or "nesterov".
        record: the certificate's ``method.parameters``.
        given: balls of γ, β, ρ, R_0, ℓ_A, M_ρ, s, ‖D‖, ⟨r,MD⟩, ⟨M⁺r,D⟩ (Nesterov: ‖Mᵀr‖ as well).

    Raises:
        ValueError: a parameter that is not of the format.
    """

    def __init__(self, kind: str, record: Mapping[str, Any], given: Env) -> None:
        self.kind, self.theorem = kind, THEOREMS[kind]
        self.env = constants(self.theorem, chosen(self.theorem, PARAMETERS[kind], record, given))
        self.failing = failing(self.theorem, self.env)
        start = upper(self.env[m.W_0])
        self.start = start if start.is_finite() else arb.nan()

    @property
    def path(self) -> arb:
        """S."""
        return self.env[m.path]

    def contraction(self, W: arb) -> arb:
        """Enclose a factor by which W falls in every iteration that starts at or below this level; 1 if unknown."""
        here = {**self.env, m.W_0: W, m.zeta: arb(0)}
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
        """Whether ‖r‖ is surely at most ``residual`` after so many iterations."""
        if self.env[s.psi_0] <= residual:
            return True
        W, left = self.start, count
        for _ in range(_MOST):
            if evaluate(RESIDUAL[self.kind], {**self.env, m.lyapunov: W}) <= residual:
                return True
            q = upper(self.contraction(W))
            if left <= 0 or not q < 1:
                return False
            steps = min(left, max(1, math.ceil(math.log(_BLOCK) / float(q.log()))))
            W, left = upper(W * q**steps), left - steps
        return False


def _proposals(kind: str, here: Env, stored: arb) -> list[arb]:
    """Values of η from floats, smallest first; the stored one holds at every level below the start's."""
    propose: Callable[[Env], float] = _heavy_ball if kind == "heavy-ball" else _nesterov
    try:
        guess = propose(here)
    except (ValueError, ZeroDivisionError, OverflowError):
        return [stored]
    room = [1e-9, 1e-6, 1e-4, 1e-3, 1e-2]
    return [arb(guess + r * abs(1 - guess) + r * 1e-3) for r in room if math.isfinite(guess)] + [stored]


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
