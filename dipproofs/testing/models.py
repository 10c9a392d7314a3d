"""A network as the reference follows it: forward, and the adjoint of the Jacobian (evidence: estimated)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

Arrays = dict[str, np.ndarray]


class Model(Protocol):
    """A network that can be followed.

    Args:
        start: trained parameters at the certified iterate.
        most_steps: longer runs are not followed.
    """

    start: Arrays
    most_steps: int

    def signal(self, theta: Arrays) -> tuple[np.ndarray, Any]:
        """Return x (n,) and what `pull` needs."""
        ...

    def pull(self, theta: Arrays, known: Any, z: np.ndarray) -> Arrays:
        """Return J(θ)ᵀz by parameter."""
        ...

    def sizes(self, theta: Arrays, known: Any) -> tuple[np.ndarray, float]:
        """Return how large the terms of x are (n,), and how many roundings they see."""
        ...


def length(parts: Arrays) -> Any:
    """Return the Euclidean norm of all arrays together."""
    return np.sqrt(sum((np.sum(part**2) for part in parts.values()), 0.0))


def named(arrays: Mapping[str, np.ndarray], prefix: str) -> Arrays:
    """Return the arrays whose names start so, without that prefix."""
    return {name.removeprefix(prefix): np.asarray(a) for name, a in arrays.items() if name.startswith(prefix)}
