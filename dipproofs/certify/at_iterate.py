"""Certify one iterate: propose in floats, decide in enclosures, keep the best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import flint
import numpy as np

from dipproofs.certificate.record import Certificate, Guarantees, Hypothesis
from dipproofs.certificate.stored import StoredArrays
from dipproofs.certify.decide import BITS, Decision, Evaluator
from dipproofs.certify.guarantees import guarantee, without_assumptions, without_descent
from dipproofs.certify.methods.floating_point import with_floating_point
from dipproofs.certify.methods.forecast import with_forecast
from dipproofs.certify.methods.method import MOMENTUM, Method
from dipproofs.certify.provenance import provenance
from dipproofs.certify.quantities import NAMES, Base, enclose_base, enclose_loss, estimate_base, searched
from dipproofs.certify.rows import lost_in_projection
from dipproofs.certify.search import Candidate, Step, best
from dipproofs.certify.vanishing import at_its_bound, distance_from_zero, may_vanish, weakened
from dipproofs.descent import Constant, Schedule
from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.enclosures.threads import one_thread
from dipproofs.enclosures.widen import widened
from dipproofs.networks import Network
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.recovery.signal_error import Recovery
from dipproofs.theory import FORMS
from dipproofs.theory import symbols as s
from dipproofs.theory.forms import BEST
from dipproofs.theory.hypothesis import GO_ON
from dipproofs.theory.profiles import OBSERVATION

#: Losses to which iterations are counted in every certificate.
TARGETS = (1e-3, 1e-6, 1e-9, 1e-12)
#: Hypotheses that a loss may assert.
_ASSERTED = ("loss", "compact", "minimiser")
#: How many proposals are tried before giving up.
_ATTEMPTS = 4


def certify_at(
    problem: Any,
    network: Network,
    loss: Any,
    operator: OperatorBounds,
    step: Step,
    *,
    form: str = "best",
    arithmetic: str = "proved",
    iteration: int = 0,
    schedule: Schedule | None = None,
    targets: Iterable[float] = (),
    origin: Mapping[str, Any] | None = None,
    recovery: Recovery | None = None,
    method: Method | None = None,
    radius: float | None = None,
) -> Certificate:
    """Decide the theorem's hypotheses at one iterate.

    Args:
        problem: `InverseProblem`. network: parameters θ_t. loss: runtime loss.
        operator: `bound_operator` of the problem.
        step: largest step from here on, or a normalised step q.
        form: "best" or one form.
        arithmetic: "proved" or "estimated" (which never gives the verdict proved).
        iteration: index of the iterate; schedule: step sizes from there.
        targets: losses to count iterations to, besides `TARGETS`.
        origin: provenance; by default that of this process.
        recovery: what is known of noise and signal; None says nothing about them.
        method: another method with its state, as it goes on from here; None for gradient descent.
        radius: of the ball on which the network's constants have to hold, where they depend on it.

    Returns:
        The certificate with the best guarantees among those proved; else the most promising failure.
    """
    schedule = Constant() if schedule is None else schedule
    common: dict[str, Any] = {
        "iteration": iteration,
        "arrays": exact_arrays(problem, network, {} if method is None else method.state),
        "loss": loss.to_json() | {"convention": loss.convention, "assumed": list(loss.assumed)},
        "network": network.describe(),
        "schedule": schedule.to_json(),
        "provenance": origin or provenance("none", str(network.dtype)),
        "arithmetic": arithmetic,
    }
    lost = lost_in_projection(operator, problem, network, loss)
    if lost is not None:
        common["loss"]["projected"] = {"constant": lost.to_json()}
    if method is not None:
        common["method"] = method.to_json()
    applicable = _applicability(operator, loss, problem.y.size, form)
    if _blocked(applicable, loss):
        if operator.rank is None and recovery is not None and arithmetic == "proved":
            return _without_rank(operator, problem, network, loss, applicable, form, common, recovery)
        return _failure(applicable, form, {}, common)
    with one_thread(network.proof_cost(operator)):
        if arithmetic == "proved":
            base = enclose_base(operator, problem.y, network, loss, unprojected=unprojected(form), radius=radius)
        else:
            base = estimate_base(problem, network, loss, operator, unprojected=unprojected(form))
        momentum = method is not None and method.kind in MOMENTUM and not method.point_only
        base, start = searched(base, schedule), _start(base, moving=momentum)
        f_0 = base.values[s.loss_0]
        given = loss.assumptions(base.prediction, problem.y, f_0) if f_0.is_finite else ()
        before = [*_inside(applicable, loss, f_0), start, *given]
        signal = None if recovery is None else (recovery, network)
        known = f_0.is_finite and not _blocked(given, loss)
        now = Guarantees()
        if signal is not None:
            now = without_descent(*signal, base.values[s.psi_0]) if known else without_assumptions(*signal)
        if not known or (arithmetic == "proved" and not f_0.lower > 0 and (momentum or not may_vanish(f_0))):
            return _failure(before, form, _named(base), common, now)
        goals = sorted({*TARGETS, *targets}, reverse=True)
        if method is not None and momentum:
            from dipproofs.certify.methods.at_iterate import certify_momentum  # large theorems

            return certify_momentum(base, method, before, goals, common, now, signal)
        never = network.never_injective(operator.rank)
        found = _decide(base, loss, step, form, before, schedule, goals, common, now, signal, never)
        if method is None and f_0.lower > 0:
            found = with_forecast(found, base, goals)
            return with_floating_point(found, base, problem.operator.kernel)
        if method is None:
            return found
        # what is proved about the point, by a gradient descent that nobody made, and nothing about the run
        return replace(found, guarantees=replace(now, distance_to_limit=found.guarantees.distance_to_limit))


def _without_rank(
    operator: OperatorBounds, problem: Any, network: Network, loss: Any, applicable: list[Hypothesis], form: str,
    common: dict[str, Any], recovery: Recovery,
) -> Certificate:  # fmt: skip
    """What needs no rank: ‖A g − y‖ ≤ ψ(f), so that ‖A g − ȳ‖ ≤ 2δ once that is at most δ ≥ ‖ε‖."""
    v, loss_0, psi_0 = enclose_loss(operator, problem.y, network, loss)
    if psi_0 is None:
        return _failure(_inside(applicable, loss, loss_0), form, {}, common)
    given = loss.assumptions(v, problem.y, loss_0)
    known = not _blocked([h for h in (*applicable, *given) if h.id != "rank"], loss)
    now = without_descent(recovery, network, psi_0) if known else Guarantees()
    values: dict[str, Bound | None] = {NAMES[s.loss_0]: loss_0, NAMES[s.psi_0]: psi_0}
    return _failure([*applicable, *given], form, values, common, now)


def _named(base: Base) -> dict[str, Bound | None]:
    """The base quantities by JSON name."""
    return {NAMES[x]: b for x, b in base.values.items() if x in NAMES}


def _blocked(hypotheses: Iterable[Hypothesis], loss: Any) -> bool:
    """Whether nothing can be concluded: what is only asserted of a loss, or only estimated, weakens every number."""
    return any(
        h.verdict is not Verdict.PROVED
        and not (loss.assumed and h.id in _ASSERTED)
        and not (h.margin is not None and h.margin.evidence > Evidence.PROVED and h.margin.lower > 0)
        for h in hypotheses
    )


def unprojected(form: str) -> bool:
    """Whether a form, or "best", asks for quantities of J itself."""
    return form in FORMS and FORMS[form].unprojected


def _decide(
    base: Base, loss: Any, step: Step, form: str, before: list[Hypothesis], schedule: Schedule,
    targets: Iterable[float], common: dict[str, Any], now: Guarantees, signal: tuple[Recovery, Network] | None = None,
    never: str = "",
) -> Certificate:  # fmt: skip
    first: tuple[Evaluator, Decision] | None = None
    vanishing = common["arithmetic"] == "proved" and may_vanish(base.values[s.loss_0])
    named = _named(base)
    base = at_its_bound(base) if vanishing else base
    proposals = best(base, form, step, loss.concave_psi)
    for candidate in proposals[:_ATTEMPTS]:
        if first is not None and not candidate.feasible:
            break
        if not np.isfinite(candidate.rho) or not np.isfinite(candidate.gamma):
            continue
        evaluator = Evaluator(base, candidate)
        decision = evaluator.run()
        if first is None:
            first = evaluator, decision
        if decision.verdict is Verdict.PROVED:
            first = evaluator, decision
            break
    if first is None:
        return _failure([*before, _not_injective(base, never)], form, named, common, now)
    evaluator, decision = first
    if vanishing:
        with flint.ctx.workprec(BITS):
            weakened(decision, evaluator.env)
    if decision.verdict is Verdict.REFUTED and not _all_fail(base, evaluator, proposals):
        decision.hypotheses = [_of_this_form(h, evaluator) for h in decision.hypotheses]
    verdict = Verdict.of_all([decision.verdict, *(hypothesis.verdict for hypothesis in before)])
    holds = verdict is Verdict.PROVED or _all_hold(decision, base)
    guarantees = (
        guarantee(
            evaluator,
            decision,
            loss,
            schedule,
            common["iteration"],
            sorted(targets, reverse=True),
            *(signal or ()),
        )
        if holds
        else now
    )
    if vanishing and holds:
        guarantees = distance_from_zero(guarantees)
    return Certificate(
        verdict=verdict,
        form=evaluator.plan.form,
        profile=evaluator.plan.profile,
        quantities=decision.quantities,
        hypotheses=(*before, *decision.hypotheses),
        guarantees=guarantees,
        **common,
    )


def _all_fail(base: Base, evaluator: Evaluator, proposals: list[Candidate]) -> bool:
    """Whether every other form and profile that was asked for is refuted, too."""
    others = {c.plan: c for c in proposals if c.plan != evaluator.plan and np.isfinite(c.gamma) and np.isfinite(c.rho)}
    return all(Evaluator(base, candidate).run().verdict is Verdict.REFUTED for candidate in others.values())


def _of_this_form(hypothesis: Hypothesis, evaluator: Evaluator) -> Hypothesis:
    if hypothesis.verdict is not Verdict.REFUTED:
        return hypothesis
    reason = f"fails in form {evaluator.plan.form} with profile {evaluator.plan.profile}; others are not refuted; "
    return replace(hypothesis, verdict=Verdict.UNDECIDED, reason=reason + hypothesis.reason)


def _all_hold(decision: Decision, base: Base) -> bool:
    """With numbers weaker than proved: whether every margin is positive, so that guarantees of that evidence follow."""
    if all(h.verdict is Verdict.PROVED for h in decision.hypotheses):
        return True
    weaker = any(b.evidence > Evidence.PROVED for b in base.values.values())
    margins = [h.margin for h in decision.hypotheses]
    return weaker and all(m is not None and m.lower > 0 for m in margins)


def _applicability(operator: OperatorBounds, loss: Any, m: int, form: str) -> list[Hypothesis]:
    rank_decision = operator.decision
    if rank_decision.margin is not None and not operator.orthonormal:  # with the slack that σ_A and ‖A‖ have
        rank_decision = replace(rank_decision, margin=widened(rank_decision.margin))
    found = [rank_decision]
    needed = FORMS[form].requires if form in FORMS else None
    if needed is not None and not needed.met(loss):
        why = f'{needed.refusal.format(kind=loss.kind)}; use form = "best"'
        found.append(Hypothesis("form", needed.statement, Verdict.REFUTED, None, why))
    # without a decided rank: no more than the columns of the operator that the network sees
    rank = min(m, operator.matrix.shape[1]) if operator.rank is None else operator.rank
    if rank < m and not loss.projects_data:
        found.append(
            Hypothesis(
                "loss", "∇L_y(v) ∈ Im(A) (assumption A4)", Verdict.REFUTED, None,
                f"{operator.decision.statement if operator.rank else f'rank A ≤ {rank}'}, fewer than m = {m}: for the "
                f"loss {loss.kind} the theorem does not apply; use the squared loss, or leave out dependent rows",
            )
        )  # fmt: skip
    elif loss.assumed:
        found.append(
            Hypothesis("loss", "; ".join(loss.assumed), Verdict.UNDECIDED, None, "assumed by the user, not proved")
        )
    else:
        found.append(Hypothesis("loss", f"assumptions on {loss.convention} hold (theory §5)", Verdict.PROVED))
    return found


def _inside(applicable: list[Hypothesis], loss: Any, f_0: Bound) -> list[Hypothesis]:
    """With the loss's assumptions undecided where no finite loss shows that the prediction is in its domain."""
    if f_0.is_finite or not loss.bounded_domain:
        return applicable
    reason = f"not shown here: {loss.domain}; {loss.theory.advice.get('start', 'start elsewhere')}"
    return [
        replace(h, verdict=Verdict.UNDECIDED, reason=reason) if h.id == "loss" and h.verdict is Verdict.PROVED else h
        for h in applicable
    ]


