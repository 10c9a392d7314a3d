"""An adversary in floats: points of the ball where the constants are tested hardest. It proposes; balls decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.networks import TwoLayer
from dipproofs.networks.activation import numpy_activation


@dataclass
class Floats:
    """The instance in float64, W moving along u only (its other directions change nothing).

    Args:
        A: (m, n). network: centre of the ball.
    """

    A: np.ndarray
    network: TwoLayer

    def __post_init__(self) -> None:
        self.A = self.A.astype(np.float64)
        self.V0 = self.network.V.astype(np.float64)
        self.u = self.network.u.astype(np.float64)
        self.a0 = self.network.W.astype(np.float64) @ self.u
        self.norm_u = float(np.linalg.norm(self.u))
        self.k = self.network.width
        self.function = numpy_activation(self.network.activation)

    def unpack(self, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """V and b from a vector of trained coordinates (V entries, then b‖u‖), whose norm is ‖θ−θ_0‖."""
        V, b, cut = self.V0, np.zeros(self.k), 0
        if self.network.train != "inner":
            cut = V.size
            V = V + shift[:cut].reshape(V.shape)
        if self.network.train != "outer":
            b = shift[cut:] / self.norm_u
        return V, b

    @property
    def size(self) -> int:
        """Number of trained coordinates."""
        return {"both": self.V0.size + self.k, "inner": self.k, "outer": self.V0.size}[self.network.train]

    def gram(self, shift: np.ndarray) -> np.ndarray:
        """M Mᵀ."""
        V, b = self.unpack(shift)
        phi, dphi = self.function(self.a0 + b * self.norm_u**2)
        AV = self.A @ V
        inner = (AV * dphi**2) @ AV.T * (self.norm_u**2 / self.k) if self.network.train != "outer" else 0.0
        outer = self.A @ self.A.T * (phi @ phi / self.k) if self.network.train != "inner" else 0.0
        return np.asarray(inner + outer)

    def extreme(self, shift: np.ndarray, smallest: bool) -> np.ndarray:
        """The vector of Im(A) at which ‖Mᵀw‖/‖w‖ is extreme."""
        left, _, _ = np.linalg.svd(self.A, full_matrices=False)  # orthonormal basis of Im(A)
        _, vectors = np.linalg.eigh(left.T @ self.gram(shift) @ left)
        return np.asarray(left @ vectors[:, 0 if smallest else -1])


def push(floats: Floats, rng: np.random.Generator, radius: float, smallest: bool, rounds: int = 6) -> np.ndarray:
    """A shift of this length at which s_A is small (or ‖M‖ large): projected gradient steps with differences."""
    shift = rng.standard_normal(floats.size)
    shift *= radius / np.linalg.norm(shift)
    for _ in range(rounds):
        w = floats.extreme(shift, smallest)
        slope = gradient(floats, shift, w)
        size = np.linalg.norm(slope)
        if size == 0 or not np.isfinite(size):
            break
        towards = -slope / size if smallest else slope / size
        shift = shift + radius * towards
        shift *= radius / np.linalg.norm(shift)
    return shift


def gradient(floats: Floats, shift: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Gradient of ‖Mᵀw‖² in the trained coordinates."""
    V, b = floats.unpack(shift)
    a, z = floats.a0 + b * floats.norm_u**2, floats.A.T @ w
    phi, dphi = floats.function(a)
    h = 1e-6
    second = (floats.function(a + h)[1] - floats.function(a - h)[1]) / (2 * h)
    back, parts = V.T @ z, []
    trains_W, trains_V = floats.network.train != "outer", floats.network.train != "inner"
    if trains_V:
        inner = np.outer(z, dphi**2 * back) * (2 * floats.norm_u**2 / floats.k) if trains_W else np.zeros_like(V)
        parts.append(inner.ravel())
    if trains_W:
        change = 2 * floats.norm_u**2 / floats.k * dphi * second * back**2
        if trains_V:
            change = change + 2 * phi * dphi * (z @ z) / floats.k
        parts.append(change * floats.norm_u)
    return np.concatenate(parts)
