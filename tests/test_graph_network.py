"""Graph networks in certificates: enclosures, the two-layer network as a graph, memory, the end of a polish."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import masked_convolution

import dipproofs as dp
from checks.graph_adversary import Adversary
from dipproofs.enclosures import Evidence
from dipproofs.errors import InputError
from dipproofs.graph import GraphBuilder
from dipproofs.networks import Convolutional, GraphNetwork, TwoLayer
from dipproofs.networks.graph_network import quantities
from dipproofs.networks.graph_network.polish import polish
from dipproofs.operators.bounds import bound_operator
from dipproofs.theory import symbols as s


@pytest.mark.parametrize("dense", [False, True])
def test_enclosures_contain_what_floats_find(dense: bool) -> None:
    network, A, y = masked_convolution()
    if dense:
        A = np.random.default_rng(2).standard_normal((8, 36))
        y = A @ network.output() + 0.1
    operator = bound_operator(A)
    found = network.enclose(operator, y, dp.SquaredError(), radius=1e-3)
    adversary, output = Adversary(network.graph, network.values), network.graph.output
    M = adversary.jacobian(adversary.start, output, A)
    sizes = np.linalg.svd(M, compute_uv=False)
    assert found.values[s.sigma_AJ].contains(float(sizes[-1])) and found.values[s.sigma_AJ].relative_width < 0.01
    assert found.values[s.norm_AJ].contains(float(sizes[0]))
    assert np.abs(found.prediction.mid - A @ network.output()).max() < 1e-13
    assert found.constants[s.ball_radius].upper == 1e-3 and s.kink_margin not in found.constants
    assert all(bound.evidence is Evidence.PROVED for bound in found.values.values())
    rng = np.random.default_rng(0)
    for _ in range(5):
        step = rng.standard_normal(adversary.start.size)
        moved = adversary.jacobian(adversary.start + 1e-3 * step / np.linalg.norm(step), output, A)
        assert np.linalg.norm(moved - M, 2) <= found.values[s.lipschitz_AJ].upper * 1e-3


def test_estimates_have_the_same_keys_and_nearly_the_same_values() -> None:
    network, A, y = masked_convolution("leaky-relu")
    operator = bound_operator(A)
    proved = network.enclose(operator, y, dp.SquaredError(), radius=1e-9)
    rough = network.estimate(operator, y, dp.SquaredError(), radius=1e-9, workspace={})
    assert set(rough.values) == set(proved.values)
    for symbol in (s.sigma_AJ, s.norm_AJ):
        assert rough.values[symbol].mid == pytest.approx(proved.values[symbol].mid, rel=1e-3)
        assert rough.values[symbol].evidence is Evidence.ESTIMATED
    assert proved.constants[s.kink_margin].lower > 1


@pytest.mark.parametrize("activation", ["silu", "leaky-relu"])
def test_a_polished_network_is_certified_at_once(activation: str) -> None:
    network, A, y = masked_convolution(activation)
    fitted = polish(network, A, y).network
    certificate = dp.certify_point(dp.InverseProblem(A, y), fitted)
    existence = certificate.claims.existence
    assert existence.verdict == "proved" and certificate.profile == "observation"
    assert existence.radius is not None and existence.radius["upper"] < 1e-12


def test_gradient_descent_alone_is_certified() -> None:
    network, A, y = masked_convolution(m=6)
    certificate = dp.certify(dp.InverseProblem(A, y), network, stop="certified")
    assert certificate.proved and certificate.quantities["ball_radius"].lower >= certificate.quantities["rho"].upper


def test_the_two_layer_network_both_ways() -> None:
    """g = k^{-1/2} V tanh(W u): the enclosures of both paths overlap, and both prove a fit."""
    own = TwoLayer.init(n=8, width=20, input_dimension=3, seed=0)
    b = GraphBuilder()
    hidden = b.entrywise(b.matmul(b.parameter("W", own.W.shape), b.constant(own.u[:, None])), "tanh")
    output = b.matmul(b.parameter("V", own.V.shape), b.scale(hidden, 20**-0.5))
    graph = GraphNetwork(b.graph(output), {"W": own.W, "V": own.V})
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4, 8))
    y = A @ own.output() + 1e-3 * rng.standard_normal(4)
    operator = bound_operator(A)
    first = own.enclose(operator, y, dp.SquaredError())
    second = graph.enclose(operator, y, dp.SquaredError())
    for symbol in (s.sigma_AJ, s.norm_AJ):
        one, other = first.values[symbol], second.values[symbol]
        assert max(one.lower, other.lower) <= min(one.upper, other.upper)
    gap = np.abs(first.prediction.mid - second.prediction.mid)
    assert (gap <= first.prediction.radius() + second.prediction.radius() + 1e-14).all()
    problem = dp.InverseProblem(A, y)
    assert all(dp.certify_point(problem, network).claims.existence.verdict == "proved" for network in (own, graph))


def test_more_than_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network, A, y = masked_convolution()
    monkeypatch.setattr(quantities, "LIMIT", 1e5)
    with pytest.raises(InputError, match=r"m = 10 data and p = \d+ parameters need about .* GiB, expected at most"):
        network.enclose(bound_operator(A), y, dp.SquaredError(), radius=1e-6)


def test_rows_in_several_passes_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less memory for adjoints: the same Jacobian, a curvature that is at most √passes larger."""
    from dipproofs.enclosures import IntervalMatrix
    from dipproofs.networks.graph_network.ball import Effort, bound_nodes
    from dipproofs.networks.graph_network.observe import observe
    from dipproofs.networks.graph_network.point import Point

    network, A, _ = masked_convolution()
    ball = bound_nodes(Point.enclose(network.graph, network.values), 1e-3, Effort(0))
    rows = IntervalMatrix.from_exact(A)
    whole, split = observe(ball, rows), observe(ball, rows, memory=8e4)
    assert np.allclose(whole.jacobian, split.jacobian, rtol=0, atol=1e-14)
    assert whole.lipschitz * 0.99 <= split.lipschitz <= whole.lipschitz * 10**0.5


