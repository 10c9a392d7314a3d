"""A reference descent in NumPy: slow, short, independent of the JAX kernels; evidence estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dipproofs.networks import TwoLayer
from dipproofs.networks.activation import numpy_activation


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
        problem: `InverseProblem`. network: where to start; no basis. loss: runtime loss.
        gamma: step. steps: how many; fewer when the loss stops being finite.

    Example:
        >>> from dipproofs import InverseProblem, SquaredError, TwoLayer
        >>> net = TwoLayer(np.array([1.0]), np.array([[1.0]]), np.array([[1.0]]))
        >>> run = reference_descent(InverseProblem(np.eye(1), np.zeros(1)), net, SquaredError(), 0.5, 3)
        >>> bool((np.diff(run.loss) < 0).all())
        True
    """
    A = problem.operator.to_dense().astype(np.float64)
    u, W, V = (array.astype(np.float64) for array in (network.u, network.W, network.V))
    y, root_k = problem.y.astype(np.float64), math.sqrt(network.width)
    activation = numpy_activation(network.activation)
    values, lengths, length = [], [], 0.0
    with np.errstate(all="ignore"):
        for tau in range(steps + 1):
            phi, dphi = activation(W @ u)
            v = A @ (V @ phi / root_k + network.output_offset)
            values.append(float(loss.value(np, v, y)))
            lengths.append(length)
            if tau == steps or not math.isfinite(values[-1]):
                break
            z = A.T @ loss.gradient(np, v, y) / root_k
            step_V = np.outer(z, phi) if network.train != "inner" else np.zeros_like(V)
            step_W = np.outer(dphi * (V.T @ z), u) if network.train != "outer" else np.zeros_like(W)
            length += gamma * math.sqrt(np.sum(step_V**2) + np.sum(step_W**2))
            V, W = V - gamma * step_V, W - gamma * step_W
    moved = (
        replace(network, V=V.astype(network.V.dtype), W=W.astype(network.W.dtype)) if np.isfinite(V).all() else network
    )
    return ReferenceRun(moved, np.array(values), np.array(lengths))
