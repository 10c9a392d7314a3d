"""`certify` and `check`: the two questions a user asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dipproofs.arguments.schema import finite, show
from dipproofs.certificate.claims import GRADIENT_DESCENT
from dipproofs.certificate.record import Certificate, Check, Guarantees, Hypothesis
from dipproofs.certify.anytime import Anytime
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.methods.run import HORIZON, Methods
from dipproofs.certify.polish import checked_polish, polished_record
from dipproofs.certify.provenance import provenance
from dipproofs.certify.rows import rank_announcement, without_zero_rows
from dipproofs.certify.search import Step
from dipproofs.certify.stop import fitted_problem, stopped_certified, stopped_early, stopping_loss
from dipproofs.certify.unreachable import unreachable, with_reason
from dipproofs.certify.widths import find_widths
from dipproofs.descent import Iterate, Method, Schedule, Snapshot, descend, make_method, make_schedule
from dipproofs.descent.arguments import checked_end, checked_setting, checked_step, loss_of, stopping_level
from dipproofs.enclosures import Verdict
from dipproofs.errors import InputError, named_arguments
from dipproofs.losses import as_loss
from dipproofs.networks import Network
from dipproofs.operators.bounds import OperatorBounds, bound_operator
from dipproofs.recovery.signal_error import Recovery
from dipproofs.theory import FORM_IDS

if TYPE_CHECKING:
    from dipproofs.losses import Loss
    from dipproofs.problems import InverseProblem

ARITHMETICS = ("proved", "estimated")


@named_arguments
def certify(
    problem: InverseProblem,
    network: Network,
    loss: Loss | str | None = None,
    step: str | float = "auto",
    schedule: str | Schedule = "constant",
    max_iterations: int = 20000,
    tolerance: float | None = None,
    form: str = "best",
    arithmetic: str = "proved",
    *,
    method: str | Method = "gradient-descent",
    momentum: float | str | None = None,
    beta2: float | None = None,
    epsilon: float | None = None,
    claim_horizon: int = HORIZON,
    relative_tolerance: float | None = None,
    stop: str = "tolerance",
    distance: float | None = None,
    schedule_options: Mapping[str, Any] | None = None,
    origin: Mapping[str, Any] | None = None,
    progress: Callable[[int, float], None] | None = None,
    announce: Callable[[Certificate], None] | None = None,
    keep_interrupted: bool = True,
    say: Callable[[str], None] | None = None,
    resume: Any = None,
    polish: str = "none",
) -> Certificate:
    """Run a first-order method and certify it at the earliest possible iterate and again at the last.

    Args:
        problem: `InverseProblem` with A (m, n), y (m,).
        network: with n outputs: `TwoLayer`, one of the library (`Skip`, `Convolutional`, …), `from_jax`, `from_torch`.
        loss: by default ½‖·‖²; also the name of a loss without parameters.
        step: γ_0 > 0 or "auto". schedule: see `descend`.
        max_iterations, tolerance, relative_tolerance: when the run ends, see `descend`.
        form: "best", "paper", "integral", "concave" or "residual".
        arithmetic: "proved" (enclosures) or "estimated" (floats; the verdict is then never proved).
        method, momentum, beta2, epsilon: see `descend`. claim_horizon: N of the statement about Adam's next iterations.
        stop: "tolerance", or "guaranteed": also at the first iterate for which ‖y_τ − Πȳ‖ ≤ 2‖Πε‖ is proved;
            "certified": there (without known noise: at the tolerance), but not before an iterate is certified.
        distance: dist(x̄, Im B) for a synthesis generator, where x̄ is not known; a recovery bound is then `assumed`.
        schedule_options: parameters of a schedule given by name.
        origin: JSON values recorded as ``provenance.problem``.
        progress: called with (iteration, loss); announce: called with the first certificate.
        keep_interrupted: whether a KeyboardInterrupt ends the run as "interrupted", or is raised to the caller.
        say: called before the run with one line about rows of A that add nothing, or a rank that is not decided, and
            as soon as a KeyboardInterrupt ends it.
        resume: ``run.snapshot`` of the same problem and options, or where it was saved: the run goes on from there.
        polish: "none", or "gauss-newton": after the run, Gauss–Newton steps to an exact fit nearby; ``.final`` is then
            the certificate there, and ``claims.existence`` counts from the run's end.

    Returns:
        The certificate at the earliest certified iterate, with the run in ``.run`` and the certificate at the
        last iterate in ``.final``. Without success: the verdict and reasons at the last iterate (both are one then).

    Raises:
        InputError: input that cannot be used.

    Notes:
        A proved verdict rests on enclosures only and concerns the exact method from the stored floats and its state.
        For Adam, and for momentum with another loss than the squared, no theorem is about convergence: the verdict is
        then about the existence of an exact fit near the iterate, which is said before the run.
        Where rank A < m (squared loss), the run fits the projected data Πy: the same descent, without the constant.
        Source: docs/theory.md §3, §3.3, §7.

    Example:
        >>> import numpy as np, dipproofs as dp
        >>> rng = np.random.default_rng(0)
        >>> problem = dp.InverseProblem(rng.standard_normal((3, 6)), rng.standard_normal(3))
        >>> network = dp.TwoLayer.init(n=6, width=64, input_dimension=2, seed=0)
        >>> str(dp.certify(problem, network).verdict)
        'proved'
    """
    checked_setting(problem, network)
    loss, step = as_loss(loss), checked_step(step)
    max_iterations, tolerance, relative = checked_end(max_iterations, tolerance, relative_tolerance)
    rule = make_method(method, momentum=momentum, beta2=beta2, epsilon=epsilon)
    checked_options(form, arithmetic, distance)
    polish = checked_polish(polish, network, loss)
    made = make_schedule(schedule, **(schedule_options or {}))
    problem, dropped = without_zero_rows(problem, loss)
    operator = bound_operator_of(problem, network)
    methods = Methods(rule, problem, network, operator, loss, claim_horizon, constant=made.kind == "constant")
    out_of_reach = unreachable(problem, network, operator)
    cost = network.proof_announcement(operator)
    for line in (dropped, rank_announcement(operator), methods.announcement, out_of_reach, cost):
        if line and say is not None:
            say(line)
    recovery = Recovery(problem, network, operator, loss, distance)
    fitted = fitted_problem(problem, network, operator, loss)
    tolerance = stopping_level(tolerance, relative, loss_of(fitted, network, loss) if relative else 0.0)
    goal = max(tolerance, stopping_loss(stop, fitted, network, loss, recovery))
    recorded: dict[str, Any] = {}
    common: dict[str, Any] = {"form": form, "arithmetic": arithmetic, "schedule": made, "origin": recorded}
    proving = common | {"targets": (tolerance,), "recovery": recovery}
    steps: list[tuple[int, float]] = []

    def gamma_at(tau: int) -> float:
        gamma, share = steps[-1][1], made.supremum(tau)
        return math.nextafter(gamma * share, math.inf) if share < 1 else gamma

    def prove(tau: int, at: Iterate) -> Certificate:
        taken = Step(None, 1.0, free=True) if methods.point_only else Step(gamma_at(tau), free=step == "auto")

        def on(radius: float | None) -> Certificate:
            here: dict[str, Any] = {"iteration": tau, "method": methods.at(at), "radius": radius}
            found = certify_at(problem, at.network, loss, operator, taken, **here, **proving)
            return with_reason(found, out_of_reach)

        return methods.with_horizon(on(None), at, on)

    search = Anytime(
        problem, loss, operator, form, gamma_at, prove, made, methods.promising if methods.tested else None,
        free=methods.point_only, refine=methods.decided, goes_on=stop != "certified",
    )  # fmt: skip
    recorded.update(provenance(_device(), str(network.dtype), origin, problem))
    saved = Snapshot.load(resume) if isinstance(resume, str | Path) else resume

    def watch(tau: int, here: Callable[[], Iterate], value: float) -> str | None:
        answer = search.recall(saved, network) or search(tau, here, value)
        if answer == "freeze" and announce is not None and search.certificate is not None:
            announce(search.certificate)
        return "stop" if stop == "certified" and search.certificate is not None and value <= goal else answer

    run = descend(
        fitted,
        network,
        loss,
        step,
        made,
        max_iterations,
        0.0 if stop == "certified" else goal,
        method=rule,
        watcher=watch,
        progress=progress,
        steps=steps,
        keep_interrupted=keep_interrupted,
        resume=saved,
        say=say,
    )
    search.recall(saved, network)  # where nothing was left to do
    first = search.certificate
    if search.iterate is not None and run.snapshot is not None:
        run = replace(run, snapshot=run.snapshot.with_certified(search.iterate))
    if run.stopped == "not finite":
        at, here = (0, network) if first is None else (run.iterations, run.network)
        longest = max(gamma for _, gamma in run.steps)
        rest = methods.at(Iterate(here, {}, at, longest, run.momentum))  # as a run begins; later only the point is left
        rest = rest if rest is None or first is None else replace(rest, point_only=True)
        about: dict[str, Any] = {"iteration": at, "method": rest, **common}
        final = _diverged(certify_at(problem, here, loss, operator, Step(longest), **about), run.reason)
    else:
        last = Iterate(run.network, dict(run.state), run.iterations, gamma_at(run.iterations), run.momentum)
        final = prove(run.iterations, last)
        if stop == "certified":
            run = stopped_certified(run, first, tolerance)
        elif goal > tolerance:
            run = stopped_early(run, final, recovery)
    found = replace(final if first is None else first, run=run, final=final)
    if polish == "none" or run.stopped == "not finite":
        return found
    end = run.network
    polished, entry = polished_record(problem, fitted, end, loss, operator, iteration=run.iterations, **proving)
    return replace(found, final=with_reason(polished, out_of_reach), polish=entry)


@named_arguments
def check(
    problem: InverseProblem,
    network: Network,
    loss: Loss | str | None = None,
    step: str | float = "auto",
    arithmetic: str = "proved",
    *,
    widths: bool = False,
    form: str = "best",
    schedule: str | Schedule = "constant",
    tolerance: float = 1e-12,
    schedule_options: Mapping[str, Any] | None = None,
    origin: Mapping[str, Any] | None = None,
    progress: Callable[[str, int], None] | None = None,
    method: str | Method = "gradient-descent",
    relative_tolerance: float | None = None,
) -> Check:
    """Decide the conditions of every form at initialisation, without a descent.

    Args:
        problem, network, loss: as in `certify`.
        step: γ, or "auto": for each form the step with the best guaranteed rate among q = γL(ρ) = 1, ½, ¼, …
            (residual: γM_ρ²); a form is refuted only if no step does.
        arithmetic: "proved" or "estimated".
        widths: also look for the smallest width at which each form holds; that may take minutes.
        form: "best" for all forms, or one of them.
        schedule, schedule_options: as in `certify`; numbers of iterations count its steps.
        tolerance, relative_tolerance: the larger of the two gives a loss to which iterations are counted.
        origin: JSON values recorded as ``provenance.problem``.
        progress: called with (form, width) before each width that is tried.
        method: of the problem at hand; the forms are those of gradient descent, others are refused.

    Returns:
        A `Check`: a certificate by form, the paper's R, R', ν₁, ν₂ among the quantities of form ``paper``.

    Raises:
        InputError: input that cannot be used.
    """
    checked_setting(problem, network)
    loss, step = as_loss(loss), checked_step(step)
    _, tolerance, relative = checked_end(0, tolerance, relative_tolerance)
    checked_options(form, arithmetic, None)
    if (kind := make_method(method).kind) != GRADIENT_DESCENT:
        raise InputError(
            f"descent.method: found {kind}, expected {GRADIENT_DESCENT}: check decides the forms of its theorem at "
            f"initialisation; `certify` decides that of {kind} along the run"
        )
    made = make_schedule(schedule, **(schedule_options or {}))
    problem, _ = without_zero_rows(problem, loss)
    loss.validate_data(problem.y)
    operator = bound_operator_of(problem, network)
    loss.refuse_start(problem.operator.matvec(network.output()))
    tolerance = stopping_level(
        tolerance, relative, loss_of(fitted_problem(problem, network, operator, loss), network, loss)
    )
    recorded, why = provenance("none", str(network.dtype), origin, problem), unreachable(problem, network, operator)
    chosen = Step(None, 1.0, free=True) if isinstance(step, str) else Step(step)

    def at_the_start(name: str) -> Certificate:
        found = certify_at(
            problem, network, loss, operator, chosen, form=name, arithmetic=arithmetic, schedule=made,
            targets=(tolerance,), origin=recorded,
        )  # fmt: skip
        return with_reason(found, why)

    forms = {name: at_the_start(name) for name in (FORM_IDS if form == "best" else (form,))}
    checked = Check(forms, {}, recorded)
    return with_widths(checked, problem, network, loss, step, arithmetic, tried=progress) if widths else checked


def with_widths(
    checked: Check,
    problem: InverseProblem,
    network: Network,
    loss: Loss | str | None = None,
    step: str | float = "auto",
    arithmetic: str = "proved",
    *,
    tried: Callable[[str, int], None] | None = None,
) -> Check:
    """Add the smallest widths found at which each form holds to a `Check`.

    Args:
        checked: what `check` returned. problem, network, loss, step, arithmetic: as in `check`.
        tried: called with (form, width) before each trial.
    """
    chosen = Step(None, 1.0, free=True) if isinstance(step, str) else Step(step)
    operator = bound_operator_of(problem, network)
    found = find_widths(problem, network, as_loss(loss), operator, chosen, arithmetic, tried, tuple(checked.forms))
    return replace(checked, widths=found)


def bound_operator_of(problem: Any, network: Network) -> OperatorBounds:
    """Enclose the operator that follows the trained part of the network."""
    checked_setting(problem, network)
    network.require_memory(problem.operator)
    return bound_operator(problem.operator, network.basis)


def checked_options(form: str, arithmetic: str, distance: Any) -> None:
    """Refuse what no certificate can be asked for.

    Raises:
        InputError: as said.
    """
    if form not in ("best", *FORM_IDS):
        raise InputError(f"certificate.form: found {form!r}, expected best, {', '.join(FORM_IDS)}")
    if arithmetic not in ARITHMETICS:
        raise InputError(f"certificate.arithmetic: found {arithmetic!r}, expected {' or '.join(ARITHMETICS)}")
    if distance is not None and finite(distance, minimum=0.0) is None:
        raise InputError(f"certificate.distance: found {show(distance)}, expected a finite number ≥ 0")


def _device() -> str:
    import jax

    return jax.default_backend()


def _diverged(start: Certificate, reason: str) -> Certificate:
    """Report a run whose loss overflowed: the conditions at an iterate, with the run's reason on top."""
    failed = Hypothesis("descent", "the loss stays finite along the run", Verdict.REFUTED, None, reason)
    return replace(start, verdict=Verdict.REFUTED, hypotheses=(failed, *start.hypotheses), guarantees=Guarantees())
