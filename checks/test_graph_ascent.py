"""Bounds of random graphs against gradient ascent over the ball; the many are `benchmarks/graphs.py`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from checks.graph_adversary import Adversary, ratios, tally
from checks.graph_ascent import ascended, switched
from checks.random_graphs import random_graph
from dipproofs.enclosures import IntervalMatrix
from dipproofs.networks.graph_network.ball import Effort, bound_nodes
from dipproofs.networks.graph_network.kinks import examine_kinks
from dipproofs.networks.graph_network.observe import observe
from dipproofs.networks.graph_network.point import Point

EFFORTS = (Effort(0), Effort(40))


@dataclass
class Outcome:
    """What an attack found: violations, units driven to their kinks, largest found/bound by kind."""

    violations: int = 0
    units: int = 0
    worst: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def falsify(seeds: range, radii: tuple[float, ...] = (2e-3, 0.2), share: float = 1.0) -> Outcome:
    """Attack every bound of random graphs, with kinks for every other seed.

    Args:
        seeds: of the graphs. radii: of the balls. share: the curvature bound is multiplied by it; below 1 it is false.
    """
    outcome = Outcome()
    for seed in seeds:
        graph, parameters = random_graph(seed, kinks=bool(seed % 2), layers=4)
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((3, 12))
        adversary, point = Adversary(graph, parameters), Point.enclose(graph, parameters)
        for radius, effort in zip(radii, EFFORTS):
            ball = bound_nodes(point, radius, effort)
            kinks = examine_kinks(ball)
            tried, changed = switched(adversary, ball, kinks)
            outcome.units, outcome.violations = outcome.units + tried, outcome.violations + changed
            if kinks.radius < radius:  # the bounds are those of the frozen pattern: on the ball where it holds
                radius = kinks.radius
                ball = bound_nodes(point, radius, effort)
            if radius < 1e-4:
                continue
            lipschitz = share * observe(ball, IntervalMatrix.from_exact(A), coarse=effort.entries == 0).lipschitz
            found = [*ascended(adversary, ball, A, lipschitz, rng)]
            found += ratios(adversary, ball, A, lipschitz, rng, places=1)
            outcome.violations += tally(found, outcome.worst)
    return outcome


def caught(seed: int, share: float = 0.02) -> bool:
    """Whether the attack refutes a curvature bound that is too small."""
    return falsify(range(seed, seed + 1), radii=(2e-3,), share=share).violations > 0


def test_no_bound_is_exceeded_by_ascent() -> None:
    """Nor does a unit switch; bounds of norms and rows are nearly attained."""
    outcome = falsify(range(4))
    assert outcome.violations == 0
    assert outcome.units > 0
    assert outcome.worst["d"] > 0.9 and outcome.worst["r"] > 0.9 and outcome.worst["lipschitz"] > 0.02


def test_too_small_a_curvature_is_caught() -> None:
    """Negative control."""
    assert sum(caught(seed) for seed in range(3)) >= 1
