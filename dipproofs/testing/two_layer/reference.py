"""A reference descent in NumPy: slow, short, independent of the JAX kernels; evidence estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.networks import TwoLayer
from dipproofs.testing.models import length
from dipproofs.testing.two_layer.model import TwoLayerModel


@dataclass(frozen=True, eq=False)
class ReferenceRun:
    """What `reference_descent` saw.

    Args:
        network: at the last iterate. loss, path_length: (T+1,) along the run.
    """

    network: TwoLayer
    loss: np.ndarray
    path_length: np.ndarray


def reference_descent(problem: Any, network: TwoLayer, loss: Any, gamma: float, steps: int) -> ReferenceRun:
    """Do some steps of gradient descent with a constant step, in float64.

    Args:
        problem: `InverseProblem`. network: where to start. loss: runtime loss.
        gamma: step. steps: how many; fewer when the loss stops being finite.

    Example:
        >>> from dipproofs import InverseProblem, SquaredError, TwoLayer
        >>> net = TwoLayer(np.array([1.0]), np.array([[1.0]]), np.array([[1.0]]))
        >>> run = reference_descent(InverseProblem(np.eye(1), np.zeros(1)), net, SquaredError(), 0.5, 3)
        >>> bool((np.diff(run.loss) < 0).all())
        True
    """
    A = problem.operator.to_dense().astype(np.float64)
    y = problem.y.astype(np.float64)
    model = TwoLayerModel(network.arrays(), network.describe(), np.float64, steps, 0)
    theta, values, lengths, path = model.start, [], [], 0.0
    with np.errstate(all="ignore"):
        for tau in range(steps + 1):
            x, known = model.signal(theta)
            v = A @ x
            values.append(float(loss.value(np, v, y)))
            lengths.append(path)
            if tau == steps or not math.isfinite(values[-1]):
                break
            gradient = model.pull(theta, known, A.T @ loss.gradient(np, v, y))
            path += gamma * length(gradient)
            theta = {name: theta[name] - gamma * gradient[name] for name in theta}
    finite = all(np.isfinite(array).all() for array in theta.values())
    moved = network.with_parameters(theta) if finite else network
    return ReferenceRun(moved, np.array(values), np.array(lengths))
