"""The verifier's own reading of graphs: against the graph's float semantics, and against what it bounds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from flint import arb, ctx
from helpers import changed

import dipproofs as dp
from checks.graph_adversary import Adversary
from checks.random_graphs import random_graph
from dipproofs.enclosures import IntervalMatrix, apply_arb, compile_arb
from dipproofs.graph import Graph, GraphBuilder
from dipproofs.graph.evaluate import forward
from dipproofs.networks import GraphNetwork
from dipproofs.theory.activations import x as variable
from dipproofs.theory.elementary import ELEMENTARY, PiecewiseLinear
from dipproofs.verify.arithmetic import floats
from dipproofs.verify.graph import curvature
from dipproofs.verify.graph.bounds import Ball
from dipproofs.verify.graph.extremes import extreme_singular_values
from dipproofs.verify.graph.observation import kink_margin, observe
from dipproofs.verify.graph.point import Point, _on_box
from dipproofs.verify.graph.torus import convolution_norm
from dipproofs.verify.graph.values import on_balls, values_of
from dipproofs.verify.networks import graph as interpreter

Parameters = Mapping[str, np.ndarray]


def steepest(adversary: Adversary, rows: np.ndarray, rho: float, rng: np.random.Generator) -> float:
    """A lower estimate of the Lipschitz constant of the Jacobian: the best of some random and improved directions."""
    start, best = adversary.jacobian(adversary.start, adversary.graph.output, rows), 0.0
    u = rng.standard_normal(start.shape[1])
    for _ in range(5):
        u = rho * u / np.linalg.norm(u)
        change = adversary.jacobian(adversary.start + u, adversary.graph.output, rows) - start
        best = max(best, float(np.linalg.norm(change, 2)) / rho)
        u = np.linalg.svd(change, full_matrices=False)[2][0] + 0.2 * rng.standard_normal(len(u)) / math.sqrt(len(u))
    return best


def test_bounds_hold_on_random_graphs() -> None:
    kept = 0
    for seed in range(40):
        graph, theta = random_graph(seed)
        rng = np.random.default_rng(seed)
        values = values_of(graph, theta)
        for value, mid, rad in zip(forward(graph, theta), values.mid, values.rad):
            assert (np.abs(value - mid) <= rad + 1e-10 * (1 + np.abs(value))).all()
        rows = np.linalg.qr(rng.standard_normal((12, 6)))[0].T
        rho = 10 ** rng.uniform(-5, -2)
        ball = Ball(Point(graph, values), rho, entries=(0, 64, 1024)[seed % 3])
        found = observe(ball, rows)
        adversary = Adversary(graph, theta)
        singular = np.linalg.svd(adversary.jacobian(adversary.start, graph.output, rows), compute_uv=False)
        assert found.sigma[0] <= singular[-1] * (1 + 1e-9) + 1e-12 <= found.sigma[1] * (1 + 1e-9) + 2e-12
        assert found.norm[0] * (1 - 1e-9) <= singular[0] <= found.norm[1] * (1 + 1e-12)
        if kink_margin(ball) > 1:
            kept += 1
            assert steepest(adversary, rows, rho, rng) <= found.lipschitz * (1 + 1e-6) + 1e-7, seed
    assert kept >= 25


def lipschitz(graph: Graph, theta: Parameters, rho: float = 1e-9) -> float:
    """The bound for all outputs."""
    ball = Ball(Point(graph, values_of(graph, theta)), rho, entries=0)
    return observe(ball, np.eye(math.prod(graph.output_shape))).lipschitz


def test_a_tied_weight_counts_at_every_use() -> None:
    """θ³ at 1: 6, not 4."""
    b = GraphBuilder()
    w = b.parameter("w", (1,))
    graph = b.graph(b.product(b.product(w, w), w))
    assert 6 <= lipschitz(graph, {"w": np.ones(1)}) < 9


def test_reflected_entries_are_read_more_often() -> None:
    """W∗h, 3×3 on a reflected 4×4 image: 4, not 3."""
    b = GraphBuilder()
    w, h = b.parameter("w", (1, 1, 3, 3)), b.parameter("h", (1, 4, 4))
    places = np.pad(np.arange(16).reshape(1, 4, 4), ((0, 0), (1, 1), (1, 1)), mode="reflect")
    padded = b.gather([h], places)
    graph = b.graph(b.conv(padded, w, padding=((0, 0), (0, 0))))
    assert lipschitz(graph, {"w": np.ones((1, 1, 3, 3)), "h": np.ones((1, 4, 4))}) >= 4


def test_a_convolution_is_at_most_the_circular_one_on_a_larger_torus() -> None:
    """Kernel (1, −1) on 4 points: a circular one of length 4 reaches 2, the zero-padded one stays below."""
    kernel = np.array([[[1.0, -1.0]]])
    matrix = np.eye(5, 4) - np.eye(5, 4, -1)
    assert np.linalg.norm(matrix, 2) <= convolution_norm(kernel, (4,), (1,)) < 2
    rng = np.random.default_rng(0)
    for n, k, dilation in ((5, 3, 1), (7, 2, 3), (4, 4, 2)):
        kernel = rng.standard_normal((3, 2, k))
        columns = []
        for c, i in np.ndindex(2, n):
            out = np.zeros((3, n + (k - 1) * dilation))
            for t in range(k):
                out[:, i + t * dilation] += kernel[:, c, t]
            columns.append(out.ravel())
        assert np.linalg.norm(np.array(columns), 2) <= convolution_norm(kernel, (n,), (dilation,))


@pytest.mark.parametrize("left_out", ["conv", "entrywise", "product", "normalise"])
def test_a_term_that_is_left_out_is_found(left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: without the curvature of one kind of node the bound is too small."""
    b = GraphBuilder()
    w = b.parameter("w", (1, 1, 3))
    x = b.conv(b.constant(np.array([[0.5, -1.0, 2.0, 0.3, 1.0, -0.7]])), w, padding=((1, 1),))
    if left_out == "conv":
        node = b.conv(x, b.parameter("k", (1, 1, 3)), padding=((1, 1),))
    elif left_out == "entrywise":
        node = b.entrywise(x, "tanh")
    elif left_out == "product":
        node = b.product(x, x)
    else:
        node = b.normalise(x, axes=(1,), epsilon=1e-5)
    graph = b.graph(node)
    theta = {name: np.full(shape, 0.4) for name, shape in graph.parameters.items()}
    true = steepest(Adversary(graph, theta), np.eye(6), 1e-6, np.random.default_rng(0))
    assert 1e-3 < true <= lipschitz(graph, theta) * (1 + 1e-6)
    monkeypatch.setattr(curvature, "CURVED", {k: v for k, v in curvature.CURVED.items() if k != left_out})
    assert lipschitz(graph, theta) < true / 2


