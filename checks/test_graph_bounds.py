"""Bounds of whole graphs on balls against an adversary, and the counterexamples of docs/theory-graphs.md §8."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from checks.graph_adversary import Adversary, ratios, tally
from checks.random_graphs import random_graph
from dipproofs.enclosures import IntervalMatrix
from dipproofs.graph import Graph, GraphBuilder
from dipproofs.networks.graph_network.ball import Effort, bound_nodes
from dipproofs.networks.graph_network.observe import observe
from dipproofs.networks.graph_network.point import Point

EFFORTS = (Effort(0), Effort(40))


def falsify(seeds: range, radii: tuple[float, ...] = (1e-3, 0.2)) -> tuple[dict[str, float], int]:
    """Largest ratios by kind of bound, and the number of violations."""
    worst: dict[str, float] = defaultdict(float)
    violations = 0
    for seed in seeds:
        graph, parameters = random_graph(seed, kinks=False, layers=4)
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((3, 12))
        adversary, point = Adversary(graph, parameters), Point.enclose(graph, parameters)
        exact = adversary.jacobian(adversary.start, graph.output, A)
        for rho, effort in zip(radii, EFFORTS):
            ball = bound_nodes(point, rho, effort)
            observed = observe(ball, IntervalMatrix.from_exact(A))
            away = np.linalg.norm(exact - observed.jacobian, 2)
            violations += not away <= observed.error + 1e-12 * np.linalg.norm(exact)
            violations += tally(ratios(adversary, ball, A, observed.lipschitz, rng, places=2), worst)
    return worst, violations


def test_random_graphs() -> None:
    """No bound is exceeded; each kind is nearly attained somewhere, so that the attack means something."""
    worst, violations = falsify(range(7))
    assert violations == 0
    assert worst["d"] > 0.95 and worst["r"] > 0.95 and worst["radius"] > 0.5
    assert worst["E"] > 0.2 and worst["lipschitz"] > 0.02, dict(worst)


def bounds_of(graph: Graph, parameters: dict[str, np.ndarray], rho: float = 0.0, A: np.ndarray | None = None) -> float:
    """ℓ_A of a graph."""
    point = Point.enclose(graph, parameters)
    rows = np.eye(graph.nodes[graph.output].size) if A is None else A
    return observe(bound_nodes(point, rho, Effort(0)), IntervalMatrix.from_exact(rows)).lipschitz


def test_tied_weights_add() -> None:
    """θ³ at 1 has second derivative 6; without the own block's share in d it would be 4."""
    b = GraphBuilder()
    w = b.parameter("w", (1, 1))
    graph = b.graph(b.matmul(w, b.matmul(w, b.matmul(w, b.constant([[1.0]])))))
    assert 6.0 <= bounds_of(graph, {"w": np.ones((1, 1))}) < 6.001


def test_reflect_padding_counts_reads() -> None:
    """W∗h with reflect padding, 3×3 on 3×3: sup‖D²F‖ = 4 > 3 = k."""
    b = GraphBuilder()
    w, h = b.parameter("w", (1, 1, 3, 3)), b.parameter("h", (1, 3, 3))
    graph = b.graph(b.conv(b.pad(h, [(0, 0), (1, 1), (1, 1)], "reflect"), w))
    values = {"w": np.zeros((1, 1, 3, 3)), "h": np.zeros((1, 3, 3))}
    found = Adversary(graph, values)
    whole = slice(0, found.start.size)
    rng = np.random.default_rng(0)
    attained = max(found.second(found.start, graph.output, None, 0.1, whole, whole, rng, 40) for _ in range(4))
    assert attained > 3.0
    assert attained <= bounds_of(graph, values)


def test_circular_padding_is_no_larger_torus() -> None:
    """n = 4, kernel (1, −1), circular: the norm is 2; a torus of length 5 would say 1.902."""
    b = GraphBuilder()
    x = b.parameter("x", (1, 4))
    graph = b.graph(b.conv(b.pad(x, [(0, 0), (0, 1)], "circular"), b.constant(np.array([[[1.0, -1.0]]]))))
    ball = bound_nodes(Point.enclose(graph, {"x": np.zeros((1, 4))}), 0.0, Effort(0))
    assert ball.of(graph.output).d[0] >= 2.0


