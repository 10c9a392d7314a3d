"""Gradient descent in JAX against the same steps hand-written in NumPy (float64, one process, interleaved).

Run:  python benchmarks/descent.py [--repeats 5]
Prints a Markdown table; the ratio is NumPy's time over JAX's (above 1: JAX is faster), medians of pairs.
"""

from __future__ import annotations

import argparse
import statistics
import time

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import dipproofs as dp  # noqa: E402


def numpy_descent(A: np.ndarray, y: np.ndarray, net: dp.TwoLayer, gamma: float, steps: int) -> float:
    """Do the steps with closed-form gradients and in-place updates; give the last loss."""
    u, W, V = net.u, net.W.copy(), net.V.copy()
    root_k = np.sqrt(net.width)
    loss = 0.0
    for _ in range(steps):
        phi = np.tanh(W @ u)
        r = A @ (V @ phi) / root_k - y
        loss = 0.5 * float(r @ r)
        z = A.T @ r / root_k
        step = (1 - phi**2) * (z @ V)
        V -= gamma * np.outer(z, phi)
        W -= gamma * np.outer(step, u)
    return loss


def compare(n: int, k: int, steps: int, repeats: int) -> tuple[float, float, float]:
    """Time both; give the medians per step (µs) and the median ratio."""
    rng = np.random.default_rng(0)
    m, d = n // 2, 5
    A = rng.standard_normal((m, n)) / np.sqrt(n)
    problem = dp.InverseProblem(A, A @ rng.standard_normal(n))
    net = dp.TwoLayer.init(n=n, width=k, input_dimension=d, seed=0)
    options = {"step": 0.01, "max_iterations": steps, "tolerance": 0.0}
    dp.descend(problem, net, **options)  # compiles
    ours, theirs = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        dp.descend(problem, net, **options)
        middle = time.perf_counter()
        numpy_descent(A, problem.y, net, 0.01, steps)
        ours.append(middle - start)
        theirs.append(time.perf_counter() - middle)
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    return 1e6 * statistics.median(ours) / steps, 1e6 * statistics.median(theirs) / steps, ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print("| n | k | n·k | steps | JAX µs/step | NumPy µs/step | NumPy/JAX |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for n, k, steps in [
        (10, 16, 20000), (10, 64, 20000), (20, 256, 20000), (100, 100, 10000),
        (100, 1000, 3000), (500, 1000, 500), (1000, 1000, 300), (4096, 1024, 60),
    ]:  # fmt: skip
        a, b, ratio = compare(n, k, steps, repeats)
        print(f"| {n} | {k} | {n * k:.0e} | {steps} | {a:.1f} | {b:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
