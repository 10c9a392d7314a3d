"""Gauss–Newton from the end of a run to an exact fit, and off the kinks."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import masked_convolution

from dipproofs.networks import Convolutional
from dipproofs.networks.graph_network.ball import Effort, bound_nodes
from dipproofs.networks.graph_network.kinks import examine_kinks
from dipproofs.networks.graph_network.point import Point
from dipproofs.networks.graph_network.polish import polish


@pytest.mark.parametrize("activation", ["silu", "leaky-relu"])
def test_reaches_an_exact_fit(activation: str) -> None:
    network, A, y = masked_convolution(activation, m=12, channels=6, seed=0)
    found = polish(network, A, y)
    residual = float(np.linalg.norm(A @ found.network.output() - y))
    assert residual < 1e-13 and found.residual == pytest.approx(residual, abs=1e-14)
    moved = [found.network.values[k] - v for k, v in network.values.items()]
    assert found.moved == pytest.approx(np.sqrt(sum(float((m**2).sum()) for m in moved)))
    assert 0 < found.iterations <= 40


def test_is_deterministic_and_leaves_the_network_alone() -> None:
    network, A, y = masked_convolution("silu", m=12, channels=6, seed=0)
    before = {name: value.copy() for name, value in network.values.items()}
    first, second = polish(network, A, y), polish(network, A, y)
    assert all(np.array_equal(first.network.values[k], second.network.values[k]) for k in before)
    assert all(np.array_equal(network.values[k], before[k]) for k in before)


def test_takes_units_off_their_kink() -> None:
    """An exact fit with one unit on its kink: a fit nearby, with the unit at a distance."""
    network, A, _ = masked_convolution("leaky-relu", m=12, channels=6, seed=0)
    place = next(i for i, node in enumerate(network.graph.nodes) if node.op == "piecewise")
    source = network.graph.nodes[place].inputs[0]
    values = {name: value.copy() for name, value in network.values.items()}
    name = next(k for k in values if k.endswith("norm/bias"))
    values[name][0] -= Point.estimate(network.graph, values).mid(source)[0, 2, 3]
    stuck = network.with_parameters(values)
    before = examine_kinks(bound_nodes(Point.enclose(stuck.graph, values), 1e-10, Effort(0)))
    assert before.margin < 1e-3
    found = polish(stuck, A, A @ stuck.output())
    after = examine_kinks(bound_nodes(Point.enclose(stuck.graph, dict(found.network.values)), 1e-10, Effort(0)))
    assert found.released >= 1 and after.margin > 1 and found.residual < 1e-13
    assert 0 < found.moved < 1e-5


def test_steps_bend_along_a_curved_valley(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an ill-conditioned blur; without the second derivative of the steps it takes more of them."""
    network = Convolutional.init((6, 6), channels=8, depth=3, activation="tanh", normalise="none", seed=1)
    places = np.arange(6)
    line = np.exp(-((places[:, None] - places) ** 2) / 4)
    A = np.kron(line, line)[::2]
    y = A @ np.random.default_rng(0).uniform(0.05, 0.95, 36)
    bent = polish(network, A, y, iterations=200)
    monkeypatch.setattr("dipproofs.networks.graph_network.polish._LONGEST", 0.0)
    straight = polish(network, A, y, iterations=200)
    assert bent.residual < 1e-12 and bent.iterations < 0.6 * straight.iterations