def _start(base: Base, *, moving: bool) -> Hypothesis:
    f_0 = base.values[s.loss_0]
    statement = "0 < f_0 < oo"
    if f_0.upper == 0:
        reason = "the loss is exactly 0: this is already a zero-loss point and there is nothing to prove"
        return Hypothesis("start", statement, Verdict.REFUTED, f_0, reason)
    if not f_0.is_finite:
        return Hypothesis("start", statement, Verdict.UNDECIDED, f_0, "the loss is not finite here")
    if f_0.lower > 0:
        return Hypothesis("start", statement, Verdict.PROVED if f_0.evidence == 0 else Verdict.UNDECIDED, f_0)
    if f_0.evidence == 0 and not moving:  # a zero-loss point, at which the descent rests, or a loss below a bound
        return Hypothesis("start", "f_0 < oo, and an exact fit if f_0 = 0", Verdict.PROVED, f_0)
    return Hypothesis(
        "start", statement, Verdict.UNDECIDED, f_0,
        f"the loss is at most {f_0.upper:.2g} and may be exactly 0; end the run earlier, by a larger tolerance",
    )  # fmt: skip


def _not_injective(base: Base, never: str) -> Hypothesis:
    value = base.values[s.sigma_AJ]
    if never:
        return Hypothesis("injective", "F(0) > 0", Verdict.REFUTED, value, never)
    verdict = value.gt(0) if value.evidence == 0 else Verdict.UNDECIDED
    if verdict is Verdict.PROVED:
        verdict = Verdict.UNDECIDED
    return Hypothesis("injective", "F(0) > 0", verdict, value, _why_not_injective(base, value))


