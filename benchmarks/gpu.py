"""Time of a descent step (`dipproofs.descend`) for n·k = 10⁴ … 10⁸, on the CPU and on a GPU if JAX sees one.

    python benchmarks/gpu.py [--budget 150]

A is inpainting (half of the entries are seen), so that the network is what is timed. Each line is the time
per step of a long run less that of a short one, divided by the number of steps: compilation and transfer cancel.
Lines that would not fit into the budget are left out and said so.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

SIZES = ((100, 100), (316, 316), (1000, 1000), (3162, 3162), (10_000, 10_000))
#: Bytes that a step reads and writes for each entry of V: twice for the products, read and write for the update.
TRAFFIC = 4


def time_per_step(n: int, k: int, dtype: str, device, seconds: float) -> float | None:
    """Return seconds per step, or None if the device has not enough memory."""
    from pathlib import Path

    import jax

    import dipproofs as dp
    from dipproofs.arguments.setting import Setting
    from dipproofs.operators.inpainting import InpaintingOperator

    rng = np.random.default_rng(0)
    A = InpaintingOperator(rows=n // 2, columns=n).build(Setting(Path(), None))
    y = rng.standard_normal(n // 2).astype(dtype)
    problem = dp.InverseProblem(A, y)
    u = np.ones(4) / 2
    arrays = (u, rng.standard_normal((k, 4)), rng.standard_normal((n, k)))
    network = dp.TwoLayer(*(array.astype(dtype) for array in arrays))

    def run(steps: int) -> float:
        start = time.perf_counter()
        found = dp.descend(problem, network, None, 1e-3, max_iterations=steps, tolerance=0.0)
        assert found.iterations == steps, found.reason
        return time.perf_counter() - start

    try:
        with jax.default_device(device):
            run(2)
            few = run(2)
            guess = max((run(10) - few) / 8, 1e-7)
            many = int(min(3000, max(12, seconds / guess)))
            run(many)
            best = run(many) - min(few, run(2))
    except Exception as error:  # out of memory on the device has no type of its own
        print(f"<!-- n={n} k={k} {dtype}: {str(error).splitlines()[0][:120]} -->")
        return None
    return max(best, 1e-9) / (many - 2)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=150.0, help="seconds for the whole table")
    options = parser.parse_args()
    import jax

    jax.config.update("jax_enable_x64", True)
    cpu = jax.devices("cpu")[0]
    gpus = [device for device in jax.devices() if device.platform != "cpu"]
    print(f"JAX {jax.__version__}; {gpus[0].device_kind if gpus else 'no GPU seen by JAX'}\n")
    print("| n·k | dtype | CPU, µs a step | GPU, µs a step | CPU/GPU | CPU, GB/s | GPU, GB/s |")
    print("|---|---|---|---|---|---|---|")
    start = time.perf_counter()
    for n, k in SIZES:
        for dtype in ("float32", "float64"):
            if time.perf_counter() - start > options.budget * 0.8:
                print(f"| {n * k:.0e} | {dtype} | out of budget | | | | |")
                continue
            left = 0.03 * options.budget
            times = [time_per_step(n, k, dtype, device, left / 4) for device in (cpu, *gpus[:1])]
            traffic = TRAFFIC * n * k * np.dtype(dtype).itemsize
            shown = [f"{1e6 * t:.4g}" if t else "–" for t in times] + ["–"] * (2 - len(times))
            rates = [f"{traffic / t / 1e9:.3g}" if t else "–" for t in times] + ["–"] * (2 - len(times))
            ratio = f"{times[0] / times[1]:.1f}" if len(times) == 2 and times[0] and times[1] else "–"
            print(
                f"| {n * k:.0e} | {dtype} | {shown[0]} | {shown[1]} | {ratio} | {rates[0]} | {rates[1]} |", flush=True
            )


if __name__ == "__main__":
    main()
