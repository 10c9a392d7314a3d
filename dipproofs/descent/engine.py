"""One descent, bound: problem, program, method and loss on the device; what `run.descend` drives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.descent.marks import CAPACITY
from dipproofs.descent.methods import Method
from dipproofs.descent.momentum import AutoMomentum
from dipproofs.descent.program import Program
from dipproofs.descent.schedule import Schedule
from dipproofs.descent.stepsize import AutoStep
from dipproofs.descent.waiting import settled

#: Up to this many parameters the distance ‖θ_τ−θ_0‖ is recorded at every iteration.
_TRACK_DISTANCE_LIMIT = 200_000
#: With an automatic step, a loss above this multiple of the one before (momentum: of the envelope) counts as a rise.
_RISE, _RISE_WITH_MOMENTUM = 1.001, 4.0
#: Below (this many roundings)² of the first loss it is noise.
_NOISE = 128.0


@dataclass(frozen=True, eq=False)
class Iterate:
    """An iterate as it is offered to a watcher.

    Args:
        network: with the parameters there.
        state: arrays of the method, by their names in certificates (``state/velocity/NAME``, …).
        iteration: τ. step: γ of the next iteration. momentum: β in force, or None.
    """

    network: Any
    state: dict[str, np.ndarray]
    iteration: int
    step: float
    momentum: float | None


def integer(value: int) -> Any:
    """Give a count as JAX has it after the first chunk, so that nothing is compiled again for its weak type."""
    import jax

    return jax.device_put(np.asarray(value))


@dataclass(frozen=True)
class Setting:
    """How the next chunk goes: γ_0, the traced options, whether a rise of the loss ends it."""

    gamma: float
    coefficients: tuple[float, ...]
    guarded: bool


class Engine:
    """The descent on the device; every call is made with JAX in the mode of the run's number format.

    Args:
        problem: operator and data. network: anything with ``program`` and ``dtype``. loss: runtime loss.
        method, schedule: of the run.
    """

    def __init__(self, problem: Any, network: Any, loss: Any, method: Method, schedule: Schedule) -> None:
        import jax

        from dipproofs.descent import loop

        self.loop, self.method, self.schedule, self.loss, self.problem = loop, method, schedule, loss, problem
        self.dtype = np.dtype(network.dtype)
        self.program: Program = network.program(full=not method.in_span)
        self.parameter_count = network.parameter_count
        self.track = self.parameter_count <= _TRACK_DISTANCE_LIMIT
        theta = jax.device_put(self.program.theta)
        operator = problem.operator
        self.data = loop.Data(
            tuple(self._device(part) for part in operator.arrays),
            jax.device_put(np.asarray(problem.y, self.dtype)),
            jax.device_put(self.program.constants),
            theta,
        )
        self.static = loop.Static(
            operator.kernel, self.program.kernel, loss, schedule, type(method), CAPACITY, self.track
        )
        zero = self.scalar(0.0)
        self.start = loop.Carry(
            integer(0), theta, method.init(theta), zero, zero, self.scalar(math.inf), integer(loop.RUNNING)
        )
        self.floor = 0.0

    def scalar(self, value: float) -> Any:
        """Give a number in the run's format."""
        import jax

        return jax.device_put(np.asarray(value, self.dtype))

    def _device(self, part: Any) -> Any:
        import jax

        array = np.asarray(part)
        return jax.device_put(array.astype(self.dtype) if np.issubdtype(array.dtype, np.floating) else array)

    def chunk(self, carry: Any, setting: Setting, count: int, tolerance: float) -> tuple[Any, np.ndarray]:
        """Do up to ``count`` iterations; give the carry and the filled records, (5, used)."""
        return self.finish(carry, self.begin(carry, setting, count, tolerance))

    def begin(self, carry: Any, setting: Setting, count: int, tolerance: float) -> tuple[Any, Any]:
        """Ask the device for a chunk, without waiting for it."""
        rise = math.inf
        if setting.guarded:
            rise = _RISE if self.method.monotone else _RISE_WITH_MOMENTUM
        limits = self.loop.Limits(integer(count), *map(self.scalar, (tolerance, rise, self.floor)))
        coefficients = tuple(self.scalar(c) for c in setting.coefficients)
        begun: tuple[Any, Any] = self.loop.advance(
            self.static, self.data, carry, self.scalar(setting.gamma), coefficients, limits
        )
        return begun

    def finish(self, carry: Any, begun: tuple[Any, Any]) -> tuple[Any, np.ndarray]:
        """Wait for a chunk that began at a carry."""
        after, filled = begun
        settled(after.status)
        used = int(after.tau) - int(carry.tau) + (int(after.status) != self.loop.RUNNING)
        return after, np.asarray(filled, np.float64)[:, :used]

    def first_loss(self, value: float) -> None:
        """Take the loss at the start as what rises are compared with by methods with momentum."""
        self.floor = (_NOISE * float(np.finfo(self.dtype).eps)) ** 2 * value if math.isfinite(value) else 0.0
        if not self.method.monotone:
            self.start = self.start._replace(reference=self.scalar(value))

    def envelope(self, carry: Any, losses: np.ndarray, beta: float) -> Any:
        """Give the carry with what the loss of a method with momentum is next compared with.

        The loss oscillates below an envelope that decreases like β^τ in the fastest case.
        """
        return carry._replace(reference=self.scalar(max(losses.max(), float(carry.reference) * beta**losses.size)))

    def restarted(self, carry: Any) -> Any:
        """Give the carry with the method's state at its beginning."""
        return carry._replace(state=self.method.init(carry.theta))

    def distance(self, carry: Any) -> float:
        """Give ‖θ − θ_0‖."""
        return float(self.loop.distance(self.static, self.data, carry.theta))

    def iterate(self, carry: Any, gamma_0: float, momentum: float | None) -> Iterate:
        """Give the network and the method's arrays at a carry."""
        tau = int(carry.tau)
        step = float(gamma_0 * self.schedule.factor(tau))
        state = self.method.state_arrays(carry.state, step, self.program.named)
        return Iterate(self.program.restore(carry.theta), state, tau, step, momentum)

    # --- controllers --------------------------------------------------------------------------------
    def auto_step(self, steps: list[tuple[int, float]]) -> AutoStep:
        """Make the controller of the step size."""
        from dipproofs.enclosures import Bound
        from dipproofs.theory.symbols import loss_curvature

        def curvature(value: float) -> float:
            if not math.isfinite(value):
                return math.inf
            return float(self.loss.constants(self.problem.y, Bound.exact(value))[loss_curvature].upper)

        def falls(theta: Any, gamma: float) -> float:
            with np.errstate(over="ignore"):
                return float(self.loop.step_that_falls(self.static, self.data, theta, self.scalar(gamma)))

        local = None if self.loss.projects_data else self._estimate(True)
        operator, m = self.problem.operator, self.problem.operator.shape[0]
        size = float(np.abs(operator.to_dense()).max()) if operator.is_dense else 1.0
        lost = size * size if size * size < float(np.finfo(self.dtype).tiny) else 0.0
        return AutoStep(self._estimate(False), curvature, m, self.dtype, local, falls, underflow=lost, steps=steps)

    def _estimate(self, curved: bool) -> Callable[[int, Any, Any], tuple[Any, Any]]:
        def estimate(count: int, theta: Any, start: Any) -> tuple[Any, Any]:
            found: tuple[Any, Any] = self.loop.norm_estimate(
                self.static, integer(count), curved, self.data, theta, start
            )
            return found

        return estimate

    def auto_momentum(self, chosen: list[tuple[int, float]]) -> AutoMomentum:
        """Make the controller of the momentum."""

        def product(theta: Any, w: np.ndarray) -> Any:
            return self.loop.normal_product(self.static, self.data, theta, np.asarray(w, self.dtype))

        def matrix(theta: Any) -> Any:
            return self.loop.normal_matrix(self.static, self.data, theta)

        m = self.problem.operator.shape[0]
        scale = self.loss.residual_scale_for(m)
        return AutoMomentum(matrix, product, m, None if scale is None else float(scale), chosen=chosen)
