"""What a run leaves behind: scalars for every iteration, parameters at its ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.descent.schedule import Schedule
from dipproofs.networks import TwoLayer


@dataclass(frozen=True, eq=False)
class History:
    """Scalars along the run (evidence: estimated).

    Args:
        loss: (T+1,) f(θ_τ), τ = 0…T.
        gradient_norm: (T+1,) ‖∇f(θ_τ)‖.
        path_length: (T+1,) Σ_{i<τ} γ_i‖∇f(θ_i)‖.
        distance: ‖θ_τ − θ_0‖ at the iterations ``distance_iteration`` (all of them for small networks).
    """

    loss: np.ndarray
    gradient_norm: np.ndarray
    path_length: np.ndarray
    distance: np.ndarray
    distance_iteration: np.ndarray


@dataclass(frozen=True, eq=False)
class Run:
    """A finished descent.

    Args:
        network: the network at the last iterate; ``start``: at the first.
        history: scalars along the run.
        iterations: number T of steps done.
        stopped: "tolerance", "max_iterations", "not finite", "domain", "guaranteed" or "interrupted".
        reason: one line for people.
        steps: the constant γ_0 in force from each listed iteration on: ((0, γ), …).
        schedule: the schedule.
        device: where it ran.
    """

    network: TwoLayer
    start: TwoLayer
    history: History
    iterations: int
    stopped: str
    reason: str
    steps: tuple[tuple[int, float], ...]
    schedule: Schedule
    device: str

    @property
    def gamma(self) -> float:
        """The last γ_0."""
        return self.steps[-1][1]

    @property
    def converged(self) -> bool:
        """Whether the loss fell below the tolerance."""
        return self.stopped == "tolerance"

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
            "evidence": "estimated",
        }