def _why_not_injective(base: Base, value: Bound) -> str:
    lipschitz, radius = (base.values.get(symbol) for symbol in (s.lipschitz_AJ, s.ball_radius))
    size = f"s_A(θ) is at most {value.upper:.2g}" if value.is_finite else "no lower bound of s_A(θ) above 0 was found"
    size = f"s_A(θ) is in [{value.lower:.2g}, {value.upper:.2g}]" if value.is_finite and value.lower > 0 else size
    if not value.is_finite or (lipschitz is not None and not lipschitz.is_finite):
        ball = "" if radius is None else f" of radius {radius.lower:.2g}"
        loss = f"{base.values[s.loss_0].mid:.2g}"
        return (
            f"{size}, and the Jacobian was not bounded on the ball{ball} that a loss of {loss} asks for; "
            f"{GO_ON}; if its loss no longer falls, units are saturated or the data out of reach: start from smaller "
            "parameters, or scale the data"
        )
    if not value.lower > 0:
        return (
            f"{size}: to rounding, the Jacobian is not injective on Im(A): saturated units, or directions that nothing "
            f"moves; start from smaller parameters, or {base.architecture.cure}"
        )
    return f"{size}: the Jacobian is not injective enough on Im(A); {base.architecture.cure}"


def _failure(
    hypotheses: list[Hypothesis], form: str, quantities: Mapping[str, Bound | None], common: dict[str, Any],
    guarantees: Guarantees | None = None,
) -> Certificate:  # fmt: skip
    chosen = FORMS[BEST[0] if form == "best" else form]
    return Certificate(
        verdict=Verdict.of_all(hypothesis.verdict for hypothesis in hypotheses),
        form=chosen.id,
        profile=chosen.own_profile or OBSERVATION.id,
        quantities=quantities,
        hypotheses=tuple(hypotheses),
        guarantees=guarantees or Guarantees(),
        **common,
    )


def exact_arrays(
    problem: Any, network: Network, state: Mapping[str, np.ndarray] | None = None
) -> Mapping[str, np.ndarray]:
    """Return the arrays a certificate is about, with those of the method's state, by their names in ``arrays.npz``."""
    arrays = {"y": problem.y, **network.arrays(), **(state or {})}
    if problem.x_true is not None:
        arrays["x_true"] = problem.x_true
    operator = problem.operator
    if operator.is_dense:
        return {"A": operator.to_dense(), **arrays}
    structure = operator.structure
    return StoredArrays(arrays, structure.describe(), structure.arrays(), operator.to_dense)
