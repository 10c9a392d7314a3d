"""`descend`: gradient descent on θ ↦ L_y(A g(u,θ)), watched from outside."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dipproofs.descent.arguments import checked_end, checked_setting, checked_step, refuse_overflow
from dipproofs.descent.history import History, Run
from dipproofs.descent.schedule import Backtracking, Schedule, make_schedule
from dipproofs.descent.stepsize import AutoStep
from dipproofs.errors import InputError
from dipproofs.networks import TwoLayer

#: Chunks of at most this many steps, so that a run can be watched and interrupted.
_CAPACITY = 1024
#: Ratio of successive iterations at which the run is offered for certification.
_GEOMETRIC_RATIO = 1.15
#: Up to this many parameters the distance ‖θ_τ−θ_0‖ is recorded at every iteration.
_TRACK_DISTANCE_LIMIT = 200_000
_INTERVAL_OF_PROGRESS = 256

#: Called with (iteration, a function that gives the network there, the loss before); may return "freeze"
#: (keep the step from now on) or "stop".
Watcher = Callable[[int, Callable[[], TwoLayer], float], str | None]


def candidate_iterations(last: int, ratio: float = _GEOMETRIC_RATIO) -> Iterator[int]:
    """Yield 0, 1, 2, … geometrically spaced, then ``last``.

    Example:
        >>> list(candidate_iterations(20))
        [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15, 18, 20]
    """
    t = 0
    while t < last:
        yield t
        t = max(t + 1, math.ceil(t * ratio))
    yield last


def descend(
    problem: Any,
    network: TwoLayer,
    loss: Any = None,
    step: str | float = "auto",
    schedule: str | Schedule = "constant",
    max_iterations: int = 20000,
    tolerance: float = 1e-12,
    *,
    schedule_options: dict[str, Any] | None = None,
    watcher: Watcher | None = None,
    progress: Callable[[int, float], None] | None = None,
    steps: list[tuple[int, float]] | None = None,
    keep_interrupted: bool = True,
) -> Run:
    """Run gradient descent until the loss is at most ``tolerance``.

    Args:
        problem: `InverseProblem` with operator A (m, n) and data y (m,).
        network: `TwoLayer` with n outputs; its dtype is that of the run.
        loss: a loss of `dipproofs.losses`, or the name of one without parameters; by default ½‖·‖².
        step: γ_0, a positive number, or "auto".
        schedule: "constant", "polynomial", "cosine", "backtracking" or a `Schedule`.
        max_iterations: at most this many steps.
        tolerance: stop when the loss is at most this.
        schedule_options: parameters of a schedule given by name, e.g. ``{"power": 0.5}``.
        watcher: called at geometrically spaced iterations, see `Watcher`.
        progress: called now and then with (iteration, loss).
        steps: a list that receives (iteration, γ_0) whenever γ_0 is set, before the watcher is called.
        keep_interrupted: whether a KeyboardInterrupt ends the run as "interrupted", or is raised to the caller.

    Returns:
        A `Run`. A loss that overflows or leaves its domain ends the run with that reason; it raises nothing.

    Raises:
        InputError: shapes that do not match, a bad step, numbers too large or too small for the format, float64
            arrays while JAX's x64 mode is off.

    Notes:
        Evidence level: estimated; a certificate encloses what it needs at the stored iterates.
    """
    # JAX is heavy: only a descent needs it
    import jax
    import jax.numpy as jnp

    from dipproofs.descent.loop import NOT_FINITE, REACHED, RUNNING, Carry, Data, advance, distance, norm_estimate
    from dipproofs.enclosures import Bound
    from dipproofs.losses import as_loss
    from dipproofs.theory.symbols import loss_curvature

    checked_setting(problem, network)
    loss, step = as_loss(loss), checked_step(step)
    schedule = make_schedule(schedule, **(schedule_options or {}))
    max_iterations, tolerance = checked_end(max_iterations, tolerance)
    loss.validate_data(problem.y)
    loss.refuse_start(_prediction(problem, network))
    refuse_overflow(problem, network, loss, step)
    dtype = network.dtype
    tolerance = min(tolerance, float(np.finfo(dtype).max))
    if dtype == np.float64 and not jax.config.read("jax_enable_x64"):
        raise InputError(
            "descent: found float64 parameters while JAX runs in 32 bits; call "
            'jax.config.update("jax_enable_x64", True) first, or use dtype="float32"'
        )
    operator, kernel = problem.operator, network.kernel
    fixed = type(network.fixed)(*(jnp.asarray(part) for part in network.fixed))
    state = type(network.state())(*(jnp.asarray(part) for part in network.state()))
    basis = None if network.basis is None else jnp.asarray(network.basis, dtype)
    arrays = tuple(_to_device(part, dtype) for part in operator.arrays)

    def scalar(value: float) -> Any:
        return jnp.asarray(value, dtype)

    data = Data(arrays, jnp.asarray(problem.y, dtype), fixed, basis, scalar(network.output_offset), state.V)
    track = network.parameter_count <= _TRACK_DISTANCE_LIMIT
    backtracking = isinstance(schedule, Backtracking)

    def estimate(count: int, at: Any, start: Any) -> Any:
        return norm_estimate(operator.kernel, kernel, count, data, at, jnp.asarray(start))

    def curvature(value: float) -> float:
        if not math.isfinite(value):
            return math.inf
        return loss.constants(problem.y, Bound.exact(value))[loss_curvature].upper

    steps = [] if steps is None else steps
    auto = AutoStep(estimate, curvature, operator.shape[0], dtype, steps=steps) if step == "auto" else None
    if auto is None:
        steps.append((0, float(dtype.type(step))))
    carry = Carry(jnp.asarray(0), state, scalar(0.0), scalar(0.0), jnp.asarray(RUNNING))
    records: list[np.ndarray] = []
    distances: list[tuple[int, float]] = []
    capacity = min(_CAPACITY, max(16, max_iterations))

    def chunk(at: Carry, gamma: float, count: int, goal: float) -> Carry:
        before = int(at.tau)
        at, filled = advance(
            operator.kernel, kernel, loss, schedule, capacity, track, backtracking,
            data, at, scalar(gamma), scalar(goal), jnp.asarray(count),
        )  # fmt: skip
        used = int(at.tau) - before + (int(at.status) != RUNNING)
        records.append(np.asarray(filled, np.float64)[:, :used])
        return at

    with np.errstate(all="ignore"):  # an infinite loss ends the run with that reason
        value = float(loss.value(np, _prediction(problem, network), problem.y))
    watched = watcher is not None or auto is not None or not track
    boundaries = candidate_iterations(max_iterations) if watched else iter([0, max_iterations])
    target = next(boundaries)
    stopped = ""
    try:
        while not stopped:
            tau = int(carry.tau)
            if not track:
                distances.append((tau, float(distance(kernel, fixed, carry.state, data.V_0))))
            gamma = auto.propose(tau, carry.state, value) if auto else steps[-1][1]
            if tau == target:
                if watcher is not None:
                    here = carry.state
                    answer = watcher(tau, lambda at=here: network.at(at), value)  # type: ignore[misc]
                    if answer == "freeze" and auto is not None:
                        auto.frozen = True
                    if answer == "stop":
                        stopped = "guaranteed"
                        break
                if tau == max_iterations:
                    stopped = "max_iterations"
                    break
                target = next(boundaries)
            carry = chunk(carry, gamma, min(target - tau, capacity), tolerance)
            status = int(carry.status)
            value = float(records[-1][0, -1])
            if progress is not None:
                progress(int(carry.tau), value)
            stopped = {RUNNING: "", REACHED: "tolerance", NOT_FINITE: "not finite"}[status]
    except KeyboardInterrupt:
        if not (steps and keep_interrupted):  # before the first step there is no run to report
            raise
        stopped = "interrupted"
    if stopped in ("max_iterations", "guaranteed", "interrupted"):
        carry = chunk(carry._replace(status=jnp.asarray(RUNNING)), 0.0, 1, math.inf)
        if stopped == "max_iterations" and records[-1][0, -1] <= tolerance:
            stopped = "tolerance"
    history = _history(records, distances, track, float(distance(kernel, fixed, carry.state, data.V_0)))
    iterations = int(carry.tau)
    return Run(
        network=network.at(carry.state),
        start=network,
        history=history,
        iterations=iterations,
        stopped=stopped,
        reason=_reason(stopped, history, iterations, steps[-1][1], tolerance, loss, auto is not None, dtype),
        steps=tuple(steps),
        schedule=schedule,
        device=next(iter(carry.tau.devices())).platform,
    )


def _to_device(part: Any, dtype: np.dtype) -> Any:
    import jax.numpy as jnp

    array = jnp.asarray(part)
    return array.astype(dtype) if jnp.issubdtype(array.dtype, jnp.floating) else array


def _prediction(problem: Any, network: TwoLayer) -> np.ndarray:
    return np.asarray(problem.operator.matvec(network.output()))


def _history(
    records: list[np.ndarray], distances: list[tuple[int, float]], track: bool, last_distance: float
) -> History:
    loss, norm, path, distance = np.concatenate(records, axis=1)
    index = np.arange(loss.size)
    if not track:
        if not distances or distances[-1][0] != loss.size - 1:
            distances = [*distances, (loss.size - 1, last_distance)]
        index = np.array([tau for tau, _ in distances])
        distance = np.array([d for _, d in distances])
    return History(loss, norm, path, distance, index)


def _reason(
    stopped: str,
    history: History,
    iterations: int,
    gamma: float,
    tolerance: float,
    loss: Any,
    auto: bool,
    dtype: np.dtype,
) -> str:
    last = history.loss[-1]
    if stopped == "tolerance":
        return f"loss {last:.3g} ≤ {tolerance:g} after {iterations} iterations"
    if stopped == "max_iterations":
        return f"loss {last:.3g} after {iterations} iterations; raise max_iterations to go on"
    if stopped == "not finite":
        what = f"loss {last:.3g} is finite, but its gradient" if math.isfinite(last) else "the loss"
        cause = "" if math.isfinite(last) else _left_domain(loss)
        if iterations == 0:  # no step was done yet
            return f"{what} overflowed{cause} at the start; {_rescale(dtype)}"
        cure = f"use a smaller step, or {_rescale(dtype)}" if auto else 'use a smaller step, or step = "auto"'
        return f"{what} overflowed{cause} at iteration {iterations} with step {gamma:.3g}; {cure}"
    if stopped == "guaranteed":
        return f"stopped at iteration {iterations}: the guarantee asked for is proved"
    return f"loss {last:.3g} after {iterations} iterations; run it again to go further"


def _left_domain(loss: Any) -> str:
    """Say that the domain may have been left, unless the loss is defined on all of R^m."""
    if loss.assumed:  # the domain of a user's function is not known
        return " or left the domain of the loss"
    largest = np.finfo(np.float64).max
    whole = bool(loss.in_domain(np, np.array([-largest, largest])))
    return "" if whole else f" or left the domain of the loss ({loss.domain})"


def _rescale(dtype: np.dtype) -> str:
    return "rescale A, y or the loss" + ("" if dtype == np.float64 else ', or use dtype = "float64"')
