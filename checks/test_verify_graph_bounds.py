"""The verifier's own bounds of graphs against an adversary: every node's ‖D_j‖, rows and E, and ℓ_A, over the ball.

Its rules for diag(σ)z are tried where they act: normalisations, also two in a row, affine layers, tied weights.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
import pytest

from checks.graph_adversary import Adversary, ratios, tally
from checks.graph_ascent import ascended
from checks.random_graphs import random_graph
from dipproofs.graph import Graph, GraphBuilder
from dipproofs.verify.graph import bounds, scaled
from dipproofs.verify.graph.bounds import Ball
from dipproofs.verify.graph.derivatives import Derivatives
from dipproofs.verify.graph.observation import observe
from dipproofs.verify.graph.point import Point
from dipproofs.verify.graph.values import values_of

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class Seen:
    """A ball of the verifier, as the adversary asks for it."""

    ball: Ball

    @property
    def rho(self) -> float:
        return self.ball.rho

    def of(self, place: int) -> Derivatives:
        return self.ball.nodes[place]

    def radius(self, place: int) -> float:
        return self.ball.moves(place)


def normalised_graph(seed: int) -> tuple[Graph, Parameters]:
    """Convolution, normalisation, affine layer, activation, a tied convolution, two normalisations."""
    rng, b = np.random.default_rng(seed), GraphBuilder()
    w, gamma, beta = b.parameter("w", (2, 2, 3)), b.parameter("gamma", (2,)), b.parameter("beta", (2,))
    channels = np.repeat(np.arange(2), 4).reshape(2, 4)

    def block(x: int) -> int:
        axes = (1,) if seed % 2 else (0, 1)
        n = b.normalise(b.conv(x, w, padding=((1, 1),)), axes, 1e-3)
        return b.add(b.product(n, b.gather([gamma], channels)), b.gather([beta], channels))

    x = b.entrywise(block(b.constant(rng.standard_normal((2, 4)))), ("silu", "tanh")[seed % 2])
    graph = b.graph(b.normalise(block(x), (1,), 1e-2))
    scales = {"w": 1.0, "gamma": 2.0, "beta": 0.5}
    return graph, {name: scales[name] * rng.standard_normal(shape) for name, shape in graph.parameters.items()}


def falsify(
    cases: list[tuple[Graph, Parameters]], radii: tuple[float, ...] = (1e-3, 0.1), share: float = 1.0
) -> tuple[int, dict[str, float]]:
    """The number of violations, and the largest found/bound by kind."""
    violations, worst = 0, defaultdict[str, float](float)
    for number, (graph, theta) in enumerate(cases):
        rng, adversary = np.random.default_rng(number), Adversary(graph, theta)
        point = Point(graph, values_of(graph, theta))
        A = rng.standard_normal((3, graph.nodes[graph.output].size))
        for rho, entries, coarse in zip(radii, (0, 64), (True, False)):
            ball = Ball(replace_kept(point), rho, entries, coarse=coarse)
            ell = share * observe(ball, A).lipschitz
            found = [*ratios(adversary, Seen(ball), A, ell, rng, places=4)]
            found += ascended(adversary, Seen(ball), A, ell, rng)
            violations += tally(found, worst)
    return violations, dict(worst)


def replace_kept(point: Point) -> Point:
    """The same point without what it kept."""
    return Point(point.graph, replace(point.values))


def test_normalised_graphs() -> None:
    violations, worst = falsify([normalised_graph(seed) for seed in range(2)])
    assert violations == 0
    assert worst["d"] > 0.9 and worst["r"] > 0.9 and worst["E"] > 0.1 and worst["lipschitz"] > 0.005, worst


def test_random_graphs() -> None:
    violations, worst = falsify([random_graph(seed, kinks=False, layers=4) for seed in range(2)])
    assert violations == 0 and worst["d"] > 0.9 and worst["lipschitz"] > 0.02, worst


@pytest.mark.parametrize("broken", ["curvature", "kernel", "deviation", "weights"])
def test_broken_variants_are_caught(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share of ℓ_A; a scaled kernel a third of its size; s twice too large; a weighted norm a third of itself."""
    share = 0.002 if broken == "curvature" else 1.0
    if broken == "kernel":
        kept = scaled.SCALED["conv"]
        rule = lambda *given: scaled.multiple(0.3, found) if (found := kept(*given)) is not None else None  # noqa: E731
        monkeypatch.setattr(bounds, "SCALED", {**scaled.SCALED, "conv": rule})
    elif broken == "deviation":
        least = scaled.least_on_ball
        monkeypatch.setattr(scaled, "least_on_ball", lambda *given: 2.0 * least(*given))
    elif broken == "weights":
        monkeypatch.setattr(bounds, "weighted", lambda x, factors: 0.3 * bounds.norm(x * factors))
    seeds = (0, 1) if broken == "weights" else (1,)
    assert falsify([normalised_graph(seed) for seed in seeds], share=share)[0] > 0
