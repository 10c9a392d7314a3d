"""``step = "auto"``: a step that needs no tuning (docs/theory.md §3 remark c, §3.2).

The residual form needs γΛ‖M‖² ≤ 1 on a ball, the other forms are fastest near q = γL = 1; both are met by
γ a little below 1/(Λ‖M‖²). ‖M‖ changes along the run, so it is estimated again at iterations 0, 1, 2, 4, 8, …
until a certificate is found; from then on the step stays. A rise of the loss halves it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dipproofs.errors import InputError

#: γ = SAFETY/(Λ‖M‖²): room for the growth of ‖M‖ on the ball and for the power iteration's defect.
SAFETY = 0.9
#: The step is changed only when it is off by more than these factors.
_TOO_LONG, _TOO_SHORT = 1.05, 0.7
#: A loss above this multiple of the one before counts as a rise (rounding does not).
_RISE = 1.001
_FIRST_ITERATIONS, _LATER_ITERATIONS = 40, 12


@dataclass
class AutoStep:
    """The controller: ask `propose` at an iterate; it keeps the power iteration's vector between calls."""

    estimate: Any
    curvature: Any
    m: int
    dtype: Any
    frozen: bool = False
    gamma: float | None = None
    _vector: Any = None
    _next_check: int = 0
    _loss: float = np.inf
    _cap: float = np.inf
    steps: list[tuple[int, float]] = field(default_factory=list)

    def propose(self, tau: int, state: Any, loss: float) -> float:
        """Return the step to use from iteration ``tau`` on."""
        if self.gamma is not None and (self.frozen or tau < self._next_check):
            if not self.frozen and loss > _RISE * self._loss:
                self._set(tau, self.gamma / 2)
                self._cap = self.gamma
            self._loss = loss
            return self.gamma
        first = self._vector is None
        if first:
            rng = np.random.default_rng(0)
            self._vector = rng.standard_normal(self.m).astype(self.dtype) / np.sqrt(self.m)
        count = _FIRST_ITERATIONS if first else _LATER_ITERATIONS
        size, self._vector = self.estimate(count, state, self._vector)
        self._next_check = max(1, 2 * tau)
        curvature = float(self.curvature(loss)) * float(size)
        best = min(SAFETY / curvature if curvature > 0 and np.isfinite(curvature) else 1.0, self._cap)
        if self.gamma is not None and loss > _RISE * self._loss:
            self._cap = self.gamma / 2
            best = min(best, self._cap)
        if self.gamma is None or self.gamma > _TOO_LONG * best or self.gamma < _TOO_SHORT * best:
            self._set(tau, best)
        self._loss = loss
        assert self.gamma is not None
        return self.gamma

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
        if self.steps and self.steps[-1][0] == tau:
            self.steps.pop()
        self.steps.append((tau, self.gamma))
