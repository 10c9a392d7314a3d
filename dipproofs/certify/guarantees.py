"""What follows from proved hypotheses (docs/theory.md §3, §3.2)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from typing import Any

import flint

from dipproofs.certificate.conditional import NEEDS_LOSS
from dipproofs.certificate.record import Guarantees
from dipproofs.certify.decide import BITS, Decision, Evaluator
from dipproofs.certify.methods.floats import exactly
from dipproofs.descent import Backtracking, Constant, Schedule
from dipproofs.enclosures import Bound, Verdict
from dipproofs.enclosures.evaluate import call
from dipproofs.networks import Network
from dipproofs.recovery.early_stopping import reaches_everything, stops_after, whole_above
from dipproofs.recovery.signal_error import Recovery
from dipproofs.theory import conditions
from dipproofs.theory import symbols as s


def guarantee(
    evaluator: Evaluator,
    decision: Decision,
    loss: Any,
    schedule: Schedule,
    iteration: int,
    targets: Iterable[float],
    recovery: Recovery | None = None,
    network: Network | None = None,
) -> Guarantees:
    """Derive the guarantees of a decided certificate; only call it when every hypothesis holds.

    Args:
        evaluator, decision: of the same candidate.
        loss: runtime loss.
        schedule, iteration: step sizes from the certified iterate on.
        targets: values of the loss for ``iterations_to_loss``.
        recovery, network: for what is said about the signal; the network at the certified iterate.
    """
    values = decision.values
    with flint.ctx.workprec(BITS):
        F_inf = values[s.F_inf]
        distance = at_both_ends(evaluator.theorem.conclusions["distance_to_limit"], evaluator.env, F_inf)
        if evaluator.theorem.form.contracts_residual:
            contraction = at_both_ends(conditions.residual_contraction, evaluator.env, F_inf)
            log_contraction = evaluator.bound(contraction.log()) if contraction > 0 else None
            # ln(1−γ_i y) ≤ −γ_i y is proportional to γ_i, as `scheduled_count` needs
            per_step = log_contraction if isinstance(schedule, Constant) else evaluator.bound(contraction - 1)
            exponent = None
        else:
            exponent = evaluator.bound(at_both_ends(conditions.rate_exponent, evaluator.env, F_inf))
            per_step = None
            log_contraction = loss_contraction(evaluator, loss, exponent)
    constant = isinstance(schedule, Constant)
    counts = {}
    for target in targets:
        if evaluator.theorem.form.contracts_residual:
            needed = _residual_count(values[s.loss_0], target, per_step)
        else:
            needed = _count(evaluator, loss, values[s.loss_0], target, exponent)
        counts[exactly(target)] = needed if constant else scheduled_count(evaluator, schedule, iteration, needed)
    extra: dict[str, Any] = {"limit_has_zero_loss": schedule.diverges}
    stop = error = None
    if recovery is not None and network is not None:
        if recovery.applies and recovery.noise is not None:
            stop = stops_after(evaluator, decision, loss, recovery.noise.level, exponent, per_step)
            stop = stop if constant else scheduled_count(evaluator, schedule, iteration, stop)
        error, extra["recovery"] = recovery.report(
            network, values[s.psi_0], lambda: reaches_everything(evaluator, decision), stop, schedule.diverges
        )
    return Guarantees(
        distance_to_limit=evaluator.bound(distance),
        log_contraction_per_step=log_contraction if constant else None,
        rate_exponent=exponent,
        iterations_to_loss=counts,
        early_stopping_iteration=stop,
        recovery_error=error,
        extra=extra,
    )


def without_descent(recovery: Recovery, network: Network, psi_0: Bound) -> Guarantees:
    """State what needs no descent, only the loss's assumptions: error and stopping bound at this iterate (§7).

    Args:
        recovery: what is known of noise and signal. network: the iterate. psi_0: ψ there.
    """
    noise = recovery.noise if recovery.applies else None
    stop = 0 if noise is not None and psi_0.upper <= noise.level.lower else None
    error, entry = recovery.report(network, psi_0, lambda: Verdict.UNDECIDED, stop, None)
    return Guarantees(early_stopping_iteration=stop, recovery_error=error, extra={"recovery": entry})


def without_assumptions(recovery: Recovery, network: Network) -> Guarantees:
    """State what holds whatever the loss is: noise, norms, and the true error where the signal is known."""
    _, entry = recovery.report(network, Bound(0.0, math.inf), lambda: Verdict.UNDECIDED, None, None)
    return Guarantees(extra={"recovery": {**entry, **dict.fromkeys(NEEDS_LOSS)}})


def at_both_ends(expr: Any, env: Any, F_inf: Bound) -> Any:
    """Enclose a conclusion that is monotone in F_∞ (which exceeds x) by its values at the two ends of F_∞.

    A wide ball around F_∞ would be squared to one that contains 0 although F_∞ is bounded away from it.
    """
    ends = [call(expr, {**env, s.F_inf: flint.arb(end)}) for end in (F_inf.lower, F_inf.upper)]
    if not all(end.is_finite() for end in ends) or not _exceeds_correction(env, F_inf):
        return call(expr, {**env, s.F_inf: F_inf.arb()})
    return ends[0].union(ends[1])


def _exceeds_correction(env: Any, F_inf: Bound) -> bool:
    left = flint.arb(F_inf.lower) * env.get(s.step_weakening, flint.arb(1))
    return bool(left > env.get(s.curvature_correction, flint.arb(0)))


def loss_contraction(evaluator: Evaluator, loss: Any, exponent: Bound) -> Bound | None:
    """Bound ln(ψ(f_{τ+1})/ψ(f_τ)) for losses with ψ(e) = √(const·e): Ψ = −const·ln(e)/4."""
    constants = evaluator.base.loss_parameters
    squared = call_bound(loss.psi**2 / s.e, constants)
    if squared is None:
        return None
    return -(exponent * 2 / squared)


def call_bound(expr: Any, constants: Any) -> Bound | None:
    """Enclose an expression if it does not depend on e, else None."""
    from dipproofs.enclosures import enclose

    if s.e in expr.free_symbols:
        expr = _simplified(expr)
    return None if s.e in expr.free_symbols else enclose(expr, constants)


@cache
def _simplified(expr: Any) -> Any:
    """Simplify, unless two values show that the expression does depend on e; that takes SymPy a moment only."""
    import sympy as sp

    others = {symbol: sp.Rational(7 + i, 5) for i, symbol in enumerate(sorted(expr.free_symbols - {s.e}, key=str))}
    try:
        one, other = (complex(sp.N(expr.subs({**others, s.e: sp.Rational(n, 8)}))) for n in (1, 3))
    except TypeError:  # a function without a formula has no value
        return sp.simplify(expr)
    return expr if abs(one - other) > 1e-6 * abs(one) else sp.simplify(expr)


def _residual_count(loss_0: Bound, target: float, log_contraction: Bound | None) -> int | None:
    """Smallest N with f_0·exp(2N·log_contraction) ≤ target."""
    if loss_0.upper <= target:
        return 0
    if log_contraction is None or not log_contraction.upper < 0 or not target > 0:
        return None
    with flint.ctx.workprec(BITS):
        gap = flint.arb(loss_0.upper).log() - flint.arb(target).log()
        return whole_above(float((gap / (-2 * flint.arb(log_contraction.upper))).upper()))


def _count(evaluator: Evaluator, loss: Any, loss_0: Bound, target: float, exponent: Bound | None) -> int | None:
    from dipproofs.losses import iterations_to

    if exponent is None:
        return None
    return iterations_to(loss, loss_0, target, exponent, evaluator.base.loss_parameters)


def scheduled_count(evaluator: Evaluator, schedule: Schedule, iteration: int, needed: int | None) -> int | None:
    """Turn a number of steps of the largest size into a number of scheduled steps.

    The conclusions depend on Σγ_iκ̃(q_i) with κ̃ decreasing in q (residual form: on Σγ_i, through ln(1−z) ≤ −z), so
    that a step γ_i ≤ γ is worth at least γ_i/γ of a step γ.
    """
    if needed is None or needed == 0 or evaluator.theorem.form.searched:  # then the rate is that of accepted steps
        return needed
    if isinstance(schedule, Backtracking):
        L = evaluator.bound(evaluator.env[s.lipschitz_grad]).upper if s.lipschitz_grad in evaluator.env else math.inf
        worth = schedule.smallest_step(evaluator.candidate.gamma, L) / evaluator.candidate.gamma
        return math.ceil(needed / worth) if worth > 0 and needed / worth < 1e15 else None
    scale = schedule.supremum(iteration)
    high = needed
    while schedule.sum_lower(iteration, high) < needed * scale:
        high *= 2
        if high > 10**15:
            return None
    low = high // 2
    return low + bisect_left(range(low, high), needed * scale, key=lambda n: schedule.sum_lower(iteration, n))
