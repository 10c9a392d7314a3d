"""Certify an iterate of heavy ball or Nesterov's method with its state, or Adam's next iterations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import flint
import numpy as np

from dipproofs.certificate.record import Certificate, Guarantees, Hypothesis
from dipproofs.certify.methods import adam, heavy_ball, nesterov
from dipproofs.certify.methods.ball import FORM, ProfileBall
from dipproofs.certify.methods.decide import BITS, Decision
from dipproofs.certify.methods.exchange import ExchangedRecursion
from dipproofs.certify.methods.floats import exactly
from dipproofs.certify.methods.heavy_ball import Recursion
from dipproofs.certify.methods.method import Method
from dipproofs.certify.methods.metric import adam_setting
from dipproofs.certify.methods.setting import Direction, Setting
from dipproofs.certify.methods.state import direction, gradient_norm
from dipproofs.certify.quantities import NAMES, Base, loss_scale
from dipproofs.enclosures import Bound, Evidence, IntervalMatrix, Verdict
from dipproofs.enclosures.evaluate import call
from dipproofs.enclosures.widen import widened
from dipproofs.networks.linearisation import as_vectors
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import symbols as m

#: Producers by method: each has `propose`, `prove` and `levels`.
PRODUCERS: dict[str, Any] = {"heavy-ball": heavy_ball, "nesterov": nesterov}
#: What follows is stated with this slack, so that another arithmetic, with other η, can confirm it.
_MARGIN = 1e-6
_MISSING = "export the optimiser's state: −lr·momentum_buffer as state/velocity/NAME"


@dataclass(frozen=True)
class Momentum:
    """What was decided about an iterate of a method with momentum.

    Args:
        hypotheses: with verdicts. quantities: by JSON name. profile: of s.
        guarantees: that follow if all hypotheses hold. record: what the certificate adds to ``method``.
        onto: whether J is onto along the path. iterations_to_residual: after which ‖r‖ is surely at most a level.
    """

    hypotheses: tuple[Hypothesis, ...]
    quantities: Mapping[str, Bound | None]
    profile: str
    guarantees: Guarantees
    record: Mapping[str, Any]
    onto: Verdict = Verdict.UNDECIDED
    iterations_to_residual: Callable[[float], int | None] | None = None


def certify_momentum(
    base: Base, method: Method, before: list[Hypothesis], targets: Iterable[float], common: dict[str, Any],
    now: Guarantees, signal: Any,
) -> Certificate:  # fmt: skip
    """Decide the theorem about a method with momentum and say what follows.

    Args:
        base: quantities. method: with its state.
        before: hypotheses that were decided already. targets: losses to count iterations to.
        common: what the certificate has whatever is decided. now: guarantees that need no descent.
        signal: (recovery, network), or None.
    """
    c = loss_scale(base.loss, base.y.size) if base.loss.projects_data else Bound.exact(1)
    found = decide(base, setting(base, method), method, targets, c)
    verdict = Verdict.of_all(hypothesis.verdict for hypothesis in (*before, *found.hypotheses))
    guarantees = now
    if verdict is Verdict.PROVED:
        guarantees = found.guarantees if signal is None else _with_signal(found, base, signal)
    return Certificate(
        verdict=verdict,
        form=FORM,
        profile=found.profile,
        quantities=found.quantities,
        hypotheses=(*before, *found.hypotheses),
        guarantees=guarantees,
        **{**common, "method": {**common["method"], **found.record}},
    )


def _with_signal(found: Momentum, base: Base, signal: Any) -> Guarantees:
    recovery, network = signal
    stop = None
    if recovery.applies and recovery.noise is not None and found.iterations_to_residual is not None:
        level = recovery.noise.level.lower
        stop = 0 if base.values[s.psi_0].upper <= level else found.iterations_to_residual(level)
    error, entry = recovery.report(network, base.values[s.psi_0], lambda: found.onto, stop, True)
    extra = {**found.guarantees.extra, "recovery": entry}
    return replace(found.guarantees, early_stopping_iteration=stop, recovery_error=error, extra=extra)


def setting(base: Base, method: Method) -> Setting | str:
    """Tell the theorem what is known, or say in one line what is missing."""
    network = base.network
    if not hasattr(network, "linearisation"):
        return f"the network {network.kind!r} does not offer its Jacobian for methods with a state"
    if base.residual_scale is None:
        return "the theorem is about the squared loss"
    linearisation = network.linearisation(base.operator)
    D = method.velocity(network.parameters())
    if D is None:
        return f"the method's state is incomplete; {_MISSING}"
    if any(D[name].shape != array.shape for name, array in network.parameters().items() if name in D):
        return f"the method's state has other shapes than the parameters; {_MISSING}"
    residual = _residual(base)
    told = Direction.zero()
    sigma, norm = base.values[s.sigma_AJ], base.values[s.psi_0]
    if D:
        told = direction(linearisation, residual, norm, sigma, D)
        told = Direction(*(widened(bound) for bound in (told.norm, told.slope, told.newton)))
    return Setting(
        norm, gradient_norm(linearisation, residual), ProfileBall(base), told, method.step, method.momentum,
        base.residual_scale,
    )  # fmt: skip


def _residual(base: Base) -> IntervalMatrix:
    """v − y; v is enclosed, or estimated with the quantities."""
    v = base.prediction
    v = v if isinstance(v, IntervalMatrix) else IntervalMatrix.from_exact(np.asarray(v, np.float64))
    return v - IntervalMatrix.from_exact(base.y)


def decide(base: Base, told: Setting | str, method: Method, targets: Iterable[float], c: Bound) -> Momentum:
    """Decide the theorem at an iterate.

    Args:
        base: quantities. told: of `setting`. method: as it goes on.
        targets: losses to count iterations to. c: the loss is c‖r‖².
    """
    named: dict[str, Bound | None] = {NAMES[x]: bound for x, bound in base.values.items() if x in NAMES}
    named["gamma"] = Bound.exact(method.step)
    if isinstance(told, str):
        return _nothing(named, told)
    producer = PRODUCERS[method.kind]
    decision: Decision | None = producer.prove(told)
    if decision is None or not _storable(decision):
        return _nothing(named, _why_nothing(base, method, decision))
    rho = float(decision.parameters[s.rho])
    ball: ProfileBall = told.ball  # type: ignore[assignment]
    named |= {NAMES[x]: bound for x, bound in ball.quantities(rho).items() if x in NAMES}
    named["rho"] = Bound.exact(rho)
    # their margins are at the weakest ends of what is given, and no enclosures of those at the truth
    hypotheses = (
        _injective(decision, ball.profile(rho, rho)),
        *(replace(h, margin=None) for h in decision.hypotheses),
    )
    record: dict[str, Any] = {
        "parameters": decision.recorded,
        "state": {"norm": told.direction.norm.to_json(), "slope": told.direction.slope.to_json()},
    }
    proved = all(h.verdict is Verdict.PROVED for h in hypotheses)
    if not proved:
        return Momentum(hypotheses, named, ball.plan(rho).profile, Guarantees(), record)
    S = Bound(0.0, decision.bound(m.path).upper)
    named["S"] = S
    least = max(ball.profile(rho, S.upper).lower, 0.0)
    named["F_inf"] = Bound(least, ball.profile(rho, 0.0).upper, ball.evidence)
    record["lyapunov"] = decision.bound(m.W_0).to_json()
    record["contraction"] = decision.bound(m.contraction).to_json()
    targets = [target for target in targets if target > 0]
    recursion: Recursion = producer.levels(decision)
    weight = decision.env[m.d_R] / (decision.env[m.beta] if producer is heavy_ball else 1)
    weight = flint.arb(weight.lower())
    if producer is heavy_ball:
        recursion = ExchangedRecursion(decision, told, min(targets, default=0.0) / c.upper)
        record |= {"exchanges": [e.to_json() for e in recursion.exchanges]} if recursion.exchanges else {}

    def iterations(residual: float) -> int | None:
        with flint.ctx.workprec(BITS):
            return recursion.iterations_to_residual(flint.arb(residual) ** 2) if residual > 0 else None

    return Momentum(
        hypotheses, named, ball.plan(rho).profile, _guarantees(recursion, decision, weight, targets, c), record,
        _onto(ball, rho, S), iterations,
    )  # fmt: skip


def _storable(decision: Decision) -> bool:
    """Whether the parameters that failed are numbers: where no ζ is positive it may be −∞."""
    return all(math.isfinite(value) for value in decision.parameters.values() if not isinstance(value, str))


def _why_nothing(base: Base, method: Method, decision: Decision | None) -> str:
    if decision is not None:
        return next((h.reason for h in decision.hypotheses if h.verdict is not Verdict.PROVED), "")
    if method.momentum == 0:
        return "the momentum is 0: use gradient-descent"
    if not base.values[s.sigma_AJ].lower > 0:
        return "M(θ)ᵀ is not shown to be injective on Im(A)"
    return "the change of the Jacobian is not bounded on any ball that would do; let the run go on"


def _nothing(named: dict[str, Bound | None], why: str) -> Momentum:
    hypothesis = Hypothesis("method", "the theorem about the method applies", Verdict.UNDECIDED, None, why)
    return Momentum((hypothesis,), named, "observation", Guarantees(), {})


def _injective(decision: Decision, value: Bound) -> Hypothesis:
    """Decided at the weakest end, stated with both."""
    verdict = decision.bound(m.injectivity).gt(0)
    reason = "" if verdict is Verdict.PROVED else "injectivity is lost inside the ball; let the run go on"
    return Hypothesis("injective", "F(rho) > 0", verdict, widened(value, _MARGIN), reason)


def _onto(ball: ProfileBall, rho: float, S: Bound) -> Verdict:
    """Whether J is onto along the path, from the expressions that the theorem has for that."""
    plan, env = ball.plan(rho), ball.constants(rho)
    with flint.ctx.workprec(BITS):
        left = [call(expr, {**env, s.S: flint.arb(S.upper)}) for expr in plan.theorem.onto]
    proved = ball.evidence is Evidence.PROVED and any(bool(value > 0) for value in left)
    return Verdict.PROVED if proved else Verdict.UNDECIDED


def _guarantees(
    recursion: Recursion, decision: Decision, weight: flint.arb, targets: Iterable[float], c: Bound
) -> Guarantees:
    """What follows; ‖r‖² ≤ W/weight."""
    counts: dict[str, int | None] = {}
    with flint.ctx.workprec(BITS):
        for target in targets:
            counts[exactly(target)] = recursion.iterations_to_residual(flint.arb(target) / flint.arb(c.upper))
        W = flint.arb(decision.env[m.W_0].upper())
        fall = recursion.slower(dict(decision.env), W).log() / 2
        size = (W / weight).sqrt()
    return Guarantees(
        distance_to_limit=Bound(0.0, decision.bound(m.path).upper, decision.evidence),
        log_contraction_per_step=widened(Bound.from_arb(fall, decision.evidence), _MARGIN) if fall < 0 else None,
        iterations_to_loss=counts,
        extra={
            "limit_has_zero_loss": True,
            "residual_envelope": widened(Bound.from_arb(size, decision.evidence), _MARGIN),
        },
    )


@dataclass(frozen=True)
class Horizon:
    """The statement about Adam's next iterations.

    Args:
        verdict: proved or undecided. iterations: N, 0 if there is none.
        residual_factor: R_{t+N}/R_t is at most its upper end.
        record: parameters and state for ``method``. reason: why it is undecided.
    """

    verdict: Verdict
    iterations: int
    residual_factor: Bound | None
    record: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return ``claims.horizon``."""
        factor = None if self.residual_factor is None else self.residual_factor.to_json()
        found = {"verdict": str(self.verdict), "iterations": self.iterations, "residual_factor": factor}
        return found | ({"reason": self.reason} if self.reason else {})


