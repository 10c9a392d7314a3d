"""The two-layer network in NumPy, for the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dipproofs.networks.activation import numpy_activation
from dipproofs.networks.two_layer.network import TRAINED
from dipproofs.testing.models import Arrays


class TwoLayerModel:
    """g(u, θ) = o1 + B V φ(W u)/√k in float64 or extended precision."""

    def __init__(
        self, arrays: Mapping[str, Any], described: Mapping[str, Any], dtype: Any, steps: int, sums: int
    ) -> None:
        self.u, W, V = (np.asarray(arrays[name]).astype(dtype) for name in ("u", "W", "V"))
        self.B = None if "B" not in arrays else np.asarray(arrays["B"]).astype(dtype)
        self.train, self.offset = str(described["train"]), float(described.get("output_offset", 0.0))
        self.activation = numpy_activation(str(described["activation"]))
        self.root, self.all = np.sqrt(dtype(W.shape[0])), {"W": W, "V": V}
        self.start: Arrays = {name: self.all[name] for name in TRAINED[self.train]}
        self.most_steps, self.sums = steps, sums

    def signal(self, theta: Arrays) -> tuple[np.ndarray, Any]:
        now = self.all | theta
        phi, dphi = self.activation(now["W"] @ self.u)
        h = now["V"] @ phi / self.root
        return (h if self.B is None else self.B @ h) + h.dtype.type(self.offset), (phi, dphi)

    def pull(self, theta: Arrays, known: Any, z: np.ndarray) -> Arrays:
        phi, dphi = known
        z = (z if self.B is None else self.B.T @ z) / self.root
        found = {}
        if "V" in theta:
            found["V"] = np.outer(z, phi)
        if "W" in theta:
            found["W"] = np.outer(dphi * ((self.all | theta)["V"].T @ z), self.u)
        return found

    def sizes(self, theta: Arrays, known: Any) -> tuple[np.ndarray, float]:
        V = (self.all | theta)["V"]
        size = np.abs(V) @ np.abs(known[0]) / self.root
        size = np.abs(self.B) @ size if self.B is not None else size
        return size + abs(self.offset), self.sums + V.shape[0] + 2.0 * V.shape[1] + self.u.size + 20
