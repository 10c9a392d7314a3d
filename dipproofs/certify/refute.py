"""Refute (H) for every radius, by covering ]0, ∞[ with intervals (docs/theory.md §3 remark f).

Where the step is the program's choice, ω is replaced by 1, its supremum over all steps (the limit q → 0, gradient
flow): what is refuted then holds for no step at all.

On [a, b] the constants are at least those at a and the path is at most b long, so that ω∫₀^ρF is at most
ω(q(a))·∫₀^b F_a. If that is at most ψ_0 on every interval of a cover, no radius satisfies (H). The residual form's
x ≥ 0 is left out, which only makes refuting harder.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import flint

from dipproofs.certify.constants import evaluate, integral_upper
from dipproofs.enclosures.evaluate import call
from dipproofs.theory import symbols as s

if TYPE_CHECKING:
    from dipproofs.certify.decide import Evaluator

_RATIO = 1.06
_INTERVALS = 160


def refute(evaluator: Evaluator) -> bool:
    """Return whether (H) is proved to fail at every radius, for its form and profile, and its step or all."""
    if not evaluator.theorem.architecture.refutable:
        return False
    psi, free = evaluator.start[s.psi_0], evaluator.candidate.free
    F = evaluator.theorem.F
    left = 0.0
    right = 0.98 * float(psi.mid()) / max(float(call(F, {**evaluator.at_start(), s.t: flint.arb(0)}).upper()), 1e-300)
    limit = _limit(evaluator)
    for _ in range(_INTERVALS):
        env = evaluate(evaluator.plan, evaluator.start, flint.arb(left), evaluator.effective_gamma)
        if free:
            env[s.omega] = flint.arb(1)
        end = min(_support(F, env), limit)
        right_end = min(right, end)
        if not math.isfinite(right_end):
            return False
        if not env[s.omega] * integral_upper(F, env, flint.arb(right_end)) <= psi:
            return False
        if right >= limit or env[s.omega] * integral_upper(F, env, flint.arb(end)) <= psi:
            return True
        left, right = right, right * _RATIO
    return False


def _limit(evaluator: Evaluator) -> float:
    """Radii above the paper's R are not allowed in its form."""
    return math.inf if evaluator.theorem.radius is None else evaluator.paper_radius().upper


def _support(F: Any, env: Any) -> float:
    """Return a t from which on F vanishes, inf if there is none below a large multiple of ρ."""
    point = 1.0
    for _ in range(60):
        if call(F, {**env, s.t: flint.arb(point)}) <= 0:
            break
        point *= 2
    else:
        return math.inf
    low, high = 0.0, point
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if call(F, {**env, s.t: flint.arb(middle)}) <= 0 else (middle, high)
    return high
