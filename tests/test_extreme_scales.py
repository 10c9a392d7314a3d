"""Numbers near or beyond the ends of the floats: graphs pay for underflow, and what is certified is verified."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy as sp
from flint import arb

import dipproofs as dp
from dipproofs.enclosures import IntervalMatrix
from dipproofs.graph import Graph, GraphBuilder
from dipproofs.networks import GraphNetwork
from dipproofs.networks.graph_network import ball as producer
from dipproofs.networks.graph_network.kinks import examine_kinks
from dipproofs.networks.graph_network.nodes.torus import convolution_norm as producers_norm
from dipproofs.networks.graph_network.observe import observe as producers_view
from dipproofs.networks.graph_network.point import Point as ProducersPoint
from dipproofs.theory.activations import x
from dipproofs.theory.elementary import ELEMENTARY, PiecewiseLinear
from dipproofs.verify.arithmetic.expressions import compiled, evaluate
from dipproofs.verify.graph.bounds import Ball
from dipproofs.verify.graph.observation import kink_margin, observe
from dipproofs.verify.graph.point import Point
from dipproofs.verify.graph.torus import convolution_norm
from dipproofs.verify.graph.values import values_of
from dipproofs.verify.methods.inequalities import read_size
from dipproofs.verify.polish import check_polish

RHO = 1e-3
Case = tuple[Graph, dict[str, np.ndarray], np.ndarray, float]


def squared(
    tiny: Callable[[GraphBuilder, int], int], huge: float, size: int = 2
) -> tuple[Graph, dict[str, np.ndarray]]:
    """(huge·tiny(θ))², entry by entry."""
    b = GraphBuilder()
    a = b.scale(tiny(b, b.parameter("w", (2,))), huge)
    return b.graph(b.product(a, a)), {"w": np.ones(2)}


def small_observation() -> Case:
    b = GraphBuilder()
    w = b.parameter("w", (2,))
    return b.graph(b.product(w, w)), {"w": np.ones(2)}, 1e-170 * np.eye(2), 2e-170


def small_squares() -> Case:
    b = GraphBuilder()
    a = b.scale(b.parameter("w", (2,)), 1e-200)
    return b.graph(b.scale(b.product(a, a), 1e300)), {"w": np.ones(2)}, np.eye(2), 2e-100


def small_copies() -> Case:
    graph, theta = squared(lambda b, w: b.gather([b.scale(w, 1e-170)], np.array([0, 1, 0])), 1e170)
    return graph, theta, np.eye(3), 2.0


def small_inner_node() -> Case:
    graph, theta = squared(lambda b, w: b.entrywise(b.scale(w, 1e-170), "tanh"), 1e170)
    return graph, theta, np.eye(2), 2.0


def small_kernel() -> Case:
    def tiny(b: GraphBuilder, w: int) -> int:
        return b.conv(b.reshape(w, (1, 2)), b.constant(np.full((1, 1, 1), 1e-170)), padding=((0, 0),))

    graph, theta = squared(tiny, 1e170)
    return graph, theta, np.eye(2), 2.0


@pytest.mark.parametrize(
    "case", [small_observation, small_squares, small_copies, small_inner_node, small_kernel], ids=lambda c: c.__name__
)
def test_curvature_survives_underflow(case: Callable[[], Case]) -> None:
    graph, theta, rows, true = case()
    for entries in (0, 2048):
        found = observe(Ball(Point(graph, values_of(graph, theta)), RHO, entries), rows)
        assert found.lipschitz >= true, entries
        ball = producer.bound_nodes(ProducersPoint.enclose(graph, theta), RHO, producer.Effort(entries))
        assert producers_view(ball, IntervalMatrix.from_exact(rows)).lipschitz >= true


def test_a_kink_of_a_small_unit_is_noticed() -> None:
    b = GraphBuilder()
    a = b.piecewise(b.scale(b.parameter("w", (2,)), 1e-170), PiecewiseLinear((0.0,), (0.1, 1.0), 0.0))
    graph, theta = b.graph(b.scale(a, 1e170)), {"w": np.array([1.0, 1e-5])}
    for entries in (0, 2048):
        assert kink_margin(Ball(Point(graph, values_of(graph, theta)), RHO, entries)) <= 0.01
        ball = producer.bound_nodes(ProducersPoint.enclose(graph, theta), RHO, producer.Effort(entries))
        assert examine_kinks(ball).margin <= 0.01


@pytest.mark.parametrize("norm", [convolution_norm, producers_norm])
def test_norms_of_small_kernels(norm: Callable[..., float]) -> None:
    for scale in (1e-290, 1e-170, 1e150):
        assert 1.9 * scale < norm(scale * np.array([[[1.0, -1.0]]]), (40,), (1,)) < 2.01 * scale


def lost_on_the_way(count: int) -> tuple[Graph, dict[str, np.ndarray], float]:
    """A linear map whose two paths nearly cancel; floats lose one in reverse of them, but for one entry."""
    b, last, rest = GraphBuilder(), 4.94e-164, 0.49 * 4.94e-164
    factors = np.r_[np.full(count, rest), last if count > 1000 else rest]
    w = b.parameter("w", (count + 1,))
    path = b.scale(b.scale(b.scale(w, 1e308), factors), 1e-160)
    total = np.array([float(Fraction(1e308) * Fraction(f) * Fraction(1e-160)) for f in factors])
    joined = b.add(path, b.scale(w, -total * (1 - 1e-3)))
    graph = b.graph(b.contract(joined, np.ones((1, count + 1)), axis=0))
    return graph, {"w": np.zeros(count + 1)}, 1e-3 * float(np.linalg.norm(total))


@pytest.mark.parametrize("count", [100, 2000])
def test_a_path_that_floats_lose_is_no_proof(count: int) -> None:
    graph, theta, true = lost_on_the_way(count)
    found = observe(Ball(Point(graph, values_of(graph, theta)), RHO, 0), np.eye(1))
    assert found.sigma[0] <= true * 1.01
    certificate = dp.certify_point(dp.InverseProblem(np.eye(1), np.array([2e-17])), GraphNetwork(graph, theta))
    sigma = certificate.quantities["sigma_AJ"]
    assert sigma.lower <= true * 1.01 and certificate.verdict.value != "proved"


@pytest.mark.parametrize(("m", "scale", "least"), [(1, 1e-150, 1e299), (2, 1e-90, 1e179), (2, 1e90, 1e-181)])
def test_the_step_follows_the_scale_where_squares_leave_the_format(m: int, scale: float, least: float) -> None:
    rng = np.random.default_rng(0)
    problem = dp.InverseProblem(scale * rng.standard_normal((m, 3)), scale * rng.standard_normal(m))
    network = dp.TwoLayer.init(n=3, width=39, input_dimension=2, seed=3, train="outer")
    found = dp.certify(problem, network, max_iterations=300)
    assert found.proved and least < found.to_json()["quantities"]["gamma"]["upper"] < 100 * least
    assert dp.verify(found)


SMALL = dp.TwoLayer.init(n=3, width=12, input_dimension=2, seed=3)
ROWS = np.random.default_rng(0).standard_normal((2, 3))
FITTED = ROWS @ np.asarray(SMALL.output())


@pytest.mark.parametrize(
    ("options", "level", "stated"),
    [
        ({"step": 1e-305, "form": "concave"}, "1e-06", True),
        ({"step": 1e-305, "form": "concave"}, "1e-12", False),
        ({"step": 1e-310, "form": "integral"}, "1e-12", False),
        ({"tolerance": 1e305}, "1e+305", True),
    ],
    ids=["a count below 1e300", "a count above 1e300", "a step of which ω keeps no digit", "a level above 1e300"],
)
def test_counts_are_stated_only_where_they_are_verified(options: dict[str, object], level: str, stated: bool) -> None:
    problem = dp.InverseProblem(ROWS, FITTED + 1e-4)
    found = dp.certify(problem, SMALL, max_iterations=0, **options)
    assert (found.guarantees.iterations_to_loss.get(level) is not None) == stated
    assert found.proved and dp.verify(found)


ARRAYS = {key: array for key, array in SMALL.arrays().items() if key in ("u", "W", "V")}


def flat() -> GraphNetwork:
    """A graph whose Jacobian loses a direction, but for rounding."""
    b = GraphBuilder()
    h = b.entrywise(b.parameter("w", (3,)), "tanh")
    matrix = np.random.default_rng(1).standard_normal((3, 1)) @ np.random.default_rng(2).standard_normal((1, 3))
    return GraphNetwork(b.graph(b.contract(h, matrix / 3, axis=0)), {"w": np.array([0.1, 0.2, 0.3])})


def saturated(scale: float, activation: str) -> dp.TwoLayer:
    arrays = SMALL.arrays()
    return dp.TwoLayer(u=arrays["u"], W=scale * arrays["W"], V=scale * arrays["V"], activation=activation)


@pytest.mark.parametrize(
    ("network", "kind", "rows", "y"),
    [
        (saturated(1e28, "tanh"), "squared", 1.0, 1e28),
        (saturated(1e150, "silu"), "huber", 1.0, 1e150),
        (SMALL, "log-cosh", 1e60, 1e59),
        (SMALL, "log-cosh", 1e150, 1e150),
        (SMALL, "lp", 1.0, 1e150),
        (SMALL, "norm-power", 1.0, 1e150),
        (dp.TwoLayer(**ARRAYS, output_offset=5.0), "poisson", 1e60, 1e-150),
        (dp.TwoLayer(**ARRAYS, output_offset=5.0), "poisson", 1.0, 1e-30),
        (dp.TwoLayer(**ARRAYS, output_offset=-1.0), "poisson", 1.0, 1.0),
        (dp.TwoLayer(**ARRAYS, output_offset=-1.0), "cross-entropy", 1.0, 1e-150),
        (flat(), "squared", 1.0, 1.0),
    ],
    ids=lambda case: "" if isinstance(case, dp.TwoLayer) else str(case),
)
def test_points_far_out_are_verified_as_they_are_certified(
    network: dp.TwoLayer, kind: str, rows: float, y: float
) -> None:
    given = {"lp": {"p": 3.0}, "norm-power": {"p": 3.0}, "huber": {"delta": 1.0}}
    loss = dp.make_loss(kind, **given.get(kind, {}))
    found = dp.certify_point(
        dp.InverseProblem(rows * (abs(ROWS) if kind in ("poisson", "cross-entropy") else ROWS), y * np.ones(2)),
        network,
        loss,
    )
    assert not found.proved and found.quantities["loss_0"] is not None
    assert dp.verify(found), dp.verify(found).findings


@pytest.mark.parametrize("name", sorted(ELEMENTARY))
def test_saturating_functions_are_enclosed_with_all_their_digits(name: str) -> None:
    rng = np.random.default_rng(len(name))
    for order in range(3):
        function = ELEMENTARY[name].derivative(order)
        for size in (1e-20, 0.3, 5.0, 40.0, 300.0):
            for spread in (0.0, 1e-3, 1.01):
                centre, at = size * rng.uniform(-1, 1), rng.uniform(-1, 1)
                with flint.ctx.workprec(128):
                    ball = arb(centre, spread * abs(centre))
                    found = compiled(function)({x: ball})
                with flint.ctx.workprec(2000):  # enough for differences of numbers that agree to 2·300/ln 2 digits
                    inside = arb(centre) + arb(spread * abs(centre)) * arb(float(at)) * arb("0.999999")
                    true = evaluate(function.subs(x, sp.Symbol("z")), {sp.Symbol("z"): inside})
                assert not true.is_finite() or not found.is_finite() or found.contains(true.mid()), (order, centre)
                if spread == 0 and name in ("tanh", "sigmoid", "silu", "softplus", "gelu", "gelu-tanh") and order < 2:
                    assert found.is_zero() or found.rel_accuracy_bits() > 80, (order, centre)


def test_a_wide_ball_around_zero_has_the_largest_slope() -> None:
    for radius in (1.0, 1e6, 1e12):
        for centre in (0.0, 0.3, -0.7):
            assert compiled(ELEMENTARY["tanh"].dphi)({x: arb(centre * radius, radius)}).contains(1)


@pytest.mark.parametrize(("moved", "valid"), [(1e305, True), (0.9e305, False), (10**310, False), (-1.0, False)])
def test_numbers_above_1e300_are_read_and_compared(moved: float, valid: bool) -> None:
    arrays = {"theta/w": np.array([1e305]), "theta_run/w": np.array([0.0])}
    assert (check_polish({"polish": {"moved": moved}}, arrays) == []) == valid
    assert moved < 0 or moved > 1e308 or read_size(moved, "alpha") == arb(moved)