def test_kinks_near_zero_are_noticed() -> None:
    b = GraphBuilder()
    w = b.parameter("w", (3,))
    graph = b.graph(b.piecewise(w, PiecewiseLinear((0.0,), (0.1, 1.0), 0.0)))
    for value, ok in ((1e-3, True), (1e-5, False), (0.0, False)):
        theta = {"w": np.array([1.0, -1.0, value])}
        margin = kink_margin(Ball(Point(graph, values_of(graph, theta)), 1e-4, entries=0))
        assert (margin > 1) is ok, value


def test_norms_are_bounds() -> None:
    rng = np.random.default_rng(1)
    for shape in ((3, 40), (40, 3), (1, 7), (30, 30)):
        for scale in (1e-200, 1.0, 1e150):
            x = rng.standard_normal(shape) * scale
            true = np.linalg.norm(x / scale, 2) * scale
            assert true * (1 - 1e-14) <= floats.norm(x) <= true * (1 + 1e-6)
    assert math.isinf(floats.frobenius(np.array([1.0, np.inf]))) and floats.norm(np.zeros((2, 3))) == 0.0


@pytest.mark.parametrize("share", [1e-3, 0.1, 0.6])
def test_a_single_unit_with_a_kink_is_verified(share: float) -> None:
    """The ball that the kink leaves, and its margin, are confirmed by another rounding."""
    b = GraphBuilder()
    graph = b.graph(b.piecewise(b.parameter("w", (1,)), PiecewiseLinear((0.0,), (0.0, 1.0), 0.0)))
    problem = dp.InverseProblem(np.eye(1), np.array([1.5 * (1 - share)]))
    certificate = dp.certify_point(problem, GraphNetwork(graph, {"w": np.array([1.5])}))
    assert certificate.proved
    found = dp.verify(certificate)
    assert found, found.findings


