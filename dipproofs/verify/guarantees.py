"""What follows from the hypotheses, derived again (docs/theory.md §3, §3.2); one function per guarantee."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

import sympy as sp
from flint import arb

from ..certificate_file import Claim, is_count
from ..exact.expressions import evaluate, exact
from ..theory import conditions, schedules
from ..theory import symbols as s

if TYPE_CHECKING:
    from .audit import Audit


def largest_step(audit: Audit) -> tuple[arb | None, arb]:
    """Give γ_0 as the run's list of (iteration, step) has it from here on, None without one; and the largest factor.

    Raises:
        ValueError: a list or a schedule that is not of the format.
    """
    t, schedule = audit.record["iteration"], audit.record["schedule"]
    try:
        factor = evaluate(schedules.SCHEDULES[schedule["kind"]].largest, _schedule_env(audit))
        if not isinstance(audit.run, dict) or "steps" not in audit.run:
            return None, factor
        steps = [(int(at), exact(float(step))) for at, step in audit.run["steps"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"schedule, run.steps: expected a known kind and pairs of numbers; {error!r}") from None
    left = [step for at, step in steps if at > t] + [step for at, step in steps if at <= t][-1:]
    return reduce(arb.max, left, arb(0)), factor


def _schedule_env(audit: Audit) -> dict[Any, arb]:
    schedule, env = audit.record["schedule"], {**audit.env, s.gamma: audit.gamma}
    given = {schedules.power: "power", schedules.horizon: "horizon"}
    env |= {symbol: exact(float(schedule[key])) for symbol, key in given.items() if key in schedule}
    return env | {schedules.start: arb(audit.record["iteration"])}


def check_step(audit: Audit) -> None:
    """γ must be the largest step from the certified iterate on; no more than rounding above it."""
    step, factor = largest_step(audit)
    if step is None or audit.verdict != "proved":
        return
    largest = step * factor
    room = largest * arb(2) ** -30 + (step * arb(2) ** -38 if audit.record["schedule"]["kind"] == "cosine" else 0)
    if not (audit.gamma >= largest.lower() and audit.gamma <= largest + room):
        audit.find(f"quantities.gamma: found {float(audit.gamma)}, expected the run's largest step {float(largest)}")


def steps_taken(audit: Audit, count: int) -> arb:
    """Lower bound of Σγ_i/γ over that many steps from the certified iterate on."""
    kind = audit.record["schedule"]["kind"]
    total = evaluate(schedules.SCHEDULES[kind].total, {**_schedule_env(audit), schedules.count: arb(count)})
    step, factor = largest_step(audit)
    return total * (1 / factor if step is None else step / audit.gamma) if kind != "constant" else total


def reached(audit: Audit, count: int, target: arb) -> bool:
    """Whether the loss is surely at most ``target`` after that many further steps."""
    env, loss = audit.env, audit.loss.theory
    if env[s.loss_0] <= target:
        return True
    amount = steps_taken(audit, count)
    if audit.form == "residual":
        contraction = evaluate(conditions.residual_contraction, env)
        constant = audit.record["schedule"]["kind"] == "constant"
        # −ln(1−cx) ≥ cx: a shorter step contracts the residual at least by this much
        decrease = amount * (-contraction.log() if constant else 1 - contraction)
        return bool(2 * decrease >= (env[s.loss_0] / target).log())
    here, there = (evaluate(loss.Psi_scaled, {**env, s.e: e}) for e in (env[s.loss_0], target))
    return bool(here + amount * evaluate(conditions.rate_exponent, env) >= there)


def _conclusion(audit: Audit, name: str, value: Any) -> None:
    """A formula of the theorem, monotone in F_∞, or ln of the contraction for ψ(e) = √(Ce): Ψ = −(C/4)ln e."""
    key, claim = name.split(".")[-1], Claim.parse(value)
    if claim.evidence != "proved":
        raise ValueError(f"found evidence {claim.evidence!r}, expected 'proved' with the verdict 'proved'")
    truth = audit.theorem.conclusions.get(key, sp.nan)
    if key == "log_contraction_per_step":
        ratio = sp.simplify(audit.loss.theory.psi_scaled**2 / s.e)
        if truth is sp.nan and s.e not in ratio.free_symbols:
            truth = -2 * conditions.rate_exponent / ratio
        if audit.record["schedule"]["kind"] != "constant":
            truth = sp.nan
    audit.compare(name, claim, *(evaluate(truth, {**audit.env, s.F_inf: end}) for end in audit.path))


def _iterations(audit: Audit, name: str, value: Any) -> None:
    for key, count in value.items():
        target = float(key)
        if not 0 < target < 1e300:
            raise ValueError(f"found the target {key!r}, expected a positive number")
        if count is not None and not (is_count(count) and reached(audit, count, exact(target))):
            audit.find(f"{name}.{key}: found {count}, expected more, an integer: not proved by then")


def _zero_loss(audit: Audit, name: str, value: Any) -> None:
    """f(θ_∞) = 0 if Σγ_i = ∞."""
    schedule = audit.record["schedule"]
    diverges = schedules.SCHEDULES[schedule["kind"]].diverges.subs(schedules.power, float(schedule.get("power", 0)))
    if not isinstance(value, bool) or (value and diverges != sp.true):
        raise ValueError(f"found {value!r}, expected {diverges} from the schedule")


CHECKS: dict[str, Callable[[Audit, str, Any], None]] = {
    "distance_to_limit": _conclusion, "log_contraction_per_step": _conclusion, "rate_exponent": _conclusion,
    "iterations_to_loss": _iterations, "limit_has_zero_loss": _zero_loss,
}  # fmt: skip
