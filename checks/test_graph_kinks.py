"""Theorem 5: inside the radius no unit changes its piece, whoever pushes it; outside the margin it can."""

from __future__ import annotations

import numpy as np
import pytest

from checks.graph_adversary import Adversary
from checks.random_graphs import random_graph
from dipproofs.graph import GraphBuilder
from dipproofs.networks.graph_network import kinks
from dipproofs.networks.graph_network.ball import Effort, bound_nodes
from dipproofs.networks.graph_network.kinks import examine_kinks, units_of
from dipproofs.networks.graph_network.point import Point
from dipproofs.theory.elementary import leaky_relu


def signs(adversary: Adversary, theta: np.ndarray) -> np.ndarray:
    """Sides of all units in floats."""
    point = Point.estimate(adversary.graph, adversary.parameters(theta))
    return np.concatenate([np.sign(units.value) for units in units_of(point, adversary.graph.output)])


def push(adversary: Adversary, radius: float, tries: int, rng: np.random.Generator) -> float:
    """Push the nearest units towards their kinks, to the rim of the ball; the least share of the distance left."""
    start = Point.estimate(adversary.graph, adversary.parameters(adversary.start))
    left = np.inf
    for units in units_of(start, adversary.graph.output):
        plain = np.flatnonzero(units.minus < 0)
        if not plain.size:
            continue
        jacobian = adversary.jacobian(adversary.start, units.place)
        ratios = np.abs(units.value[plain]) / (np.linalg.norm(jacobian[units.plus[plain]], axis=1) + 1e-300)
        for i in plain[np.argsort(ratios)[:tries]]:
            row = np.zeros(jacobian.shape[0])
            row[units.plus[i]] = 1.0
            theta = adversary.start.copy()
            for _ in range(6):
                gradient = adversary.jacobian(theta, units.place, row[None])[0] * -np.sign(units.value[i])
                theta = adversary.start + radius * gradient / (np.linalg.norm(gradient) + 1e-300)
                moved = adversary.value(theta, units.place)[units.plus[i]]
                before = adversary.value(adversary.start, units.place)[units.plus[i]]
                left = min(left, 1 - (before - moved) / units.value[i])
    return float(left)


def graphs_with_kinks(count: int) -> list[Adversary]:
    """Random graphs in which units can switch."""
    found = []
    for seed in range(200):
        graph, parameters = random_graph(seed, layers=5)
        if any(node.op == "piecewise" and graph.trained[i] for i, node in enumerate(graph.nodes)):
            found.append(Adversary(graph, parameters))
        if len(found) == count:
            break
    return found


def test_no_unit_switches_inside_the_radius() -> None:
    nearest, active = np.inf, 0
    rng = np.random.default_rng(0)
    for adversary in graphs_with_kinks(10):
        point = Point.enclose(adversary.graph, adversary.parameters(adversary.start))
        found = examine_kinks(bound_nodes(point, 0.05, Effort(60)))
        assert found.units > 0
        if not found.radius > 0:
            continue
        active += 1
        left = push(adversary, found.radius, 3, rng)
        assert left > 0
        nearest = min(nearest, left)
        before = signs(adversary, adversary.start)
        for _ in range(10):
            away = rng.standard_normal(adversary.start.size)
            theta = adversary.start + found.radius * away / np.linalg.norm(away)
            assert (signs(adversary, theta) == before).all()
    assert active >= 5
    assert nearest < 0.35, f"the radius is nearly attained somewhere: {nearest}"


def locked(value: float) -> tuple[Adversary, Point]:
    """A leaky ReLU of w·u with w·u = value."""
    b = GraphBuilder()
    w = b.parameter("w", (1, 2))
    graph = b.graph(b.piecewise(b.matmul(w, b.constant([[1.0], [1.0]])), leaky_relu()))
    parameters = {"w": np.array([[1.0, value - 1.0]])}
    return Adversary(graph, parameters), Point.enclose(graph, parameters)


def test_the_margin_of_one_unit_is_exact() -> None:
    """|a| = 0.1 and ‖∇a‖ = √2: margin 0.1/(√2 ρ), and the radius where it is 1."""
    _, point = locked(0.1)
    found = examine_kinks(bound_nodes(point, 0.05, Effort(0)))
    assert found.margin == pytest.approx(0.1 / np.sqrt(2) / 0.05, rel=1e-6) and found.radius == 0.05
    found = examine_kinks(bound_nodes(point, 1.0, Effort(0)))
    assert found.radius == pytest.approx(0.1 / np.sqrt(2), rel=1e-3) and found.radius < 0.1 / np.sqrt(2)


def test_a_unit_on_its_kink_has_no_ball() -> None:
    _, point = locked(0.0)
    for rho in (0.0, 1e-12, 0.1):
        found = examine_kinks(bound_nodes(point, rho, Effort(0)))
        assert found.margin == 0.0 and found.radius == 0.0


def test_padding_is_no_unit() -> None:
    """Zeros that no parameter moves may sit on the kink."""
    b = GraphBuilder()
    x = b.pad(b.parameter("x", (1, 3)), [(0, 0), (2, 2)], "zero")
    graph = b.graph(b.piecewise(x, leaky_relu()))
    found = examine_kinks(bound_nodes(Point.enclose(graph, {"x": np.ones((1, 3))}), 0.1, Effort(0)))
    assert found.units == 3 and found.radius == 0.1


def test_ties_of_a_maximum() -> None:
    """Equal entries compete unless they are copies of one entry."""
    for second, expected in ((0, 0.1), (1, 0.0)):
        b = GraphBuilder()
        x = b.parameter("x", (2,))
        graph = b.graph(b.maximum(b.gather([x], np.array([[0, second]]))))
        found = examine_kinks(bound_nodes(Point.enclose(graph, {"x": np.ones(2)}), 0.1, Effort(0)))
        assert found.radius == expected


def test_an_ignored_suspect_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where suspects are taken to move not at all, the push finds a unit that switches."""
    monkeypatch.setattr(kinks, "_exact_speed", lambda ball, units, near: np.full(near.size, 1e-12))
    rng = np.random.default_rng(0)
    least = np.inf
    for adversary in graphs_with_kinks(6):
        point = Point.enclose(adversary.graph, adversary.parameters(adversary.start))
        found = examine_kinks(bound_nodes(point, 0.05, Effort(0)))
        least = min(least, push(adversary, found.radius, 3, rng) if found.radius else np.inf)
    assert least <= 0
