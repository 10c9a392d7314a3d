"""Graph networks: how large the curvature bound is against its best lower estimate, and what a certificate costs.

Run:  python benchmarks/networks.py [CASE …]        without arguments: the small cases, some minutes

A photograph, a part of its pixels, Adam and a Gauss–Newton polish, then one enclosure. Columns: convolutions,
parameters, data; s_A²; a lower estimate of ℓ_A (power iteration on difference quotients of M), the bound, their
quotient; the residual that the bound asks for and the one reached; distance to an exact fit; seconds of polish and
enclosure and the peak memory of the process in MB. The bound is proved, the lower estimate is not.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import numpy as np

import dipproofs as dp
from dipproofs.networks import MLP, SIREN, Convolutional, GraphNetwork, Skip
from dipproofs.networks.graph_network.point import Point
from dipproofs.networks.graph_network.polish import polish
from dipproofs.networks.graph_network.reverse import jacobian_rows
from dipproofs.operators.bounds import bound_operator
from dipproofs.problems.signals.photographs import photograph
from dipproofs.theory import symbols as s

#: Size of the image, share of the pixels seen, network.
CASES: dict[str, tuple[int, float, Callable[[int], GraphNetwork]]] = {
    "conv-tanh-16": (16, 0.5, lambda n: Convolutional.init((n, n), activation="tanh", normalise="none")),
    "conv-silu-16": (16, 0.5, lambda n: Convolutional.init((n, n), normalise="none")),
    "skip1-leaky-16": (16, 0.5, lambda n: Skip.init((n, n), scales=1, channels=8, activation="leaky-relu")),
    "skip2-leaky-16": (16, 0.5, lambda n: Skip.init((n, n), activation="leaky-relu")),
    "skip2-silu-16": (16, 0.5, lambda n: Skip.init((n, n))),
    "conv-silu-32": (32, 0.5, lambda n: Convolutional.init((n, n), normalise="none")),
    "skip2-leaky-32": (32, 0.5, lambda n: Skip.init((n, n), activation="leaky-relu")),
    "skip2-silu-32": (32, 0.5, lambda n: Skip.init((n, n))),
    "siren-32": (32, 0.5, lambda n: SIREN.init((n, n))),
    "mlp-32": (32, 0.5, lambda n: MLP.init((n, n))),
    "skip1-silu-64-quarter": (64, 0.25, lambda n: Skip.init((n, n), scales=1)),
    "skip1-silu-64-half": (64, 0.5, lambda n: Skip.init((n, n), scales=1)),
}
SMALL = ("conv-tanh-16", "conv-silu-16", "skip1-leaky-16", "skip2-leaky-16", "skip2-silu-16")
_HEAD = (
    f"{'case':22s} {'conv':>5s} {'p':>6s} {'m':>5s} {'s²':>8s} {'low':>8s} {'ℓ_A':>8s} {'ratio':>6s} {'R asked':>8s} "
    f"{'R':>8s} {'S':>8s} {'polish':>6s} {'cert':>6s} {'MB':>6s}"
)


def lower_estimate(network: GraphNetwork, A: np.ndarray, rounds: int = 12, starts: int = 2) -> float:
    """Best value of ‖(M(θ+hv) − M(θ−hv))w‖/2h found by power iteration; evidence estimated."""
    names, rng, best = list(network.values), np.random.default_rng(0), 0.0
    theta = np.concatenate([network.values[name].ravel() for name in names])
    cuts = np.cumsum([network.values[name].size for name in names])[:-1]
    step = 1e-7  # far below the distance of the units from their kinks

    def jacobian(at: np.ndarray) -> np.ndarray:
        parts = np.split(at, cuts)
        values = {name: part.reshape(network.values[name].shape) for name, part in zip(names, parts)}
        return jacobian_rows(Point.estimate(network.graph, values), network.graph.output, A)

    for _ in range(starts):
        v = rng.standard_normal(theta.size)
        for _ in range(rounds):
            v /= np.linalg.norm(v)
            quotient = (jacobian(theta + step * v) - jacobian(theta - step * v)) / (2 * step)
            _, sizes, right = np.linalg.svd(quotient, full_matrices=False)
            best = max(best, float(sizes[0]))
            v = v + np.sign(v @ right[0] or 1.0) * right[0]
    return best


def measure(name: str, lower: bool = True) -> None:
    """Print one row."""
    side, share, make = CASES[name]
    network = make(side)
    image = photograph("camera", (side, side))
    rng = np.random.default_rng(0)
    A = np.eye(side**2)[np.sort(rng.permutation(side**2)[: int(share * side**2)])]
    y = A @ image.ravel()
    run = dp.descend(dp.InverseProblem(A, y), network, method="adam", step=1e-2, max_iterations=400)
    start = time.perf_counter()
    found = polish(run.network, A, y)
    middle = time.perf_counter()
    enclosed = found.network.enclose(bound_operator(A), y, dp.SquaredError())
    end = time.perf_counter()
    sigma, curvature = enclosed.values[s.sigma_AJ].lower, enclosed.values[s.lipschitz_AJ].upper
    gap = np.abs(enclosed.prediction.mid - y) + enclosed.prediction.radius()
    residual = float(np.linalg.norm(gap))
    radius = enclosed.constants[s.ball_radius].upper
    share_h = curvature * residual / sigma**2
    distance = residual / sigma * 2 / (1 + np.sqrt(1 - 2 * share_h)) if share_h < 0.5 else np.inf
    low = lower_estimate(found.network, A) if lower else np.nan
    convolutions = sum(node.op in ("conv", "matmul") for node in network.graph.nodes)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    proved = "" if distance < radius else "  not proved"
    print(
        f"{name:22s} {convolutions:5d} {network.parameter_count:6d} {len(y):5d} {sigma**2:8.1e} {low:8.1e} "
        f"{curvature:8.1e} {curvature / low:6.0f} {sigma**2 / 2 / curvature:8.1e} {residual:8.1e} {distance:8.1e} "
        f"{middle - start:6.1f} {end - middle:6.1f} {memory:6.0f}{proved}",
        flush=True,
    )


def main() -> None:
    """Measure the cases named on the command line."""
    print(_HEAD, flush=True)
    for name in sys.argv[1:] or SMALL:
        measure(name)


if __name__ == "__main__":
    main()