def random_problem(seed: int) -> tuple[dp.InverseProblem, GraphNetwork]:
    """Data near what a random graph gives, so that many are certified."""
    graph, theta = random_graph(seed, kinks=bool(seed % 2), layers=3 + seed % 5)
    rng, network = np.random.default_rng(seed), GraphNetwork(graph, theta)
    m = min(int(rng.integers(1, 5)), network.n)
    A = np.eye(network.n)[rng.permutation(network.n)[:m]] if seed % 3 else rng.standard_normal((m, network.n))
    noise = rng.standard_normal(m) * 10.0 ** -rng.uniform(2, 12)
    return dp.InverseProblem(A, A @ network.output().ravel() + noise), network


@pytest.mark.parametrize("seed", [0, 8, 15, 40, 47, 51, 55])
def test_what_is_proved_of_random_graphs_is_verified(seed: int) -> None:
    """Also where only the second effort confirms the curvature that is claimed."""
    certificate = dp.certify_point(*random_problem(seed))
    found = dp.verify(certificate)
    assert certificate.proved and found, found.findings


def test_the_verifier_is_not_laxer_than_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A curvature below the verifier's own sharpest bound is not confirmed, whatever effort it takes."""
    certificate = dp.certify_point(*random_problem(40))
    monkeypatch.setattr(interpreter, "EFFORTS", ((0, True),))
    assert not dp.verify(certificate)


def test_a_unit_on_its_kink_leaves_no_ball_and_no_finding() -> None:
    """Undecided, as no pattern holds around it; what is said of the point alone is confirmed."""
    certificate = dp.certify_point(*random_problem(1))
    found = dp.verify(certificate)
    assert not certificate.proved and found, found.findings


def far_gelu(approximate: bool, distance: float = 0.1) -> tuple[dp.InverseProblem, GraphNetwork]:
    """Data so far away that nothing is proved, on a ball where GELU's derivatives have wide arguments."""
    rng = np.random.default_rng(3)
    theta = {"V": rng.uniform(-0.5, 0.5, (1, 6)), "W": rng.uniform(-0.5, 0.5, (6, 4))}
    x = rng.uniform(size=(4, 16))
    network = dp.from_jax(lambda p: (p["V"] @ jax.nn.gelu(p["W"] @ x, approximate=approximate)).ravel(), theta)
    A = np.eye(16)[rng.choice(16, 6, replace=False)]
    return dp.InverseProblem(A, A @ network.output() + distance * rng.standard_normal(6)), network


@pytest.mark.parametrize("approximate", [False, True])
def test_an_undecided_certificate_on_a_wide_ball_is_confirmed(approximate: bool) -> None:
    certificate = dp.certify_point(*far_gelu(approximate))
    found = dp.verify(certificate)
    assert not certificate.proved and found, found.findings
    assert {row.outcome for row in found.rows} == {"ok"}


def _enclosable() -> list[tuple[str, int]]:
    return [(name, order) for name in ELEMENTARY for order in (0, 1, 2)]


@pytest.mark.parametrize(("name", "order"), _enclosable())
def test_wide_arguments_are_enclosed_as_sharply_as_by_the_producer(name: str, order: int) -> None:
    """Where its |φ^(k)| has a bound, the verifier's is hardly larger: even powers are not negative."""
    function = compile_arb((variable,), ELEMENTARY[name].derivative(order))
    for mid, rad in itertools.product((0.0, 0.3, -3.0, 20.0, -300.0), (0.1, 1.0, 7.9, 8.0, 30.0, 1e3)):
        box = apply_arb(function, IntervalMatrix(np.array([mid]), np.array([rad])))
        theirs = float((np.abs(box.mid) + box.radius())[0])
        with ctx.workprec(128):
            own = float(abs(_on_box(on_balls(name, order), mid, rad)).upper())
        assert not math.isfinite(theirs) or own <= 1.01 * theirs, (mid, rad, theirs, own)


