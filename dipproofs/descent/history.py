"""What a run leaves behind: scalars for every iteration, parameters at its ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.descent.methods import GradientDescent, Method
from dipproofs.descent.resume import Snapshot
from dipproofs.descent.schedule import Schedule

if TYPE_CHECKING:
    from jaxtyping import Float, Integer


@dataclass(frozen=True, eq=False)
class History:
    """Scalars along the run (evidence: estimated).

    Args:
        loss: (T+1,) f(θ_τ), τ = 0…T.
        gradient_norm: (T+1,) ‖∇f(θ_τ)‖.
        path_length: (T+1,) Σ_{i<τ} ‖θ_{i+1} − θ_i‖ (gradient descent: Σ γ_i‖∇f(θ_i)‖).
        distance: ‖θ_τ − θ_0‖ at the iterations ``distance_iteration`` (all of them for small networks).
        step: (T,) the step size of every iteration.
    """

    loss: Float[np.ndarray, " iterates"]
    gradient_norm: Float[np.ndarray, " iterates"]
    path_length: Float[np.ndarray, " iterates"]
    distance: Float[np.ndarray, " recorded"]
    distance_iteration: Integer[np.ndarray, " recorded"]
    step: Float[np.ndarray, " iterations"] = field(default_factory=lambda: np.zeros(0))

    def __repr__(self) -> str:
        return f"History({self.loss.size} iterates, loss {self.loss[0]:.3g} → {self.loss[-1]:.3g})"


@dataclass(frozen=True, eq=False)
class Run:
    """A finished descent.

    Args:
        network: the network at the last iterate; ``start``: at the first.
        history: scalars along the run.
        iterations: number T of iterations done.
        stopped: "tolerance", "max_iterations", "not finite", "domain", "guaranteed" or "interrupted".
        reason: one line for people.
        steps: the constant γ_0 in force from each listed iteration on: ((0, γ), …); backtracking: the accepted steps.
        schedule: the schedule.
        device: where it ran.
        method: the method, with the momentum last in force.
        state: the method's arrays at the last iterate, by their names in certificates.
        momenta: the automatic momenta in force from each listed iteration on.
        first_trial: with backtracking, the γ_0 that every iteration tries first; else None.
        snapshot: from which the run can go on, see `descend`.
    """

    network: Any
    start: Any
    history: History
    iterations: int
    stopped: str
    reason: str
    steps: tuple[tuple[int, float], ...]
    schedule: Schedule
    device: str
    method: Method = field(default_factory=GradientDescent)
    state: Mapping[str, np.ndarray] = field(default_factory=dict)
    momenta: tuple[tuple[int, float], ...] = ()
    first_trial: float | None = None
    snapshot: Snapshot | None = None

    @property
    def gamma(self) -> float:
        """The last γ_0: with backtracking, the first trial of every iteration."""
        return self.steps[-1][1] if self.first_trial is None else self.first_trial

    @property
    def momentum(self) -> float | None:
        """The momentum last in force, None for a method without one."""
        if self.momenta:
            return self.momenta[-1][1]
        value = getattr(self.method, "momentum", None)
        return None if value is None or isinstance(value, str) else float(value)

    @property
    def converged(self) -> bool:
        """Whether the loss fell below the tolerance."""
        return self.stopped == "tolerance"

    def __repr__(self) -> str:
        loss = f"{self.history.loss[0]:.3g} → {self.history.loss[-1]:.3g}"
        return f"Run({self.stopped}, iterations={self.iterations}, loss {loss}, network={self.network!r})"

    def plot(self) -> Any:
        """Draw the loss and the length of the path along the run.

        Returns:
            A matplotlib figure; the numbers in it are observed (evidence: estimated).
        """
        from dipproofs.report.plots import run_figure

        return run_figure(self)

    def to_json(self) -> Mapping[str, Any]:
        """Return the summary that certificates carry."""

        def number(x: float) -> float | str:
            return float(x) if np.isfinite(x) else str(x)

        return {
            "iterations": self.iterations,
            "stopped": self.stopped,
            "reason": self.reason,
            "loss_first": number(self.history.loss[0]),
            "loss_last": number(self.history.loss[-1]),
            "path_length": number(self.history.path_length[-1]),
            "distance": number(self.history.distance[-1]),
            "steps": [list(pair) for pair in self.steps],
            "method": self.method.to_json(self.momentum),
            "evidence": "estimated",
        }
