"""First-order methods in NumPy, as the reference follows them, from the state that a certificate stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.testing.models import Arrays, named

#: (gradient, step size) → displacement; keeps the state.
Stepping = Callable[[Arrays, Any], Arrays]


def method_of(certificate: Certificate) -> str:
    """Return the method that what is claimed is about: of a point alone, a gradient descent that nobody made."""
    kind = str(certificate.method.get("kind"))
    return "gradient-descent" if certificate.method.get("claims") == "existence" and kind != "adam" else kind


def stepping(certificate: Certificate, start: Arrays) -> Stepping:
    """Return the method that a certificate is about, with its state at the certified iterate.

    Args:
        certificate: what is claimed. start: the trained parameters.
    """
    kind, arrays = method_of(certificate), certificate.arrays
    if kind == "adam":
        return _Adam(certificate.method, arrays, start)
    if kind in ("heavy-ball", "nesterov"):
        return _Momentum(float(certificate.method["momentum"]), kind == "nesterov", arrays, start)
    return lambda gradient, gamma: {name: -gamma * g for name, g in gradient.items()}


def _state(arrays: Mapping[str, np.ndarray], prefix: str, start: Arrays) -> Arrays:
    stored = named(arrays, prefix)
    return {name: stored[name].astype(a.dtype) if name in stored else np.zeros_like(a) for name, a in start.items()}


class _Momentum:
    """v ← βv − γ∇f; θ ← θ + v, or θ + βv − γ∇f (Nesterov)."""

    def __init__(self, beta: float, nesterov: bool, arrays: Mapping[str, np.ndarray], start: Arrays) -> None:
        self.beta, self.nesterov = beta, nesterov
        self.velocity = _state(arrays, "state/velocity/", start)

    def __call__(self, gradient: Arrays, gamma: Any) -> Arrays:
        beta = {name: g.dtype.type(self.beta) for name, g in gradient.items()}
        self.velocity = {name: beta[name] * self.velocity[name] - gamma * g for name, g in gradient.items()}
        if not self.nesterov:
            return self.velocity
        return {name: beta[name] * self.velocity[name] - gamma * g for name, g in gradient.items()}


class _Adam:
    """Moments of the gradient, with bias correction, ε outside the root."""

    def __init__(self, method: Mapping[str, Any], arrays: Mapping[str, np.ndarray], start: Arrays) -> None:
        self.betas = float(method["momentum"]), float(method["beta2"])
        self.epsilon = float(method["epsilon"])
        self.m, self.v = _state(arrays, "state/m/", start), _state(arrays, "state/v/", start)
        self.t = int(np.asarray(arrays.get("state/t", 0)))

    def __call__(self, gradient: Arrays, gamma: Any) -> Arrays:
        (one, two), self.t = self.betas, self.t + 1
        self.m = {name: one * self.m[name] + (1 - one) * g for name, g in gradient.items()}
        self.v = {name: two * self.v[name] + (1 - two) * g * g for name, g in gradient.items()}
        first, second = 1 - one**self.t, 1 - two**self.t
        return {
            name: -gamma * (self.m[name] / first) / (np.sqrt(self.v[name] / second) + self.epsilon) for name in gradient
        }