def adam_setting_of(base: Base, method: Method) -> adam.AdamSetting | str:
    """Tell the theorem about Adam what is known, or say in one line what is missing."""
    network = base.network
    if base.residual_scale is None:
        return "the statement is about the squared loss"
    if not hasattr(network, "linearisation"):
        return f"the network {network.kind!r} does not offer its Jacobian in Adam's metric"
    names = list(network.parameters())
    first, second, t = method.named("m", names), method.named("v", names), method.state.get("state/t")
    if first is None or second is None or t is None:
        return "the state is incomplete: export exp_avg, exp_avg_sq, step as state/m/NAME, state/v/NAME, state/t"
    beta_2, epsilon = (float(method.options.get(*known)) for known in (("beta2", 0.999), ("epsilon", 1e-8)))
    options = adam.AdamOptions(method.step, method.momentum, beta_2, epsilon, int(t))
    moments, linearisation = (as_vectors(first), as_vectors(second)), network.linearisation(base.operator)
    told = adam_setting(
        linearisation, _residual(base), base.values[s.psi_0], ProfileBall(base), options, base.residual_scale, moments
    )
    if told is None:
        return "a second moment may be 0 although its parameter moves the prediction; let the run go on"
    return told


def horizon(base: Base, method: Method) -> Horizon:
    """Decide the statement about the next ``claim_horizon`` iterations of Adam."""
    if not base.values[s.loss_0].lower > 0:
        return no_horizon("the loss may be exactly 0: no factor says how it falls from there")
    told = adam_setting_of(base, method)
    if isinstance(told, str):
        return no_horizon(told)
    asked = int(method.options.get("claim_horizon", 1000))
    decision = adam.prove(told, asked)
    if decision is None and told.ball.sigma > 0:  # type: ignore[attr-defined]
        return no_horizon("parameters with small gradients move far: the Jacobian is not bounded on so large a ball")
    if decision is None:
        return no_horizon("M(θ)ᵀ is not shown to be injective on Im(A) in Adam's metric")
    if decision.verdict is not Verdict.PROVED:
        why = next(h.reason for h in decision.hypotheses if h.verdict is not Verdict.PROVED)
        return no_horizon(why)
    record = {
        "parameters": decision.recorded,
        "state": {
            "norm": widened(told.direction.norm).to_json(), "slope": widened(told.direction.slope).to_json()
        },
    }  # fmt: skip
    factor = adam.residual_factor(told, decision)
    upper = math.nextafter(factor.upper * (1 + 1e-9), math.inf)
    if not math.isfinite(upper):
        return no_horizon("the residual may be exactly 0: certify at an earlier iterate")
    return Horizon(Verdict.PROVED, int(decision.parameters[m.horizon]), Bound(0.0, upper), record)


def larger_ball(base: Base, method: Method) -> float | None:
    """Estimate a Euclidean radius that holds the path in Adam's metric; None where the ball at hand does."""
    told = adam_setting_of(base, method)
    if isinstance(told, str) or not told.ball.sigma > 0:  # type: ignore[attr-defined]
        return None
    ball: Any = told.ball
    radius = math.sqrt(ball.largest) * adam.RADII[-1] * told.residual.upper / ball.sigma
    return radius if base.values[s.ball_radius].lower < radius < math.inf else None


def no_horizon(why: str) -> Horizon:
    return Horizon(Verdict.UNDECIDED, 0, None, {}, why)