def wider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the verifier know less of σ, the norm and ℓ_A."""

    def observed(*arguments: Any) -> Any:
        seen = observe(*arguments)
        sigma, norm = ((low / 2, 2 * high) for low, high in (seen.sigma, seen.norm))
        return replace(seen, sigma=sigma, norm=norm, lipschitz=1e3 * seen.lipschitz)

    monkeypatch.setattr(interpreter, "observe", observed)


def test_wider_bounds_of_the_verifier_call_no_undecided_claim_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = dp.certify_point(*far_gelu(False), method="gradient-descent", step=1e-3)
    wider(monkeypatch)
    found = dp.verify(certificate)
    assert certificate.verdict == "undecided" and found, found.findings
    open_rows = {row.name for row in found.rows if row.outcome == "not confirmed"}
    assert {"quantities.sigma_AJ", "quantities.norm_AJ", "quantities.lipschitz_AJ"} <= open_rows
    assert len(found.notes) >= len(open_rows)


def test_wider_bounds_of_the_verifier_confirm_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = dp.certify_point(*far_gelu(False, 1e-7))
    assert certificate.proved and dp.verify(certificate)
    wider(monkeypatch)
    found = dp.verify(certificate)
    assert not found and any("sigma_AJ" in finding for finding in found.findings)


@pytest.mark.parametrize(("name", "claim"), [("sigma_AJ", (0.1, 0.2)), ("norm_AJ", (0.0, 0.5)), ("norm_A", (0.5, 0.9))])
def test_what_the_verifier_refutes_is_wrong_in_an_undecided_certificate(
    name: str, claim: tuple[float, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dp.certify_point(*far_gelu(False)).save(tmp_path)

    def other(record: dict[str, Any]) -> None:
        record["quantities"][name] |= {"lower": claim[0], "upper": claim[1]}

    wider(monkeypatch)
    found = dp.verify(changed(tmp_path, other))
    assert not found and any(name in finding for finding in found.findings)


@pytest.mark.parametrize("id", ["injective", "H"])
def test_wider_bounds_of_the_verifier_prove_no_hypothesis(id: str, tmp_path: Path) -> None:
    """Also in a certificate whose verdict stays undecided."""
    dp.certify_point(*far_gelu(False)).save(tmp_path)

    def stated(record: dict[str, Any]) -> None:
        entry = next(h for h in record["hypotheses"] if h["id"] == id)
        assert entry["verdict"] == "undecided"
        entry |= {"verdict": "proved", "margin": None}

    found = dp.verify(changed(tmp_path, stated))
    assert not found and any(f"hypotheses.{id}" in finding for finding in found.findings)


@pytest.mark.parametrize("claim", [("lower", "inf"), ("inf", "inf"), (-2.0, -1.0), (0.0, 1e3)], ids=str)
def test_a_ball_of_no_radius_is_refused(claim: tuple[object, object], tmp_path: Path) -> None:
    """All bounds are for the claimed ball: an infinite one would be bounded nowhere and hold every path."""
    b = GraphBuilder()
    network = GraphNetwork(b.graph(b.entrywise(b.parameter("w", (1,)), "tanh")), {"w": np.array([0.3])})
    cert = dp.certify_point(dp.InverseProblem(np.eye(1), network.output() + 1e-3), network)
    assert cert.proved and dp.verify(cert.save(tmp_path))

    def other_radius(record: dict[str, Any]) -> None:
        radius = record["quantities"]["ball_radius"]
        radius["lower"], radius["upper"] = (radius.get(end, end) if isinstance(end, str) else end for end in claim)
        next(h for h in record["hypotheses"] if h["id"] == "ball")["margin"] = None

    found = dp.verify(changed(tmp_path, other_radius))
    assert not found and any("ball_radius" in finding for finding in found.findings)


def test_tiny_matrices_have_bounds_on_both_sides() -> None:
    """What `unit` times rounds to the grid of subnormal numbers."""
    x = np.array([[2.7012e-319, 9.90052e-318]])
    size = sum((arb(float(entry)) ** 2 for entry in x[0]), arb(0)).sqrt()
    assert size <= floats.norm(x)
    for low, high in extreme_singular_values(x):
        assert low <= size <= high


@pytest.mark.parametrize("least", [1e-170, 1e-200])
def test_matrices_whose_inverse_has_a_square_beyond_the_floats(least: float) -> None:
    (low, high), _ = extreme_singular_values(np.diag([1.0, 1e-100, least]) @ np.eye(3, 5))
    assert low <= least <= high < 1e-14


def test_rows_that_depend_on_others_are_verified() -> None:
    """σ_A is the smallest singular value that is not 0 where the rank is known exactly."""
    rng = np.random.default_rng(0)
    rows = rng.integers(-3, 4, (2, 9)).astype(float)
    rows = np.vstack([rows, rows[0] + rows[1], rows[1]])
    network = dp.Convolutional.init((3, 3), channels=4, depth=2, input_channels=2, seed=3, activation="tanh")
    near = np.asarray(network.output()).ravel() + 1e-5 * rng.standard_normal(9)
    found = dp.certify(dp.InverseProblem(rows, rows @ near), network, max_iterations=0)
    assert found.proved and found.to_json()["quantities"]["sigma_A"]["lower"] > 1
    assert dp.verify(found)
