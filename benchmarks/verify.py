"""What checking a certificate costs, against what making it cost, in one run.

    python benchmarks/verify.py                      # a minute
    python benchmarks/verify.py --sizes 300 1000 --photograph
    python benchmarks/verify.py --sizes 600 2048 4096 --repeats 3    # and the median of the ratios
    python benchmarks/verify.py --sizes --graphs 380 --skip 16 32      # networks given by graphs; --quarter 64: m = n/4

Each row: seconds of processor time for certifying one iterate and for verifying the certificate, their ratio, the
path taken, and the peak memory of the process so far. BLAS runs on one thread unless OPENBLAS_NUM_THREADS says
otherwise.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from checks.random_graphs import random_graph
from dipproofs import certify_point
from dipproofs.certificate.record import Certificate
from dipproofs.certificate.write import save
from dipproofs.certify.api import bound_operator_of
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.search import Step
from dipproofs.losses import make_loss
from dipproofs.networks import GraphNetwork, Skip, TwoLayer
from dipproofs.problems import InverseProblem
from dipproofs.verify import verify


def row(certificate: Certificate, made: float, label: str) -> float:
    """Save and verify a certificate, print a row, return what verification cost for 1 of certification."""
    with tempfile.TemporaryDirectory() as folder:
        path = save(certificate, Path(folder))
        start = time.process_time()
        result = verify(path)
        checked = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    outcome = f"{certificate.verdict}, {'valid' if result.valid else 'NOT VALID'}"
    cost = f"certify {made:.1f} s, verify {checked:.1f} s ({checked / made:.1f} times)"
    print(f"{label}: {outcome}; {cost}, {memory:.1f} GB", flush=True)
    return checked / made


def skip(side: int, share: float, activation: str) -> None:
    """A skip network, and pixels near its own output, so that neither run nor polish is needed."""
    network, rng = (
        Skip.init((side, side), scales=2 if side < 64 else 1, activation=activation),
        np.random.default_rng(0),
    )
    kept = np.sort(rng.permutation(side**2)[: int(share * side**2)])
    y = network.output().ravel()[kept] + 1e-15 * rng.standard_normal(len(kept))
    start = time.process_time()
    certificate = certify_point(InverseProblem(np.eye(side**2)[kept], y), network)
    row(certificate, time.process_time() - start, f"skip {activation} {side}×{side}, m = {len(kept)}")


def random_graphs(count: int) -> None:
    """Certify random graphs near their own outputs; print what is valid, and the time of all."""
    outcomes, made, checked = Counter[str](), 0.0, 0.0
    for seed in range(count):
        graph, theta = random_graph(seed, kinks=bool(seed % 2), layers=3 + seed % 5)
        rng, network = np.random.default_rng(seed), GraphNetwork(graph, theta)
        m = min(int(rng.integers(1, 5)), network.n)
        A = np.eye(network.n)[rng.permutation(network.n)[:m]] if seed % 3 else rng.standard_normal((m, network.n))
        y = A @ network.output().ravel() + rng.standard_normal(m) * 10.0 ** -rng.uniform(2, 12)
        start = time.process_time()
        certificate = certify_point(InverseProblem(A, y), network)
        middle = time.process_time()
        outcomes[f"{certificate.verdict}, {'valid' if verify(certificate).valid else 'NOT VALID'}"] += 1
        made, checked = made + middle - start, checked + time.process_time() - middle
    print(f"{count} random graphs: {dict(outcomes)}; verify {checked / made:.1f} times certify", flush=True)


def one(m: int, n: int, width: int, *, mask: bool = False) -> float:
    """Certify an iterate near its data, verify the certificate, print a row, return the ratio.

    The data are as near as σ_A asks, which for a square matrix of this kind is about 1/m.
    """
    rng = np.random.default_rng(0)
    A = np.eye(n)[rng.permutation(n)[:m]] if mask else rng.standard_normal((m, n)) / np.sqrt(n)
    network = TwoLayer.init(n=n, width=width, input_dimension=8, seed=1)
    near = 1e-4 * min(1.0, (1000 / m) ** 3)
    problem = InverseProblem(A, A @ network.output() + near * rng.standard_normal(m))
    start = time.process_time()
    certificate = certify_at(
        problem, network, make_loss("squared"), bound_operator_of(problem, network), Step(None, 0.9)
    )
    made = time.process_time() - start
    return row(certificate, made, f"{m}×{n}, width {width}")


def main() -> None:
    """Run the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 50, 100, 250, 300, 600])
    parser.add_argument("--repeats", type=int, default=1, help="of each size")
    parser.add_argument("--photograph", action="store_true", help="a 64×64 photograph with half its pixels")
    parser.add_argument("--wide", action="store_true", help="5×10 with a million hidden units")
    parser.add_argument("--graphs", type=int, default=0, help="random graphs")
    parser.add_argument("--skip", type=int, nargs="*", default=[], help="skip networks of these sides, half the pixels")
    parser.add_argument("--quarter", type=int, nargs="*", default=[], help="the same with a quarter of the pixels")
    arguments = parser.parse_args()
    for size in arguments.sizes:
        ratios = [one(size, size, size) for _ in range(arguments.repeats)]
        if len(ratios) > 1:
            print(f"m = {size}: verify {statistics.median(ratios):.2f} times certify, the median of {len(ratios)}")
    for share, sides in ((0.5, arguments.skip), (0.25, arguments.quarter)):
        for side in sides:
            for activation in ("silu", "leaky-relu"):
                skip(side, share, activation)
    if arguments.graphs:
        random_graphs(arguments.graphs)
    if arguments.wide:
        one(5, 10, 1_000_000)
    if arguments.photograph:
        one(2048, 4096, 1024, mask=True)


if __name__ == "__main__":
    main()
