"""What theorems about methods with a state need of a network: M = A ∂g/∂θ at its parameters, applied and bounded.

Arrays are by the name of the parameter, as in `Network.parameters`. A network offers it by a method
``linearisation(operator)``; one without it can have gradient descent certified, and no other method.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from dipproofs.enclosures import Bound, IntervalMatrix, IntervalVector

Named = dict[str, IntervalMatrix]


def array_shape(array: np.ndarray) -> tuple[int, ...]:
    """The shape under which parameters are enclosed: a matrix as it is, everything else as a vector in row order."""
    return array.shape if array.ndim == 2 else (array.size,)


def as_vectors(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays by parameter under those shapes."""
    return {name: np.asarray(array).reshape(array_shape(np.asarray(array))) for name, array in arrays.items()}


class Linearisation(Protocol):
    """M at one θ; every answer is an enclosure (evidence proved)."""

    def forward(self, displacement: Mapping[str, IntervalMatrix]) -> IntervalVector:
        """Return M D, (m,)."""

    def backward(self, w: IntervalVector) -> Named:
        """Return Mᵀw by parameter."""

    def gram(self) -> IntervalMatrix | None:
        """Return M Mᵀ, (m, m), or None where that is too large or Im(A) is not everything."""

    def ends_in_metric(self, metric: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> tuple[Bound, Bound]:
        """Return σ_min on Im(A) and the norm of M P^{1/2}, P diagonal between two arrays per parameter."""

    def column_norms(self) -> dict[str, np.ndarray]:
        """Return upper bounds of ‖M_{:,i}‖ by parameter, as arrays that broadcast to it."""

    def idle(self) -> dict[str, np.ndarray]:
        """Return where columns of M vanish for every θ, as arrays that broadcast to the parameters."""
