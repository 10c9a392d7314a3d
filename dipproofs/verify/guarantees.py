"""What follows from the hypotheses, derived again (docs/theory.md §3, §3.2, §7); one function per guarantee."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sympy as sp
from flint import arb

from ..theory import conditions
from ..theory import symbols as s
from .claims import Claim
from .recovery import Recovery
from .run import largest_factor, step_in_force
from .walker import evaluate, exact

if TYPE_CHECKING:
    from .audit import Audit


def _proved(value: Any) -> Claim:
    """A claim that nothing weaker than a proof supports."""
    claim = Claim.parse(value)
    if claim.evidence != "proved":
        raise ValueError(f"found evidence {claim.evidence!r}, expected 'proved' with the verdict 'proved'")
    return claim


def _distance(audit: Audit, name: str, value: Any) -> None:
    residual = audit.form == "residual"
    formula = conditions.distance_to_limit_residual if residual else conditions.distance_to_limit
    audit._row(name, _proved(value), evaluate(formula, audit.env))


def _rate_exponent(audit: Audit, name: str, value: Any) -> None:
    truth = None if audit.form == "residual" else evaluate(conditions.rate_exponent, audit.env)
    audit._row(name, _proved(value), truth)


def _log_contraction(audit: Audit, name: str, value: Any) -> None:
    """Residual form: ln of the contraction; else, for ψ(e) = √(Ce), Ψ = −(C/4)ln e, so ψ contracts by −2·exponent/C."""
    truth: arb | None = None
    if audit.record["schedule"].get("kind") == "constant":
        ratio = sp.simplify(audit.loss.theory.psi_scaled**2 / s.e)
        if audit.form == "residual":
            truth = evaluate(conditions.residual_contraction, audit.env).log()
        elif s.e not in ratio.free_symbols:
            truth = -2 * evaluate(conditions.rate_exponent, audit.env) / evaluate(ratio, audit.env)
    audit._row(name, _proved(value), truth)


def progress(audit: Audit, steps: int) -> arb:
    """Lower bound of Σγ_i/γ over that many steps from the certified iterate on."""
    schedule, t = audit.record["schedule"], audit.record["iteration"]
    kind, count = schedule.get("kind"), arb(steps)
    if kind == "constant":
        return count
    if kind == "backtracking" and s.lipschitz_grad in audit.env:
        # a trial below 1/L is never halved, so that every step is at least 1/(2L), or γ itself
        return count * arb(1).min(1 / (2 * audit.env[s.lipschitz_grad] * audit.gamma))
    step = step_in_force(audit.run_record, t)
    relative = 1 / largest_factor(schedule, t) if step is None else step / audit.gamma
    if kind == "polynomial":
        # Σ_{τ=t}^{t+N−1} (1+τ)^{−a} ≥ ∫_{t+1}^{t+N+1} x^{−a} dx
        a, start = exact(float(schedule["power"])), arb(1 + t)
        end = start + count
        if a == 1:
            return (end / start).log() * relative
        return (end ** (1 - a) - start ** (1 - a)) / (1 - a) * relative
    if kind == "cosine":
        # the factor decreases, so the sum is at least its integral from t to t+N
        T = int(schedule["horizon"])
        first, last = min(t, T), min(t + steps, T)
        sines = (arb.pi() * last / T).sin() - (arb.pi() * first / T).sin()
        return (arb(last - first) / 2 + arb(T) / (2 * arb.pi()) * sines) * relative
    return arb(0)


def loss_after(audit: Audit, steps: int) -> Callable[[arb], bool]:
    """Return a test whether the loss is surely at most a target after that many further steps."""
    env, theory = audit.env, audit.loss.theory

    def reached(target: arb) -> bool:
        if env[s.loss_0] <= target:
            return True
        amount = progress(audit, steps)
        if audit.form == "residual":
            factor = 1 - evaluate(conditions.residual_contraction, env)
            constant = audit.record["schedule"].get("kind") == "constant"
            # −ln(1−cx) ≥ cx: a shorter step contracts the residual at least by this much
            decrease = -amount * (1 - factor).log() if constant else amount * factor
            return bool(2 * decrease >= (env[s.loss_0] / target).log())
        Psi = theory.Psi_scaled
        here, there = (evaluate(Psi, {**env, s.e: e}) for e in (env[s.loss_0], target))
        return bool(here + amount * evaluate(conditions.rate_exponent, env) >= there)

    return reached


def _iterations(audit: Audit, name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"found {type(value).__name__}, expected counts by target")
    for key, count in value.items():
        target = float(key)
        if not 0 < target < 1e300:
            raise ValueError(f"found the target {key!r}, expected a positive number")
        if count is None:
            continue
        if not _whole(count):
            audit.find(f"{name}.{key}: found {count!r}, expected an integer ≥ 0")
        elif not loss_after(audit, count)(exact(target)):
            audit.find(f"{name}.{key}: found {count}, expected more: not proved by then")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18


def _early_stopping(audit: Audit, name: str, value: Any) -> None:
    """ψ(f_τ) ≤ δ from this iteration on; δ is ‖Πε‖ from the stored x̄, or as the record states it."""
    if not _whole(value):
        raise ValueError(f"found {value!r}, expected an integer ≥ 0")
    level = Recovery(audit).level()
    env, theory = audit.env, audit.loss.theory
    if env[s.psi_0] <= level:
        return
    # the largest loss with ψ ≤ δ, by bisection of its logarithm
    low, high = arb(0), env[s.loss_0].mid()
    for _ in range(200):
        middle = ((low * high).sqrt() if low > 0 else high / 2**20).mid()
        if evaluate(theory.psi_scaled, {**env, s.e: middle}) <= level:
            low = middle
        else:
            high = middle
        if low > 0 and (high - low) < 1e-20 * high:
            break
    if not (low > 0 and loss_after(audit, value)(low)):
        audit.find(f"{name}: found {value}, expected more: ψ(f) ≤ ‖Πε‖ is not proved by then")


def _recovery_error(audit: Audit, name: str, value: Any) -> None:
    audit._row(name, Claim.parse(value), Recovery(audit).values().get("error"))


def _recovery(audit: Audit, name: str, value: Any) -> None:
    """The parts of the recovery bound, and what is said beside it."""
    if not isinstance(value, dict):
        raise ValueError(f"found {type(value).__name__}, expected the parts of the recovery bound")
    recovery = Recovery(audit)
    truths = recovery.values()
    early, sharp = value.get("early_stopping") or {}, value.get("sharp") or {}
    claims = {
        **value,
        **{f"early_stopping.{k}": v for k, v in early.items()},
        **{f"sharp.{k}": v for k, v in sharp.items()},
    }
    for key, claim in claims.items():
        if key in ("early_stopping", "sharp", "limit", "noise_source") or claim is None or isinstance(claim, str):
            continue
        if key == "restricted_injectivity":
            recovery.restricted(f"{name}.{key}", claim)
        else:
            audit._row(f"{name}.{key}", Claim.parse(claim), truths.get(key), least=0.0)


def _zero_loss(audit: Audit, name: str, value: Any) -> None:
    """f(θ_∞) = 0 if Σγ_i = ∞."""
    schedule = audit.record["schedule"]
    slow = schedule.get("kind") == "polynomial" and float(schedule["power"]) <= 1
    diverges = schedule.get("kind") in ("constant", "backtracking") or slow
    if not isinstance(value, bool) or (value and not diverges):
        raise ValueError(f"found {value!r}, expected {diverges} from the schedule")


GUARANTEES: dict[str, Callable[[Audit, str, Any], None]] = {
    "distance_to_limit": _distance,
    "log_contraction_per_step": _log_contraction,
    "rate_exponent": _rate_exponent,
    "iterations_to_loss": _iterations,
    "early_stopping_iteration": _early_stopping,
    "recovery_error": _recovery_error,
    "recovery": _recovery,
    "limit_has_zero_loss": _zero_loss,
}
