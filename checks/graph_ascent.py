"""Gradient ascent over the ball against the bounds of graphs: norms, rows, curvature and sign patterns.

The derivative of uᵀJ(θ)v by θ is uᵀD²z[v, ·], a difference quotient of one adjoint along v; that of uᵀD²z[v, w] is a
second difference. Floats only, by `dipproofs.graph.evaluate`, which shares nothing with the bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from checks.graph_adversary import Adversary
from dipproofs.networks.graph_network.kinks import Kinks, units_of
from dipproofs.networks.graph_network.nodes.base import Ball

ROUNDS = 6


def ascended(adversary: Adversary, ball: Ball, rows: np.ndarray, lipschitz: float, rng: np.random.Generator) -> (
    Iterator[tuple[str, float, float]]
):  # fmt: skip
    """Yield (name, found, bound) for what ascent finds: ‖D_j‖ and a row of one node, ‖D²F‖ of the output."""
    graph, rho = adversary.graph, ball.rho
    trained = [i for i in range(graph.output + 1) if graph.trained[i] and graph.nodes[i].inputs]
    place = int(rng.choice(trained))
    j = int(rng.integers(len(adversary.blocks)))
    block, bounds = adversary.blocks[j], ball.of(place)
    yield f"d {graph.nodes[place].op}", _ascend(adversary, place, None, block, rho), float(bounds.d[j])
    row = np.zeros((1, graph.nodes[place].size))
    row[0, rng.integers(graph.nodes[place].size)] = 1.0
    yield f"r {graph.nodes[place].op}", _ascend(adversary, place, row, block, rho), float(bounds.r[j])
    yield "lipschitz", _curvature(adversary, rows, rho, rng), lipschitz


def _ascend(adversary: Adversary, place: int, rows: np.ndarray | None, block: slice, rho: float) -> float:
    """The largest norm found of rows·D of a block of the parameters."""

    def gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        left, sizes, right = np.linalg.svd(adversary.jacobian(theta, place, rows)[:, block], full_matrices=False)
        v = np.zeros_like(theta)
        v[block] = right[0]
        size = adversary.graph.nodes[place].size
        u = left[:, :1].T @ (np.eye(size) if rows is None else rows)
        ahead, behind = (adversary.jacobian(theta + s * 1e-6 * v, place, u)[0] for s in (1, -1))
        return float(sizes[0]), (ahead - behind) / 2e-6

    return _climb(gradient, adversary.start, rho)


def _curvature(adversary: Adversary, rows: np.ndarray, rho: float, rng: np.random.Generator) -> float:
    """The largest second derivative found of rows·z of the output."""
    place = adversary.graph.output
    h = 1e-4
    v = rng.standard_normal(adversary.start.size)
    v /= np.linalg.norm(v)

    def quotient(theta: np.ndarray, along: np.ndarray, given: np.ndarray) -> np.ndarray:
        ahead, behind = (adversary.jacobian(theta + s * h * along, place, given) for s in (1, -1))
        return np.asarray((ahead - behind) / (2 * h))

    def gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal v
        for _ in range(2):
            left, sizes, right = np.linalg.svd(quotient(theta, v, rows), full_matrices=False)
            u, w = left[:, :1].T @ rows, right[0]
            v = quotient(theta, w, u)[0]
            v = v / (np.linalg.norm(v) + 1e-300)
        slope = (quotient(theta + h * w, v, u) - quotient(theta - h * w, v, u))[0] / (2 * h)
        return float(sizes[0]), slope

    inner = max(rho - 3 * h, 0.0)  # the quotients stay in the ball
    return _climb(gradient, adversary.start, inner) if inner > 0 else 0.0


def _climb(gradient: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray, rho: float) -> float:
    """Projected ascent from the centre with steps of half the radius, shorter where it falls."""
    theta, best, pace = start, 0.0, 0.5 * rho
    for _ in range(ROUNDS):
        value, slope = gradient(theta)
        pace = pace if value >= best else pace / 3
        best = max(best, value)
        away = theta + pace * slope / (np.linalg.norm(slope) + 1e-300) - start
        theta = start + away * min(1.0, rho * (1 - 1e-9) / (np.linalg.norm(away) + 1e-300))
    return best


def switched(adversary: Adversary, ball: Ball, kinks: Kinks, rounds: int = 4) -> tuple[int, int]:
    """Units driven towards their kink within the radius where none is promised to switch: (tried, switched)."""
    point, tried, count = ball.point, 0, 0
    for units in units_of(point, adversary.graph.output):
        functional = np.zeros(adversary.graph.nodes[units.place].size)
        for i in np.argsort(units.gap)[:2]:
            functional[:] = 0.0
            functional[units.plus[i]] = 1.0
            if units.minus[i] >= 0:
                functional[units.minus[i]] = -1.0
            offset = float(functional @ adversary.value(adversary.start, units.place)) - float(units.value[i])
            side, theta, tried = np.sign(units.value[i]), adversary.start, tried + 1
            for _ in range(rounds):
                slope = adversary.jacobian(theta, units.place, functional[None, :])[0]
                theta = adversary.start - kinks.radius * side * slope / (np.linalg.norm(slope) + 1e-300)
                value = float(functional @ adversary.value(theta, units.place)) - offset
                count += bool(value * side < -1e-12)
    return tried, count
