"""What follows from the hypotheses, derived again (docs/theory.md §3, §3.2); one function per guarantee."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import sympy as sp
from flint import arb

from dipproofs.certificate.read import Claim, is_count, is_number
from dipproofs.theory import conditions, schedules
from dipproofs.theory import symbols as s
from dipproofs.verify.arithmetic.expressions import decide, evaluate, exact

if TYPE_CHECKING:
    from dipproofs.verify.audit import Audit


def steps_left(audit: Audit) -> tuple[arb | None, arb | None, arb]:
    """The largest and the smallest γ_0 from here on, as the run's list of (iteration, step) has them; the factor of γ.

    Raises:
        ValueError: a list or a schedule that is not of the format.
    """
    t, steps = audit.record["iteration"], audit.run.get("steps") if isinstance(audit.run, dict) else None
    factor = evaluate(_schedule(audit).largest, _schedule_env(audit))
    if steps is None:
        return None, None, factor
    pairs = isinstance(steps, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in steps)
    if not pairs or not all(is_count(at) and is_number(step) and step > 0 for at, step in steps):
        raise ValueError("run.steps: expected a list of [iteration, step > 0]")
    starts = [at for at, _ in steps]
    if not starts or starts[0] > t or any(here >= there for here, there in pairwise(starts)):
        raise ValueError(f"run.steps: found the iterations {starts[:9]}, expected them to increase, from at most {t}")
    left = [exact(step) for (_, step), until in zip(steps, [*starts[1:], math.inf]) if until > t]
    return reduce(arb.max, left), reduce(arb.min, left), factor


def _schedule(audit: Audit) -> schedules.ScheduleTheory:
    kind = audit.record["schedule"].get("kind")
    if not isinstance(kind, str) or kind not in schedules.SCHEDULES:
        raise ValueError(f"schedule.kind: found {kind!r}, expected one of {', '.join(schedules.SCHEDULES)}")
    return schedules.SCHEDULES[kind]


def _schedule_env(audit: Audit) -> dict[Any, arb]:
    env = {**audit.env, s.gamma: audit.gamma, schedules.start: arb(audit.record["iteration"])}
    env |= searched(audit)
    for name, (symbol, least) in _schedule(audit).options.items():
        value = audit.record["schedule"].get(name)
        if not is_number(value) or value < least:
            raise ValueError(f"schedule.{name}: found {value!r}, expected a number ≥ {least}")
        env[symbol] = exact(value)
    return env


def searched(audit: Audit) -> dict[Any, arb]:
    """c and the factor between trials, where the steps are searched for; ½ where an older record leaves them out.

    Raises:
        ValueError: numbers that are no such factors.
    """
    record = audit.record["schedule"]
    if record.get("kind") != "backtracking":
        return {}
    found = {}
    for name, symbol, largest in (("decrease", s.decrease, arb("0.5")), ("shrink", s.shrink, arb(1))):
        value = record.get(name, 0.5)
        if not is_number(value) or not (0 < value <= largest and value < 1):
            raise ValueError(f"schedule.{name}: found {value!r}, expected a number in ]0, {largest}]")
        found[symbol] = exact(value)
    return found


def check_step(audit: Audit) -> None:
    """γ must be the largest step from the certified iterate on; no more than rounding above it."""
    step, _, factor = steps_left(audit)
    if step is None or audit.verdict != "proved":
        return
    if audit.record["schedule"]["kind"] == "backtracking":
        if not audit.gamma >= step:  # the first trial, of which the steps of the run are what was accepted
            audit.find(
                f"quantities.gamma: found {float(audit.gamma)}, expected at least the accepted step {float(step)}"
            )
        return
    largest = step * factor
    slack = largest * arb(2) ** -30 + (step * arb(2) ** -38 if audit.record["schedule"]["kind"] == "cosine" else 0)
    if not (audit.gamma >= largest.lower() and audit.gamma <= largest + slack):
        audit.find(f"quantities.gamma: found {float(audit.gamma)}, expected the run's largest step {float(largest)}")


def steps_taken(audit: Audit, count: int) -> arb:
    """Lower bound of Σγ_i/γ over that many steps from the certified iterate on."""
    if audit.form == "backtracking":  # its rate is that of accepted steps
        return arb(count)
    total = evaluate(_schedule(audit).total, {**_schedule_env(audit), schedules.count: arb(count)})
    _, step, factor = steps_left(audit)
    if audit.record["schedule"]["kind"] == "backtracking":  # its total bounds every accepted step from below
        return total
    return total * (1 / factor if step is None else step / audit.gamma)


def diverges(audit: Audit) -> bool:
    """Whether Σγ_i = ∞ is sure, so that the loss tends to 0."""
    return decide(_schedule(audit).diverges, _schedule_env(audit)) is True


def _constant(audit: Audit) -> bool:
    return audit.record["schedule"]["kind"] == "constant" and bool(steps_taken(audit, 1) >= 1)


def reached(audit: Audit, count: int, target: arb) -> bool:
    """Whether the loss is surely at most ``target`` after that many further steps."""
    env, loss = audit.env, audit.loss.theory
    if env[s.loss_0] <= target:
        return True
    amount = steps_taken(audit, count)
    if audit.theorem.form.contracts_residual:
        contraction = evaluate(conditions.residual_contraction, env)
        # −ln(1−cx) ≥ cx: a shorter step contracts the residual at least by this much
        decrease = amount * (-contraction.log() if _constant(audit) else 1 - contraction)
        return bool(2 * decrease >= (env[s.loss_0] / target).log())
    here, there = (audit.loss.at_value(loss.Psi_scaled, {**env, s.e: e}) for e in (env[s.loss_0], target))
    return bool(here + amount * evaluate(conditions.rate_exponent, env) >= there)


_simplified = lru_cache(maxsize=256)(sp.simplify)


def _conclusion(audit: Audit, name: str, value: Any) -> None:
    """A formula of the theorem, monotone in F_∞, or ln of the contraction for ψ(e) = √(Ce): Ψ = −(C/4)ln e."""
    key, claim = name.split(".")[-1], Claim.parse(value)
    if claim.evidence != "proved":
        raise ValueError(f"found evidence {claim.evidence!r}, expected 'proved' with the verdict 'proved'")
    if key == "distance_to_limit" and audit.vanishing is not None and not claim.lower <= 0:
        raise ValueError(f"found {claim}, expected from 0 on: the loss may be 0")
    truth = audit.theorem.conclusions.get(key, sp.nan)
    if key == "log_contraction_per_step":
        ratio = _simplified(audit.loss.theory.psi_scaled**2 / s.e)
        if truth is sp.nan and s.e not in ratio.free_symbols:
            truth = -2 * conditions.rate_exponent / ratio
        if not _constant(audit):
            truth = sp.nan
    audit.compare(name, claim, *(evaluate(truth, {**audit.env, s.F_inf: end}) for end in audit.path))


def _iterations(audit: Audit, name: str, value: Any) -> None:
    for key, count in value.items():
        target = float(key)
        if not 0 < target < math.inf:
            raise ValueError(f"found the target {key!r}, expected a positive number")
        if count is not None and not (is_count(count) and audit.reached(count, exact(target))):
            audit.find(f"{name}.{key}: found {count}, expected more, an integer: not proved by then")


def _zero_loss(audit: Audit, name: str, value: Any) -> None:
    """f(θ_∞) = 0 if Σγ_i = ∞."""
    if value is not diverges(audit):
        raise ValueError(f"found {value!r}, expected {diverges(audit)} from the schedule")


CHECKS: dict[str, Callable[[Audit, str, Any], None]] = {
    "distance_to_limit": _conclusion, "log_contraction_per_step": _conclusion, "rate_exponent": _conclusion,
    "iterations_to_loss": _iterations, "limit_has_zero_loss": _zero_loss,
}  # fmt: skip
