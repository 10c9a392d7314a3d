"""Graph networks: what a certificate costs, and how large the curvature bound is against a lower estimate.

Run:  python benchmarks/networks.py [CASE …] [--no-verify]     each case in a process of its own (peak memory); without
                                                               names all but the largest; --processor: seconds of
                                                               processor in place of seconds
      python benchmarks/networks.py --curvature [CASE …]       ℓ_A with the full effort over its best lower estimate
      python benchmarks/networks.py --list                     names, with the limits of seconds and GiB asked for

A photograph and a part of its pixels (or a blur of it). Cases `…-descent` run gradient descent alone until an iterate
is certified; all others run Adam, then a Gauss–Newton polish, and certify existence and the convergence of gradient
descent from the polished point. Columns: data, parameters; seconds of run, polish, certificate and verification; peak
memory in MB; s_A², ℓ_A as published, the residual and the distance to an exact fit; claims; what the verifier says.
The lower estimate of `--curvature` (power iteration on difference quotients of M) is not proved, everything else is.
`deepinv-16` needs torch and deepinv.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import dipproofs as dp
from dipproofs.enclosures import IntervalMatrix
from dipproofs.experiments.networks import lower_estimate
from dipproofs.networks import MLP, SIREN, Convolutional, GraphNetwork, Skip
from dipproofs.networks.graph_network.ball import bound_nodes
from dipproofs.networks.graph_network.observe import observe
from dipproofs.networks.graph_network.point import Point
from dipproofs.networks.graph_network.polish import polish
from dipproofs.networks.graph_network.quantities import efforts
from dipproofs.networks.graph_network.reverse import jacobian_rows
from dipproofs.problems import photograph


def deepinv_decoder(side: int) -> GraphNetwork:
    """The ConvDecoder of deepinv, with a fixed random input."""
    import deepinv
    import torch

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    small = (4, 4)
    module = deepinv.models.ConvDecoder(img_size=(1, side, side), in_size=small, layers=3, channels=16)
    return dp.from_torch(module, torch.randn(1, 16, *small))


@dataclass(frozen=True)
class Case:
    """A network, the image and what is seen of it.

    Args:
        make: the network for (n, n). side: n. share: of the pixels that are seen; 0: a blur of the image.
        descent: steps of gradient descent alone, 0: Adam and a polish. adam, rate: steps of Adam.
        seconds: what polish and certificate may take, as asked for. most: of ℓ_A over its lower estimate.
    """

    make: Callable[[int], GraphNetwork]
    side: int = 16
    share: float = 0.5
    descent: int = 0
    adam: int = 400
    rate: float = 1e-2
    seconds: float = 60.0
    most: float | None = None


def _conv(activation: str, normalise: str = "none") -> Callable[[int], GraphNetwork]:
    return lambda n: Convolutional.init((n, n), activation=activation, normalise=normalise)


def _skip(scales: int, activation: str, channels: int = 16) -> Callable[[int], GraphNetwork]:
    return lambda n: Skip.init((n, n), scales=scales, activation=activation, channels=channels)


CASES: dict[str, Case] = {
    "conv-tanh-16-descent": Case(_conv("tanh"), descent=20_000, seconds=600),
    "conv-silu-16-descent": Case(_conv("silu"), descent=20_000, seconds=600),
    "conv-tanh-32-descent": Case(_conv("tanh"), 32, 0.25, descent=60_000, seconds=3600),
    "conv-silu-32-descent": Case(_conv("silu", "instance"), 32, 0.25, descent=60_000, seconds=3600),
    "conv-tanh-16": Case(_conv("tanh"), most=50),
    "conv-silu-16": Case(_conv("silu"), most=50),
    "conv-silu-32": Case(_conv("silu"), 32),
    "skip1-leaky-16": Case(_skip(1, "leaky-relu", 8), most=300),
    "skip1-silu-16": Case(_skip(1, "silu", 8), most=300),
    "skip2-leaky-16": Case(_skip(2, "leaky-relu"), most=2000),
    "skip2-silu-16": Case(_skip(2, "silu"), most=1e6),
    "skip2-leaky-32": Case(_skip(2, "leaky-relu"), 32),
    "skip2-silu-32": Case(_skip(2, "silu"), 32),
    "siren-32": Case(lambda n: SIREN.init((n, n), output="none"), 32, rate=1e-3),
    "mlp-32": Case(lambda n: MLP.init((n, n)), 32, rate=1e-3),
    "conv-silu-16-blur": Case(_conv("silu"), share=0.0, adam=2000, rate=5e-3),
    "deepinv-16": Case(deepinv_decoder, share=0.25, rate=5e-3),
    "skip1-silu-64-quarter": Case(_skip(1, "silu"), 64, 0.25, seconds=900),
    "skip1-silu-64-half": Case(_skip(1, "silu"), 64, 0.5, seconds=2400),
}
LARGE = ("conv-tanh-32-descent", "conv-silu-32-descent", "deepinv-16", "skip1-silu-64-quarter", "skip1-silu-64-half")
_HEAD = (
    f"{'case':22s} {'m':>5s} {'p':>6s} {'run':>6s} {'polish':>6s} {'cert':>6s} {'verify':>6s} {'MB':>6s} {'s²':>8s} "
    f"{'ℓ_A':>8s} {'R':>8s} {'S':>8s}  claims; verifier"
)


def problem_of(case: Case) -> dp.InverseProblem:
    """The camera, masked or blurred."""
    from dipproofs.arguments.setting import Setting
    from dipproofs.operators.blur import BlurOperator

    n = case.side
    image = photograph("camera", (n, n))
    if case.share == 0.0:
        from pathlib import Path

        operator = BlurOperator(kernel="gaussian", sigma=1.0).build(Setting(Path(), (n, n)))
        return dp.InverseProblem(operator, operator.to_dense() @ image.ravel(), image.ravel(), image_shape=(n, n))
    seen = np.sort(np.random.default_rng(0).permutation(n**2)[: int(case.share * n**2)])
    A = np.eye(n**2)[seen]
    return dp.InverseProblem(A, A @ image.ravel(), image.ravel(), image_shape=(n, n))


def trained(case: Case, problem: dp.InverseProblem) -> GraphNetwork:
    """The network after Adam."""
    run = dp.descend(problem, case.make(case.side), method="adam", step=case.rate, max_iterations=case.adam)
    return run.network


def measure(name: str, verify: bool) -> None:
    """Print one row."""
    case = CASES[name]
    clock = time.process_time if "--processor" in sys.argv else time.perf_counter
    problem, times = problem_of(case), [clock()]
    A = problem.operator.to_dense()
    extra = ""
    if case.descent:
        found = dp.certify(problem, case.make(case.side), stop="certified", max_iterations=case.descent)
        times += [clock()] * 3  # run and certificate are one
        extra = f" at iteration {found.iteration} of {found.run.iterations}"
    else:
        network = trained(case, problem)
        times.append(clock())
        polished = polish(network, A, problem.y)
        times.append(clock())
        found = dp.certify_point(problem, polished.network, method="gradient-descent", step=_step(polished.network, A))
        times.append(clock())
        extra = f", moved {polished.moved:.1e} in {polished.iterations}"
    said = dp.verify(found).summary().splitlines()[0] if verify else "not verified"
    times.append(clock())
    q, radius = found.quantities, found.claims.existence.radius
    run, polishing, proof, checking = np.diff(times)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    residual = np.sqrt(2 * q["loss_0"].upper)
    print(
        f"{name:22s} {len(problem.y):5d} {_count(found):6d} {run:6.1f} {polishing:6.1f} {proof:6.1f} {checking:6.1f} "
        f"{memory:6.0f} {q['sigma_AJ'].lower ** 2:8.1e} {q['lipschitz_AJ'].upper:8.1e} {residual:8.1e} "
        f"{np.nan if radius is None else radius['upper']:8.1e}  existence {found.claims.existence.verdict}, "
        f"convergence {found.claims.convergence.verdict}{extra}; {said}",
        flush=True,
    )


def _count(found: Any) -> int:
    return sum(array.size for name, array in found.arrays.items() if name.startswith("theta/"))


def _step(network: GraphNetwork, A: np.ndarray) -> float:
    """1/‖M‖² in floats."""
    point = Point.estimate(network.graph, dict(network.values))
    M = jacobian_rows(point, network.graph.output, A)
    return float(1 / np.linalg.eigvalsh(M @ M.T)[-1])


def curvature(name: str) -> None:
    """Print ℓ_A at the polished point with the full effort, the best lower estimate, and their quotient."""
    case = CASES[name]
    problem = problem_of(case)
    A = problem.operator.to_dense()
    network = polish(trained(case, problem), A, problem.y).network
    start = time.perf_counter()
    point = Point.enclose(network.graph, dict(network.values))
    ball = bound_nodes(point, 1e-12, efforts(point)[-1])
    bound = observe(ball, IntervalMatrix.from_exact(A)).lipschitz
    seconds, low = time.perf_counter() - start, lower_estimate(network, A)
    target = "" if case.most is None else f"  asked: at most {case.most:g}"
    print(f"{name:22s} ℓ_A ≤ {bound:8.1e}  found {low:8.1e}  quotient {bound / low:8.1f}{target}  ({seconds:.1f} s)")
    sys.stdout.flush()


def main() -> None:
    """Measure the cases named on the command line."""
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--list" in sys.argv:
        for name, case in CASES.items():
            print(f"{name:22s} {case.side}×{case.side}, at most {case.seconds:g} s")
    elif "--curvature" in sys.argv:
        for name in names or [name for name, case in CASES.items() if case.most is not None]:
            curvature(name)
    elif len(names) == 1:
        measure(names[0], "--no-verify" not in sys.argv)
    else:
        print(_HEAD, flush=True)
        for name in names or [name for name in CASES if name not in LARGE]:
            subprocess.run([sys.executable, __file__, name, *(w for w in sys.argv[1:] if w.startswith("--"))])


if __name__ == "__main__":
    main()
