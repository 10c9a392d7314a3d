"""Networks in NumPy, as the reference follows them: forward, and the adjoint of the Jacobian (evidence: estimated)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.graph import Graph, forward, reverse
from dipproofs.networks.activation import numpy_activation

Arrays = dict[str, np.ndarray]
#: Steps that are followed cost about so many entries of nodes together.
_WORK, _LEAST_STEPS = 3e7, 60
#: Times the change of the output when every parameter moves in its last digit.
_ALLOWANCE = 30.0


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


class TwoLayerModel:
    """g(u, θ) = o1 + B V φ(W u)/√k in float64 or extended precision."""

    def __init__(self, certificate: Certificate, dtype: Any, most_steps: int, sums: int) -> None:
        arrays, described = certificate.arrays, certificate.network
        self.u, W, V = (np.asarray(arrays[name]).astype(dtype) for name in ("u", "W", "V"))
        self.B = None if "B" not in arrays else np.asarray(arrays["B"]).astype(dtype)
        self.train, self.offset = str(described["train"]), float(described.get("output_offset", 0.0))
        self.activation = numpy_activation(str(described["activation"]))
        self.root, self.all = np.sqrt(dtype(W.shape[0])), {"W": W, "V": V}
        trained = {"both": ("W", "V"), "inner": ("W",), "outer": ("V",)}[self.train]
        self.start: Arrays = {name: self.all[name] for name in trained}
        self.most_steps, self.sums = most_steps, sums

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


class GraphModel:
    """A computation graph, by its own evaluation and reverse pass in NumPy."""

    def __init__(self, certificate: Certificate, most_steps: int) -> None:
        arrays = certificate.arrays
        self.graph = Graph.from_json(certificate.network["graph"], named(arrays, "constant/"))
        self.start: Arrays = {name: array.astype(np.float64) for name, array in named(arrays, "theta/").items()}
        entries = sum(math.prod(node.shape) for node in self.graph.nodes)
        self.most_steps = int(min(most_steps, max(_LEAST_STEPS, _WORK / max(entries, 1))))
        self._moved: float | None = None

    def signal(self, theta: Arrays) -> tuple[np.ndarray, Any]:
        values = forward(self.graph, theta)
        return np.asarray(values[self.graph.output], np.float64).ravel(), values

    def pull(self, theta: Arrays, known: Any, z: np.ndarray) -> Arrays:
        shape = (1, *np.shape(known[self.graph.output]))
        found: Arrays = {}
        for index, cotangent in reverse(self.graph, known, z.reshape(shape)):
            node = self.graph.nodes[index]
            if node.op == "parameter":
                name = str(node["name"])
                found[name] = found.get(name, 0) + np.asarray(cotangent)[0]
        return {name: np.asarray(found.get(name, np.zeros_like(array))) for name, array in theta.items()}

    def sizes(self, theta: Arrays, known: Any) -> tuple[np.ndarray, float]:
        x = np.asarray(known[self.graph.output], np.float64).ravel()
        if self._moved is None:
            rng, eps = np.random.default_rng(0), float(np.finfo(np.float64).eps)
            nudged = {name: a * (1 + eps * rng.choice([-1.0, 1.0], a.shape)) for name, a in theta.items()}
            change = float(np.abs(self.signal(nudged)[0] - x).max())
            self._moved = _ALLOWANCE * (change / eps + float(np.abs(x).max()))
        return np.full(x.shape, self._moved), 1.0


def named(arrays: Mapping[str, np.ndarray], prefix: str) -> Arrays:
    """Return the arrays whose names start so, without that prefix."""
    return {name.removeprefix(prefix): np.asarray(a) for name, a in arrays.items() if name.startswith(prefix)}


def model_of(certificate: Certificate, dtype: Any, most_steps: int, sums: int) -> Model:
    """Return the network of a certificate, at its iterate.

    Args:
        certificate: of a two-layer network or a graph. dtype: of a two-layer network; a graph has float64.
        most_steps: to follow. sums: terms in the sums of the operator.
    """
    if "graph" in certificate.network:
        return GraphModel(certificate, most_steps)
    return TwoLayerModel(certificate, dtype, most_steps, sums)
