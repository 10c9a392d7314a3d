"""`descend`: a first-order method on θ ↦ L_y(A g(u,θ)), watched from outside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.descent.arguments import (
    checked_end,
    checked_setting,
    checked_step,
    loss_of,
    refuse_overflow,
    refuse_schedule,
    stopping_level,
)
from dipproofs.descent.driver import Driver
from dipproofs.descent.engine import Engine, Iterate
from dipproofs.descent.history import Run
from dipproofs.descent.methods import Method, make_method
from dipproofs.descent.reasons import stopped_because
from dipproofs.descent.resume import Snapshot, fingerprint, whole_state
from dipproofs.descent.schedule import Schedule, make_schedule
from dipproofs.descent.waiting import beside
from dipproofs.errors import named_arguments
from dipproofs.precision import double_precision

if TYPE_CHECKING:
    from dipproofs.losses import Loss
    from dipproofs.problems import InverseProblem

#: Called with (iteration, a function that gives the `Iterate` there, the loss before); may return "freeze" (keep step
#: and momentum from now on) or "stop". The function is an `Offer`, which can go back to iterates since the last mark.
Watcher = Callable[[int, Callable[[], Iterate], float], str | None]

_INTERRUPTED = "interrupted: looking at the last iterate; Ctrl-C again leaves at once"


@named_arguments
def descend(
    problem: InverseProblem,
    network: Any,
    loss: Loss | str | None = None,
    step: str | float = "auto",
    schedule: str | Schedule = "constant",
    max_iterations: int = 20000,
    tolerance: float | None = None,
    *,
    method: str | Method = "gradient-descent",
    momentum: float | str | None = None,
    beta2: float | None = None,
    epsilon: float | None = None,
    relative_tolerance: float | None = None,
    schedule_options: dict[str, Any] | None = None,
    watcher: Watcher | None = None,
    progress: Callable[[int, float], None] | None = None,
    steps: list[tuple[int, float]] | None = None,
    keep_interrupted: bool = True,
    resume: Snapshot | str | Path | None = None,
    say: Callable[[str], None] | None = None,
) -> Run:
    """Run a first-order method until the loss is at most the tolerance.

    Args:
        problem: `InverseProblem` with operator A (m, n) and data y (m,).
        network: with n outputs, such as `TwoLayer`; its dtype is that of the run.
        loss: a loss of `dipproofs.losses`, or the name of one without parameters; by default ½‖·‖².
        step: γ_0, a positive number, or "auto": from the curvature (adam: 1e-3).
        schedule: "constant", "polynomial", "cosine", "backtracking" (gradient descent only) or a `Schedule`.
        max_iterations: at most this many iterations.
        tolerance: stop when the loss is at most this; 1e-12, or 0 with a ``relative_tolerance`` alone.
        method: "gradient-descent", "heavy-ball", "nesterov", "adam" or a `Method`, as in torch and Optax.
        momentum: β in [0, 1[ or "auto" (heavy-ball, nesterov; default "auto"), β₁ (adam; 0.9). beta2, epsilon: of adam.
        relative_tolerance: stop when the loss is at most this multiple of the loss at the start, too.
        schedule_options: parameters of a schedule given by name, e.g. ``{"power": 0.5}``.
        watcher: called at geometrically spaced iterations, see `Watcher`.
        progress: called now and then with (iteration, loss).
        steps: a list that receives (iteration, γ_0) whenever γ_0 is set, before the watcher is called.
        keep_interrupted: whether a KeyboardInterrupt ends the run as "interrupted", or is raised to the caller.
        resume: ``run.snapshot`` of the same problem and options, or where it was saved: go on from there, bit for bit.
        say: called with one line as soon as a KeyboardInterrupt ends the run.

    Returns:
        A `Run`. A loss that overflows or leaves its domain ends the run with that reason; it raises nothing.

    Raises:
        InputError: shapes that do not match, a bad option, numbers too large or too small for the format.

    Notes:
        With ``step="auto"`` a rise of the loss takes the run back and halves the step. JAX's 64-bit mode is entered for
        the call where the network is float64. Evidence level: estimated; a certificate encloses what it needs at the
        stored iterates.
    """
    from dipproofs.losses import as_loss

    checked_setting(problem, network)
    loss, step = as_loss(loss), checked_step(step)
    made = make_method(method, momentum=momentum, beta2=beta2, epsilon=epsilon)
    schedule = make_schedule(schedule, **(schedule_options or {}))
    refuse_schedule(made, schedule)
    max_iterations, tolerance, relative = checked_end(max_iterations, tolerance, relative_tolerance)
    loss.validate_data(problem.y)
    loss.refuse_start(np.asarray(problem.operator.matvec(network.output())))
    refuse_overflow(problem, network, loss, step)
    value = loss_of(problem, network, loss)  # an infinite one ends the run with that reason
    level = min(stopping_level(tolerance, relative, value), float(np.finfo(network.dtype).max))
    expected = {
        "method": made.to_json(),
        "schedule": dict(schedule.to_json()),
        "step": step,
        "fingerprint": fingerprint(problem, network, loss),
    }
    with double_precision() if network.dtype == np.float64 else nullcontext():
        driver = Driver(
            Engine(problem, network, loss, made, schedule), step, value, [] if steps is None else steps,
            watched=watcher is not None,
        )  # fmt: skip
        if resume is not None:
            snapshot = resume if isinstance(resume, Snapshot) else Snapshot.load(resume)
            snapshot.refuse_other(expected)
            with whole_state():
                driver.restore(snapshot)
        try:
            stopped = driver.run(max_iterations, level, watcher, progress)
        except KeyboardInterrupt:
            if not (driver.steps and keep_interrupted):  # before the first step there is no run to report
                raise
            stopped = "interrupted"
            if say is not None:
                say(_INTERRUPTED)
        if stopped not in ("interrupted", "guaranteed"):
            return _finished(driver, network, stopped, level, expected)
        # the device may be busy with iterations that nobody waits for
        return beside(lambda: _finished(driver, network, stopped, level, expected), network.dtype == np.float64)


def _finished(driver: Driver, network: Any, stopped: str, level: float, expected: dict[str, Any]) -> Run:
    engine = driver.engine
    left = None if stopped == "not finite" else driver.snapshot(expected)
    if stopped in ("max_iterations", "guaranteed", "interrupted"):
        driver.evaluate()
        if stopped == "max_iterations" and driver.records[-1][0, -1] <= level:
            stopped = "tolerance"
    history, here = driver.history(), driver.here()
    gamma, searched = driver.steps[-1][1], engine.schedule.searches
    return Run(
        network=here.network,
        start=network,
        history=history,
        iterations=driver.tau,
        stopped=stopped,
        reason=stopped_because(stopped, history, driver.tau, gamma, level, engine, driver.auto is not None),
        steps=_compressed(history.step, gamma) if searched else tuple(driver.steps),
        schedule=engine.schedule,
        device=next(iter(driver.carry.tau.devices())).platform,
        method=engine.method,
        state=here.state,
        momenta=tuple(driver.momenta),
        first_trial=gamma if searched else None,
        snapshot=left,
    )


def _compressed(accepted: np.ndarray, first: float) -> tuple[tuple[int, float], ...]:
    """The steps taken, each with the first iteration of its stretch, and the last one; the first trial if none was."""
    if not accepted.size:
        return ((0, first),)
    starts = np.unique([0, *(np.flatnonzero(accepted[1:] != accepted[:-1]) + 1), accepted.size - 1])
    return tuple((int(i), float(accepted[i])) for i in starts)
