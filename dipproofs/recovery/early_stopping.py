"""The iteration from which ψ(f_τ) ≤ δ is guaranteed, and the loss at which a run may stop (docs/theory.md §7)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import flint
import numpy as np

from dipproofs.enclosures import Bound, Verdict
from dipproofs.enclosures.evaluate import call
from dipproofs.theory import recovery as formulas
from dipproofs.theory import symbols as s

if TYPE_CHECKING:
    from dipproofs.certify.decide import Decision, Evaluator

_BITS = 128
#: Bisection of ln e for ψ(e) = δ: the iteration count grows by less than one step through its error.
_HALVINGS = 60


def loss_at_level(loss: Any, level: float, start: Bound, constants: Any) -> float:
    """Return a float e > 0 with ψ(e) ≤ level proved, as large as bisection finds it; 0.0 if there is none.

    Args:
        loss: runtime loss. level: δ. start: the loss at the certified iterate, with ψ(start) > δ.
        constants: `loss.constants` there.
    """
    if not (level > 0 and math.isfinite(start.upper) and start.upper > 0):
        return 0.0

    def below(e: float) -> bool:
        return bool(loss.psi_at(e, constants).upper() <= flint.arb(level))

    with flint.ctx.workprec(_BITS):
        high = start.upper
        low = high
        while not below(low):
            low *= 2.0**-8
            if low < 1e-290:
                return 0.0
        for _ in range(_HALVINGS):
            middle = low * math.sqrt(high / low)
            if not low < middle < high:
                break
            low, high = (middle, high) if below(middle) else (low, middle)
        return low


def stops_after(
    evaluator: Evaluator, decision: Decision, loss: Any, level: Bound, exponent: Bound | None, per_step: Bound | None
) -> int | None:
    """Return the number of steps of the largest size after which ψ(f_τ) ≤ δ, or None.

    Args:
        evaluator, decision: of the same candidate. loss: runtime loss.
        level: δ; its lower end is what has to be reached.
        exponent: the increase of Ψ by such a step (forms paper, integral, concave).
        per_step: the increase of ln‖r‖ by such a step, or (schedules) a bound of it that is proportional to the step.
    """
    values = decision.values
    target = level.lower
    if values[s.psi_0].upper <= target:
        return 0
    if not target > 0:
        return None
    if evaluator.theorem.form.contracts_residual:
        if per_step is None or not per_step.upper < 0:
            return None
        with flint.ctx.workprec(_BITS):
            env = {
                s.psi_0: flint.arb(values[s.psi_0].upper),
                formulas.noise_level: flint.arb(target),
                formulas.log_contraction: flint.arb(per_step.upper),
            }
            return whole_above(Bound.from_arb(call(formulas.steps_to_level, env)).upper)
    if exponent is None:
        return None
    from dipproofs.losses import iterations_to

    constants = evaluator.base.loss_parameters
    goal = loss_at_level(loss, target, values[s.loss_0], constants)
    return iterations_to(loss, values[s.loss_0], goal, exponent, constants) if goal > 0 else None


def stopping_tolerance(loss: Any, y: np.ndarray, start: float, level: Bound, dtype: np.dtype) -> float:
    """Estimate the loss at which ψ falls to δ, low enough that rounding of the run's loss does not matter.

    Args:
        loss: runtime loss. y: (m,) data of the run. start: the loss at its start. level: δ.
        dtype: number format of the run.
    """
    if not (level.lower > 0 and 0 < start < math.inf):
        return 0.0
    high = Bound.exact(start * 2)
    e = loss_at_level(loss, level.lower, high, loss.constants(y, high))
    rounding = 64 * float(np.finfo(dtype).eps) * (1 + float(np.linalg.norm(y)) / level.lower)
    return e * (1 - min(rounding + 1e-9, 0.5))


def reaches_everything(evaluator: Evaluator, decision: Decision) -> Verdict:
    """Decide whether the Jacobian of h is onto along the whole ball B(θ_0, S)."""
    values = decision.values
    if s.S not in values:
        return Verdict.UNDECIDED
    env = {**evaluator.env, s.S: flint.arb(values[s.S].upper)}
    left = [evaluator.bound(call(expr, env)) for expr in evaluator.theorem.onto]
    return Verdict.PROVED if any(value.gt(0) is Verdict.PROVED for value in left) else Verdict.UNDECIDED


def whole_above(value: float) -> int | None:
    """Return an integer ≥ 0 that is surely at least a number which was rounded; None for too large ones."""
    return max(0, math.ceil(value * (1 + 1e-15))) if math.isfinite(value) and value < 1e15 else None
