"""What a proof costs: verified linear algebra against plain LAPACK and against Arb, in one run.

    python benchmarks/enclosures.py                 # everything, a few minutes
    python benchmarks/enclosures.py --sizes 500 1000 --no-memory

Each row gives seconds of processor and the median of the ratios of paired runs, so that a busy machine disturbs both
sides alike; BLAS runs on one thread unless OPENBLAS_NUM_THREADS says otherwise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported

import flint
import numpy as np
import scipy.linalg
import sympy

from dipproofs import operator_facts
from dipproofs.enclosures import (
    IntervalMatrix,
    apply_arb,
    compile_arb,
    lambda_max,
    lambda_min,
    norm,
    row_space_basis,
    sigma_min,
)


def seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def gram_matrix(n: int) -> np.ndarray:
    x = np.random.default_rng(n).standard_normal((n, 2 * n))
    return x @ x.T


def conditioned(n: int, condition: float) -> np.ndarray:
    rng = np.random.default_rng(n)
    left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
    return left * np.geomspace(1, 1 / condition, n) @ right


def eigenvalue_rows(sizes: list[int], repeats: int) -> None:
    print("\nverified lambda_min of a Gram matrix against scipy.linalg.eigvalsh")
    print(f"{'n':>6} {'verified':>10} {'eigvalsh':>10} {'ratio':>7} {'relative width':>15}")
    for n in sizes:
        gram = gram_matrix(n)
        pairs = []
        for _ in range(repeats if n <= 2000 else max(repeats // 2, 1)):
            ours = seconds(lambda: lambda_min(IntervalMatrix(gram)))  # noqa: B023
            pairs.append((ours, seconds(lambda: scipy.linalg.eigvalsh(gram))))  # noqa: B023
        width = lambda_min(IntervalMatrix(gram)).relative_width
        report(f"{n:>6}", pairs, f"{width:15.1e}")


def arb_row(repeats: int) -> None:
    print("\nverified lambda_min against Arb's eig, n = 200 (ratio: how many times faster)")
    gram = gram_matrix(200)
    entries = [flint.acb(value) for value in gram.ravel().tolist()]
    pairs = []
    for _ in range(repeats):
        ours = seconds(lambda: lambda_min(IntervalMatrix(gram)))
        pairs.append((ours, seconds(lambda: flint.acb_mat(200, 200, entries).eig())))
    speed = statistics.median(arb / ours for ours, arb in pairs)
    print(f"   200 {statistics.median(p[0] for p in pairs):9.4f}s {pairs[0][1]:9.2f}s {speed:7.0f}x")


def report(label: str, pairs: list[tuple[float, float]], rest: str = "") -> None:
    ours, theirs = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{label} {ours:9.3f}s {theirs:9.3f}s {ratio:7.2f} {rest}", flush=True)


def singular_rows() -> None:
    print("\nverified sigma_min against scipy.linalg.svdvals")
    print(f"{'n':>6} {'condition':>10} {'verified':>10} {'svdvals':>10} {'relative width':>15}")
    for n, condition in ((300, 1e4), (1000, 1e4), (1000, 1e8), (1000, 1e12)):
        a = conditioned(n, condition)
        bound = sigma_min(IntervalMatrix(a))
        ours = seconds(lambda: sigma_min(IntervalMatrix(a)))  # noqa: B023
        theirs = seconds(lambda: scipy.linalg.svdvals(a))  # noqa: B023
        print(f"{n:>6} {condition:10.0e} {ours:9.3f}s {theirs:9.3f}s {bound.relative_width:15.1e}", flush=True)


def operator_rows(sizes: list[int], repeats: int) -> None:
    """Both extreme singular values of a square Gaussian matrix (condition number about n), and its eigenvalues."""
    print("\n‖A‖ and sigma_A of a dense n × n operator against scipy.linalg.eigvalsh of its Gram matrix")
    for n in sizes:
        a = np.random.default_rng(0).standard_normal((n, n)) / np.sqrt(n)
        gram = a @ a.T
        found: list[Any] = []
        pairs = []
        for _ in range(repeats):
            ours = both_clocks(lambda: found.append(operator_facts(a)))  # noqa: B023
            pairs.append((ours, both_clocks(lambda: scipy.linalg.eigvalsh(gram))))  # noqa: B023
        for i, clock in enumerate(("processor", "wall")):
            width = f", relative width of sigma_A {found[0].smallest.relative_width:.1e}" if i == 0 else ""
            report(f"n = {n}, {clock:>9}", [(a[i], b[i]) for a, b in pairs], width)


def both_clocks(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of processor (of all threads), seconds on the wall."""
    start, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - start, time.perf_counter() - wall


def activation_row() -> None:
    x = sympy.Symbol("x", real=True)
    slope = compile_arb((x,), 1 - sympy.tanh(x) ** 2)
    values = IntervalMatrix(np.random.default_rng(0).standard_normal(1_000_000))
    print(f"\nenclosed derivative of tanh, 10⁶ entries: {seconds(lambda: apply_arb(slope, values)):.1f}s")


def certificate_like(m: int, n: int, k: int, masked: bool) -> None:
    """The linear algebra of one certificate: σ_A, ‖A‖, the row space, both Gram matrices."""
    rng = np.random.default_rng(0)
    a = np.eye(n)[np.sort(rng.permutation(n)[:m])] if masked else rng.standard_normal((m, n)) / np.sqrt(n)
    operator, v = IntervalMatrix(a), IntervalMatrix(rng.standard_normal((n, k)))
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("sigma_A", lambda: sigma_min(operator)),
        ("norm_A", lambda: norm(operator)),
        ("row space", lambda: row_space_basis(operator)),
        ("norm AV", lambda: norm(operator @ v)),
        ("lambda_min", lambda: lambda_min((operator @ v).gram() + operator.gram())),
        ("lambda_max", lambda: lambda_max((operator @ v).gram() + operator.gram())),
    ]
    times = {name: seconds(step) for name, step in steps}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    shape = f"{'mask' if masked else 'dense'} {m}×{n}, k={k}"
    parts = ", ".join(f"{name} {value:.2f}" for name, value in times.items())
    print(f"{shape}: {sum(times.values()):.1f}s ({parts}), peak {peak:.2f} GiB", flush=True)


def certificate_rows(large: bool) -> None:
    print("\nthe linear algebra of a certificate, each in a process of its own")
    context = multiprocessing.get_context("spawn")
    cases = [(2048, 4096, 1024, True), (2048, 4096, 1024, False)] + [(4096, 4096, 1024, False)] * large
    for case in cases:
        process = context.Process(target=certificate_like, args=case)
        process.start()
        process.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[500, 1000, 2000, 4000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--operators", type=int, nargs="*", help="only dense operators of these sizes, such as 4096")
    parser.add_argument("--no-memory", action="store_true", help="leave out the case m = 4096")
    options = parser.parse_args()
    if options.operators:
        operator_rows(options.operators, options.repeats)
        return
    eigenvalue_rows(options.sizes, options.repeats)
    arb_row(min(options.repeats, 3))
    singular_rows()
    activation_row()
    certificate_rows(not options.no_memory)


if __name__ == "__main__":
    main()