def test_too_few_parameters_are_named() -> None:
    network, _, _ = masked_convolution()
    assert network.never_injective(5) == "" and "parameters" in network.never_injective(10**6)


def test_the_largest_effort_sharpens_what_is_undecided_and_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    from dipproofs.networks.graph_network.ball import Effort
    from dipproofs.verify.networks import graph as verifier

    for name, entries in (("SEARCH", 20), ("PROOF", 40), ("THOROUGH", 400)):
        monkeypatch.setattr(quantities, name, Effort(entries))
    monkeypatch.setattr(verifier, "EFFORTS", ((20, True), (40, False), (400, False)))
    network = Convolutional.init((6, 6), channels=8, depth=3, activation="tanh", normalise="none", seed=1)
    A = np.eye(36)[::4]
    problem = dp.InverseProblem(A, A @ network.output() + 1e-3 * np.random.default_rng(0).standard_normal(9))
    bounds = []
    for share in (np.inf, 0.0):
        monkeypatch.setattr(quantities, "_UNDECIDED", (share, np.inf))
        found = dp.certify_point(problem, network)
        assert dp.verify(found).valid
        bounds.append(found.quantities["lipschitz_AJ"].upper)
    assert bounds[1] < 0.8 * bounds[0]
    monkeypatch.setattr(verifier, "EFFORTS", ((20, True), (40, False)))
    assert not dp.verify(found).valid, "the bound needs the largest effort"
    point = quantities.Point.enclose(network.graph, network.values)
    assert len(quantities.efforts(point)) == 3
    monkeypatch.setattr(quantities, "AFFORDABLE", 0.0)
    assert len(quantities.efforts(point)) == 2


def test_the_linearisation_takes_the_jacobian_of_the_last_enclosure_of_the_same_network_only() -> None:
    network = Convolutional.init((4, 4), channels=2, depth=1)
    operator, other = (bound_operator(np.eye(16)[rows]) for rows in ([1, 5], [2, 7]))
    y = operator.matrix.mid @ network.output() + 1e-9
    twin = network.with_parameters(network.parameters())
    network.enclose(operator, y, dp.SquaredError())
    known = quantities.latest(network, operator)
    assert known is not None and quantities.latest(network, other) is None and quantities.latest(twin, operator) is None
    assert network.linearisation(operator)._observed is known
    anew = twin.linearisation(operator)
    np.testing.assert_allclose(known.jacobian, anew._observed.jacobian, atol=1e-12)
    twin.enclose(operator, y, dp.SquaredError())
    assert quantities.latest(network, operator) is None  # one is kept
