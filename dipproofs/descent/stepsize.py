"""``step = "auto"``: a step that needs no tuning (docs/theory.md §3 remark c, §3.2).

The loss falls for γ below 2 over the curvature *at the iterate*, the largest eigenvalue of Mᵀ∇²L(v)M. A certificate
asks for more: γ below 1 over Λ‖M‖², Λ the largest curvature of the loss anywhere on {L ≤ f(θ_τ)}. That shrinks to the
former as the loss falls, but may at first be larger by many orders of magnitude (Poisson). So the step follows the
curvature at the iterate until the other is near, and then that one. Both are estimated at iterations 0, 1, 2, 4, 8, …,
until a certificate is found; from then on the step stays. A rise of the loss takes the run back and halves the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dipproofs.errors import InputError

#: γ = SAFETY/curvature: slack for the growth of ‖M‖ on the ball and for the power iteration's defect.
SAFETY = 0.9
#: The step is changed only when it is off by more than these factors.
_TOO_LONG, _TOO_SHORT = 1.05, 0.7
#: The step that a certificate asks for is taken once it is at least this part of the one at which the loss falls.
_NEAR = 1 / 32
_FIRST_ITERATIONS, _LATER_ITERATIONS = 40, 12

#: (iterations, θ, start vector) ↦ (an eigenvalue by power iteration, the vector to go on from).
Estimate = Callable[[int, Any, Any], tuple[Any, Any]]


@dataclass
class AutoStep:
    """The controller: ask `propose` at an iterate; it keeps the power iterations' vectors between calls.

    Args:
        estimate: ‖M‖². curvature: Λ on the sublevel set of a loss. m, dtype: of the data.
        local: the largest eigenvalue of Mᵀ∇²L(v)M; None where it is Λ‖M‖² (squared loss).
        falls: (θ, γ) ↦ the first of γ, γ/2, γ/4, … by which the loss falls; used with ``local``, for losses that are
            nearly flat where they are large.
        underflow: what ‖M‖² is about where the number format cannot hold it; 0 where it can.
        steps: receives (iteration, γ) whenever γ is set.
    """

    estimate: Estimate
    curvature: Callable[[float], float]
    m: int
    dtype: Any
    local: Estimate | None = None
    falls: Callable[[Any, float], float] | None = None
    underflow: float = 0.0
    frozen: bool = False
    gamma: float | None = None
    steps: list[tuple[int, float]] = field(default_factory=list)
    vectors: dict[str, Any] = field(default_factory=dict)
    next_check: int = 0
    cap: float = np.inf

    def propose(self, tau: int, theta: Any, loss: float) -> float:
        """Return the step to use from iteration ``tau`` on."""
        if self.gamma is not None and (self.frozen or tau < self.next_check):
            return self.gamma
        best = min(self._best(theta, loss), self.cap)
        self.cap *= 2  # what was too long once may do later
        self.next_check = max(1, 2 * tau)
        if self.gamma is None or self.gamma > _TOO_LONG * best or self.gamma < _TOO_SHORT * best:
            self._set(tau, best)
        assert self.gamma is not None
        return self.gamma

    def shorten(self, tau: int) -> bool:
        """Halve the step because the loss rose after ``tau``; say whether there is a shorter one."""
        assert self.gamma is not None
        before = self.gamma
        self._set(tau, before / 2)
        self.cap = self.gamma
        return self.gamma < before

    def _best(self, theta: Any, loss: float) -> float:
        bound = float(self.curvature(loss)) * (self._size("norm", self.estimate, theta) or self.underflow)
        if self.local is None:
            return SAFETY / bound if bound > 0 and np.isfinite(bound) else 1.0
        here = self._size("local", self.local, theta)
        provable = SAFETY / bound if bound > 0 and np.isfinite(bound) else 0.0
        falls = SAFETY / here if here > 0 and np.isfinite(here) else 1.0
        if self.falls is not None:
            falls = self.falls(theta, falls)
        return provable if provable >= _NEAR * falls else falls

    def _size(self, name: str, estimate: Estimate, theta: Any) -> float:
        vector = self.vectors.get(name)
        count = _FIRST_ITERATIONS if vector is None else _LATER_ITERATIONS
        if vector is None:
            rng = np.random.default_rng(0)
            vector = (rng.standard_normal(self.m).astype(self.dtype) / np.sqrt(self.m)).astype(self.dtype)
        size, self.vectors[name] = estimate(count, theta, vector)
        return float(size)

    def _set(self, tau: int, gamma: float) -> None:
        with np.errstate(over="ignore"):
            rounded = float(np.dtype(self.dtype).type(gamma))
        if not 0 < rounded < np.inf:
            if self.gamma is not None:  # keep the step that works
                return
            advice = "" if self.dtype == np.float64 else ', or use dtype = "float64"'
            raise InputError(
                f'descent.step: "auto" gives γ = {gamma:.3g}, expected a positive number of {np.dtype(self.dtype)}; '
                f"rescale A, y or the loss{advice}"
            )
        self.gamma = rounded
        put(self.steps, tau, self.gamma)


def put(steps: list[tuple[int, float]], tau: int, value: float) -> None:
    """Say that a value is in force from iteration τ on, in place of what was said for τ and later."""
    while steps and steps[-1][0] >= tau:
        steps.pop()
    if not steps or steps[-1][1] != value:
        steps.append((tau, value))
