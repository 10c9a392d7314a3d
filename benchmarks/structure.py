"""Norm, smallest singular value and rank of structured operators, against the same matrix without structure.

Run:  python benchmarks/structure.py [--kernels 100] [--side 32] [--large 256]

Prints the time of a large circular blur, of which no matrix is made, and for random kernels on a small image whether
the enclosures hold LAPACK's singular values and the exact rank, with the ratio of times (medians in one run).
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from dipproofs.operators.structure import Circulant, Dense


def gaussian(side: int, sigma: float = 1.0) -> np.ndarray:
    """A Gaussian of 7×7 pixels."""
    weights = np.exp(-0.5 * (np.arange(-3, 4) / sigma) ** 2)
    kernel = np.zeros((side, side))
    kernel[:7, :7] = np.multiply.outer(weights, weights) / weights.sum() ** 2
    return np.roll(kernel, (-3, -3), (0, 1))


def random_kernel(rng: np.random.Generator, side: int) -> np.ndarray:
    """A small kernel of few numbers, some of which lose frequencies exactly."""
    kernel = np.zeros((side, side))
    size = tuple(rng.integers(1, 6, 2))
    kernel[: size[0], : size[1]] = rng.standard_normal(size) if rng.random() < 0.5 else 1.0 / (size[0] * size[1])
    return np.roll(kernel, tuple(rng.integers(0, side, 2)), (0, 1))


def agreement(count: int, side: int) -> None:
    """Compare with the dense path."""
    rng, ratios, lost = np.random.default_rng(0), [], 0
    for _ in range(count):
        structure = Circulant(random_kernel(rng, side))
        start = time.perf_counter()
        found = structure.spectrum()
        middle = time.perf_counter()
        values = np.linalg.svd(structure.dense(), compute_uv=False)
        ratios.append((time.perf_counter() - middle) / (middle - start))
        slack = 1e-12 * values[0]
        rank = int((values > 1e-10 * values[0]).sum())
        assert found.norm.lower <= values[0] + slack and values[0] - slack <= found.norm.upper
        assert found.rank == rank, (found.rank, rank)
        assert found.smallest_nonzero.lower <= values[rank - 1] + slack
        assert values[rank - 1] - slack <= found.smallest_nonzero.upper
        lost += found.rank < side * side
    print(f"{count} random kernels at {side}×{side}: all agree ({lost} rank-deficient); LAPACK's svd takes "
          f"{statistics.median(ratios):.0f} times as long (median)")  # fmt: skip


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernels", type=int, default=100)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--large", type=int, default=256)
    arguments = parser.parse_args()
    for name, kernel in (
        ("Gaussian blur", gaussian(arguments.large)),
        ("dense kernel", np.random.default_rng(0).random((arguments.large,) * 2)),
    ):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            found = Circulant(kernel).spectrum()
            times.append(time.perf_counter() - start)
        print(f"{arguments.large}×{arguments.large} {name}: {statistics.median(times):.2f} s; ‖A‖ ≤ "
              f"{found.norm.upper:.6g}, σ_min ≥ {found.smallest.lower:.6g}, rank {found.rank}")  # fmt: skip
    start = time.perf_counter()
    dense = Dense(Circulant(gaussian(arguments.side)).dense()).spectrum()
    print(f"the {arguments.side}×{arguments.side} Gaussian blur as a matrix: {time.perf_counter() - start:.2f} s, "
          f"σ_min ≥ {dense.smallest.lower:.6g}")  # fmt: skip
    agreement(arguments.kernels, arguments.side)


if __name__ == "__main__":
    main()
