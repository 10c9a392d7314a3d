"""What certification costs beside the run, and how much memory it takes.

Run:  python benchmarks/certify.py [--repeats 3] [PROBLEM.toml]     ratio (descent + certificates)/(descent)
      python benchmarks/certify.py --memory [--rows 4096]           peak memory of one proof with m = rows

The first ratio is for runs in one process, after a warm-up that compiles; the second one is what a user waits for: the
command with its files and its report against a process that only descends, imports and compilation included in both.
Medians over pairs. On a busy machine seconds of processor tell more than those on the wall.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "inpaint-camera.toml"

_RUN = (
    "import sys, jax; jax.config.update('jax_enable_x64', True)\n"
    "import dipproofs as dp\n"
    "b = dp.load_problem(sys.argv[1]).build()\n"
    "print(dp.descend(b.problem, b.network, b.loss))\n"
)
Spent = tuple[float, float]
Pair = tuple[Spent, Spent]


def whole_process(arguments: list[str], cache: Path) -> Spent:
    """Measure a new process: seconds on the wall, seconds of processor."""
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": ""}
    environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], check=False, capture_output=True, env=environment)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), done.stderr.decode()
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def new_processes(problem: Path, repeats: int) -> list[Pair]:
    """Pair `dipproofs certify --out` with a process that only descends; both find what an earlier one compiled."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "compiled"
        ours = ["-m", "dipproofs", "certify", str(problem), "--out", f"{folder}/found"]
        theirs = ["-c", _RUN, str(problem)]
        pairs = [(whole_process(ours, cache), whole_process(theirs, cache)) for _ in range(repeats + 1)]
    return pairs[1:]


def spent(work: Callable[[], Any]) -> Spent:
    """Measure a call."""
    start, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - processor


def ratios(problem: Path, repeats: int) -> None:
    """Print both ratios."""
    print_ratio("same process, compiled", same_process(problem, repeats))
    print_ratio("new processes, files written", new_processes(problem, repeats))


def same_process(problem: Path, repeats: int) -> list[Pair]:
    """Pair `certify` with `descend`, after a warm-up that compiles."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import dipproofs as dp

    built = dp.load_problem(problem).build()
    arguments = (built.problem, built.network, built.loss)
    certificate = dp.certify(*arguments)
    print(f"verdict {certificate.verdict}, iteration {certificate.iteration} of {certificate.run.iterations}")
    dp.descend(*arguments)
    return [(spent(lambda: dp.certify(*arguments)), spent(lambda: dp.descend(*arguments))) for _ in range(repeats)]


def print_ratio(name: str, pairs: list[Pair]) -> None:
    for i, what in enumerate(("on the wall", "of processor")):
        ratio = statistics.median(a[i] / b[i] for a, b in pairs)
        ours, theirs = (statistics.median(one[i] for one in column) for column in zip(*pairs, strict=True))
        text = f"{ours:.2f} s {what} with certificates, {theirs:.2f} s without, ratio {ratio:.2f}"
        print(f"{name}: {text}", flush=True)


def memory(rows: int) -> None:
    """Prove one iterate of a dense m×m problem and print the peak memory of the process."""
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", True)
    import dipproofs as dp
    from dipproofs.certify import bound_operator, certify_at
    from dipproofs.certify.search import Step
    from dipproofs.losses import SquaredError

    rng = np.random.default_rng(0)
    A = np.eye(rows) + 0.3 / np.sqrt(rows) * rng.standard_normal((rows, rows))
    network = dp.TwoLayer.init(n=rows, width=2 * rows, input_dimension=8, seed=0)
    y = A @ network.output() + 1e-3 * rng.standard_normal(rows)
    problem = dp.InverseProblem(A, y)
    start = time.perf_counter()
    certificate = certify_at(problem, network, SquaredError(), bound_operator(A), Step(0.1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    took = time.perf_counter() - start
    print(f"m = n = {rows}, k = {2 * rows}: {certificate.verdict} in {took:.0f} s, peak memory {peak:.2f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--rows", type=int, default=4096)
    options = parser.parse_args()
    if options.memory:
        memory(options.rows)
    else:
        ratios(options.problem, options.repeats)


if __name__ == "__main__":
    main()