def test_reflected_rows() -> None:
    """One output reads an entry twice: its row is √2 for ‖W_o‖ = ‖h‖ = 1."""
    b = GraphBuilder()
    x = b.parameter("x", (1, 3))
    kernel = b.constant(np.array([[[1.0, 0.0, 1.0]]]) / np.sqrt(2))
    graph = b.graph(b.conv(b.pad(x, [(0, 0), (1, 1)], "reflect"), kernel))
    ball = bound_nodes(Point.enclose(graph, {"x": np.zeros((1, 3))}), 0.0, Effort(0))
    assert ball.of(graph.output).r[0] >= np.sqrt(2)


def test_group_normalisation_is_not_fused() -> None:
    """γ = (1, 0) after a group of two channels: entries of the second channel still matter."""
    b = GraphBuilder()
    x = b.parameter("x", (2, 3))
    gamma = b.constant(np.array([[1.0] * 3, [0.0] * 3]))
    graph = b.graph(b.product(b.normalise(x, (0, 1), 1e-5), gamma))
    values = {"x": np.random.default_rng(0).standard_normal((2, 3))}
    ball = bound_nodes(Point.enclose(graph, values), 0.0, Effort(0))
    found = Adversary(graph, values)
    second = found.jacobian(found.start, graph.output)[:, 3:]
    assert 0.1 < np.linalg.norm(second, 2) <= ball.of(graph.output).d[0]


def test_blocks_partition_the_parameters() -> None:
    """A tied weight is one block; an unused parameter has a Jacobian of exact zeros."""
    b = GraphBuilder()
    w = b.parameter("w", (2, 2))
    b.parameter("unused", (3,))
    graph = b.graph(b.matmul(w, b.entrywise(b.matmul(w, b.constant(np.ones((2, 1)))), "tanh")))
    point = Point.enclose(graph, {"w": np.eye(2), "unused": np.zeros(3)})
    assert graph.columns == {"unused": slice(0, 3), "w": slice(3, 7)} and graph.parameter_count == 7
    observed = observe(bound_nodes(point, 0.1, Effort(0)), IntervalMatrix.from_exact(np.eye(2)))
    blocks = {name: observed.jacobian[:, columns] for name, columns in graph.columns.items()}
    assert not blocks["unused"].any() and blocks["w"].any()


@pytest.mark.parametrize("broken", ["own block", "kappa", "a term", "restart without its radius"])
def test_broken_variants_are_caught(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attack, and the counterexamples, see what is left out."""
    from dipproofs.networks.graph_network.nodes import bilinear, entrywise
    from dipproofs.networks.graph_network.nodes.base import Curvature
    from dipproofs.theory.architectures import graph_nodes as t

    if broken == "own block":
        monkeypatch.setattr(t, "BILINEAR_D", t.norm_w * t.d_xj + 0 * t.norm_p)
        with pytest.raises(AssertionError):
            test_tied_weights_add()
        return
    if broken == "kappa":
        monkeypatch.setattr(bilinear, "counted_kappa", lambda index: 1.0)
        with pytest.raises(AssertionError):
            test_reflect_padding_counts_reads()
        return
    if broken == "a term":
        monkeypatch.setattr(
            entrywise.Entrywise, "curvature", lambda self, ball, place, adjoint: Curvature(None, (0.0,))
        )
        b = GraphBuilder()
        graph = b.graph(b.entrywise(b.parameter("x", (3,)), "square"))
        assert bounds_of(graph, {"x": np.ones(3)}) < 2.0
        return
    monkeypatch.setattr(t, "RESTART", t.exact + t.error)
    _, violations = falsify(range(7), radii=(1e-3, 0.6))
    assert violations > 0
