"""Computation graphs in NumPy, for the reference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.graph import Graph, forward, reverse
from dipproofs.testing.models import Arrays, named

#: Steps that are followed cost about so many entries of nodes together.
_WORK, _LEAST_STEPS = 3e7, 60
#: Times the change of the output when every parameter moves in its last digit.
_ALLOWANCE = 30.0


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
