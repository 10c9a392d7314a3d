"""Small graph networks next to an exact fit, certified there, and gradient descent continued in extended precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

import dipproofs as dp
from dipproofs.certificate.record import Certificate
from dipproofs.graph.evaluate import forward, vjp
from dipproofs.networks import MLP, SIREN, Convolutional, Decoder, GraphNetwork, Skip
from dipproofs.networks.graph_network.point import Point
from dipproofs.networks.graph_network.reverse import jacobian_rows

_KINDS = 7


@dataclass(frozen=True)
class Certified:
    """A network, its problem and what is proved about gradient descent from it."""

    network: GraphNetwork
    A: np.ndarray
    y: np.ndarray
    certificate: Certificate


def certified(seeds: range) -> Iterator[Certified]:
    """Certify one network for each seed, at data so near its output that convergence is proved, with little to spare.

    The residual starts large and is halved until the certificate is there: it stands near the limit of the theorem.
    """
    for seed in seeds:
        rng, network = np.random.default_rng(seed), random_network(seed)
        m = int(rng.integers(2, 6))
        A = rng.standard_normal((m, network.n)) / np.sqrt(network.n)
        direction = rng.standard_normal(m)
        M = jacobian_rows(Point.estimate(network.graph, dict(network.values)), network.graph.output, A)
        sizes = np.linalg.svd(M, compute_uv=False)
        residual = direction / np.linalg.norm(direction) * sizes[-1] ** 2 * 2.0**-2
        step = float(rng.uniform(0.3, 1.2) / sizes[0] ** 2)
        for _ in range(40):
            problem = dp.InverseProblem(A, A @ network.output() + residual)
            found = dp.certify_point(problem, network, method="gradient-descent", step=step)
            if found.claims.convergence.verdict == "proved":
                yield Certified(network, A, problem.y, found)
                break
            residual = residual / 4


def random_network(seed: int) -> GraphNetwork:
    """A small network of the library: all kinds, smooth and with kinks, with and without normalisation."""
    shape, kind = (4, 5), seed % _KINDS
    smooth = ("tanh", "silu", "softplus", "sigmoid")[seed // _KINDS % 4]
    makes: list[Callable[[], GraphNetwork]] = [
        lambda: Convolutional.init(shape, channels=2, depth=2, activation=smooth, normalise="none", seed=seed),
        lambda: Convolutional.init(shape, channels=2, depth=3, activation=smooth, seed=seed),
        lambda: Skip.init(shape, scales=1, channels=2, skip_channels=1, activation=smooth, seed=seed),
        lambda: Skip.init(shape, scales=1, channels=3, skip_channels=1, activation="leaky-relu", seed=seed),
        lambda: Decoder.init(shape, scales=1, channels=3, activation=smooth, seed=seed),
        lambda: MLP.init(shape, width=5, depth=2, fourier_features=3, activation=smooth, seed=seed),
        lambda: SIREN.init(shape, width=5, depth=2, seed=seed),
    ]
    return makes[kind]()


def broken_promises(found: Certified, steps: int = 400) -> list[str]:
    """Continue gradient descent in `np.longdouble` and compare loss, rate, path and limit with what is proved."""
    network, guarantees, quantities = found.network, found.certificate.guarantees, found.certificate.quantities
    graph, wide = network.graph, np.longdouble
    A, y = found.A.astype(wide), found.y.astype(wide)
    start = {name: value.astype(wide) for name, value in network.values.items()}
    theta, path, broken = dict(start), wide(0), []
    bound_S, gamma, rate = quantities["S"], quantities["gamma"], guarantees.log_contraction_per_step
    assert bound_S is not None and gamma is not None and rate is not None and guarantees.distance_to_limit is not None
    first = before = None
    for step in range(steps + 1):
        residual = A @ forward(graph, theta)[graph.output].reshape(-1) - y
        size = float(np.sqrt(residual @ residual))
        first = size if first is None else first
        allowed = 1e-17 * (1 + float(np.abs(y).max())) * y.size + 1e-12 * size
        if before is not None and not size <= before + allowed:
            broken.append(f"step {step}: the residual rose from {before:.6g} to {size:.6g}")
        if not size <= first * np.exp(step * rate.upper) + allowed:
            broken.append(f"step {step}: residual {size:.6g} above the proved rate")
        if not path <= bound_S.upper:
            broken.append(f"step {step}: path {float(path):.6g} longer than S")
        before = size
        if size < 1e-15:
            break
        slopes = vjp(graph, theta, (residual @ A).reshape(1, *network.output_shape))
        length = np.sqrt(sum((g * g).sum() for g in slopes.values()))
        path = path + wide(gamma.mid) * length
        theta = {name: theta[name] - wide(gamma.mid) * slopes[name][0] for name in theta}
    moved = float(np.sqrt(sum(((theta[name] - start[name]) ** 2).sum() for name in theta)))
    # what is still to go is at most what the rest of the residual allows
    rest = bound_S.upper * (before or 0.0) / max(first or 0.0, 1e-300)
    if not moved <= guarantees.distance_to_limit.upper + rest:
        broken.append(f"moved {moved:.6g}, the limit was promised within {guarantees.distance_to_limit.upper:.6g}")
    return broken
