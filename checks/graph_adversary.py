"""An adversary of the bounds on graphs: floats only, by `dipproofs.graph.evaluate`, which shares nothing with them.

A difference quotient of a Jacobian over a segment in the ball is at most the supremum of the second derivative there,
so that every quotient above a bound refutes it. Directions are improved by power iteration on the trilinear form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from dipproofs.graph import Graph
from dipproofs.graph.evaluate import forward, vjp
from dipproofs.networks.graph_network.nodes.base import Ball

TOLERANCE = 1e-6


class Adversary:
    """Jacobians of nodes of a graph at moved parameters."""

    def __init__(self, graph: Graph, parameters: dict[str, np.ndarray]) -> None:
        self.graph, self.names = graph, list(graph.parameters)
        self.start = np.concatenate([parameters[name].ravel() for name in self.names])
        self.sizes = [parameters[name].size for name in self.names]
        ends = np.cumsum(self.sizes)
        self.blocks = [slice(int(end - size), int(end)) for size, end in zip(self.sizes, ends)]
        self.targets: dict[int, Graph] = {}

    def parameters(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters as arrays by name."""
        return {name: theta[block].reshape(self.graph.parameters[name]) for name, block in zip(self.names, self.blocks)}

    def value(self, theta: np.ndarray, place: int) -> np.ndarray:
        """The value of a node, flat."""
        return forward(self.graph, self.parameters(theta))[place].ravel()

    def jacobian(self, theta: np.ndarray, place: int, rows: np.ndarray | None = None) -> np.ndarray:
        """rows·Dz of a node, (R, p); all rows for None."""
        target = self.targets.setdefault(place, replace(self.graph, output=place))
        size, shape = self.graph.nodes[place].size, self.graph.nodes[place].shape
        cotangents = (np.eye(size) if rows is None else rows).reshape(-1, *shape)
        parts = vjp(target, self.parameters(theta), cotangents)
        return np.concatenate([parts[name].reshape(len(cotangents), -1) for name in self.names], axis=1)

    def second(
        self, centre: np.ndarray, place: int, rows: np.ndarray | None, step: float, first: slice, second: slice,
        rng: np.random.Generator, rounds: int = 4,
    ) -> float:  # fmt: skip
        """A lower estimate of the second derivative with arguments in two blocks, near a point of the ball."""
        v = np.zeros_like(self.start)
        v[first] = rng.standard_normal(first.stop - first.start)
        best = 0.0
        for _ in range(rounds):
            v /= np.linalg.norm(v) + 1e-300
            quotient = self._quotient(centre, place, rows, step, v)[:, second]
            left, sizes, right = np.linalg.svd(quotient, full_matrices=False)
            best = max(best, float(sizes[0]))
            w = np.zeros_like(v)
            w[second] = right[0]
            back = left[:, 0] @ self._quotient(centre, place, rows, step, w)
            v = np.zeros_like(v)
            v[first] = back[first]
        return best

    def _quotient(
        self, centre: np.ndarray, place: int, rows: np.ndarray | None, step: float, v: np.ndarray
    ) -> np.ndarray:
        ahead, behind = (self.jacobian(centre + s * step * v, place, rows) for s in (1, -1))
        return (ahead - behind) / (2 * step)

    def points(self, rho: float, place: int, rng: np.random.Generator, count: int) -> Iterator[np.ndarray]:
        """Points of the ball: its centre, its boundary at random and along a singular direction of a node."""
        yield self.start
        for k in range(count):
            if k % 2:
                direction = np.linalg.svd(self.jacobian(self.start, place), full_matrices=False)[2][0]
            else:
                direction = rng.standard_normal(self.start.size)
            yield self.start + rho * (1 - 1e-9) * direction / (np.linalg.norm(direction) + 1e-300)


def ratios(
    adversary: Adversary, ball: Ball, rows: np.ndarray, lipschitz: float, rng: np.random.Generator, *, places: int = 3
) -> Iterator[tuple[str, float, float]]:
    """Yield (name, found, bound) for every bound that the adversary tries."""
    graph, rho = adversary.graph, ball.rho
    trained = [i for i in range(graph.output + 1) if graph.trained[i] and graph.nodes[i].inputs]
    chosen = [int(i) for i in rng.permutation(trained)[:places]]
    everything = slice(0, adversary.start.size)
    step = max(rho * 1e-3, 1e-6)
    for theta in adversary.points(rho, graph.output, rng, 2):
        inside = adversary.start + (theta - adversary.start) * max(0.0, 1 - 1.01 * step / rho) if rho else theta
        found = adversary.second(inside, graph.output, rows, step, everything, everything, rng)
        yield "lipschitz", found, lipschitz
    for place in chosen:
        bounds, before = ball.of(place), adversary.value(adversary.start, place)
        for theta in adversary.points(rho, place, rng, 2):
            jacobian = adversary.jacobian(theta, place)
            moved = np.abs(adversary.value(theta, place) - before).max()
            yield f"radius {graph.nodes[place].op}", float(moved), ball.radius(place)
            for j, block in enumerate(adversary.blocks):
                part = jacobian[:, block]
                yield f"d {graph.nodes[place].op}", float(np.linalg.norm(part, 2)), float(bounds.d[j])
                yield f"r {graph.nodes[place].op}", float(np.linalg.norm(part, axis=1).max()), float(bounds.r[j])
        j, k = (int(v) for v in rng.integers(len(adversary.blocks), size=2))
        theta = next(adversary.points(rho, place, rng, 1)) if rho < step else adversary.start
        found = adversary.second(theta, place, None, step, adversary.blocks[j], adversary.blocks[k], rng, 2)
        yield f"E {graph.nodes[place].op}", found, float(bounds.E[j, k])


def refuted(found: float, bound: float) -> bool:
    """Whether a value exceeds its bound beyond the floats' own rounding; NaN bounds count as refuted."""
    return not found <= bound * (1 + TOLERANCE) + 1e-8


def tally(found: Iterable[tuple[str, float, float]], worst: dict[str, float]) -> int:
    """The number of refuted bounds; ``worst`` collects the largest found/bound by kind."""
    violations = 0
    for name, value, bound in found:
        violations += refuted(value, bound)
        if value > 1e-7 and 0 < bound < np.inf:
            kind = name.split()[0]
            worst[kind] = max(worst.get(kind, 0.0), value / bound)
    return violations
