"""What certification costs beside the run, and how much memory it takes.

Run:  python benchmarks/certify.py [--repeats 3] [PROBLEM.toml]     ratio (descent + certificates)/(descent)
      python benchmarks/certify.py --memory [--rows 4096]           peak memory of one proof with m = rows

The first ratio is what a user waits for in new processes, imports and compilation included (those of certificates
and reports only where they are needed); the second one is for runs in one process, after a warm-up that compiles.
Both are medians over pairs.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "inpaint-camera.toml"

_RUN = (
    "import sys, jax; jax.config.update('jax_enable_x64', True)\n"
    "import dipproofs as dp{imports}\n"
    "b = dp.load_problem(sys.argv[1]).build()\n"
    "print(dp.{call}(b.problem, b.network, b.loss))\n"
)


#: What each of the two loads, as the command line does.
_IMPORTS = {"certify": ", dipproofs.certify.api, dipproofs.report", "descend": ""}


def whole_process(call: str, problem: Path) -> float:
    """Time a new process that only descends, or descends and certifies."""
    start = time.perf_counter()
    program = _RUN.format(call=call, imports=_IMPORTS[call])
    subprocess.run([sys.executable, "-c", program, str(problem)], check=True, capture_output=True)
    return time.perf_counter() - start


def ratios(problem: Path, repeats: int) -> None:
    """Print both ratios."""
    pairs = [(whole_process("certify", problem), whole_process("descend", problem)) for _ in range(repeats)]
    print_ratio("new process", pairs)
    import jax

    jax.config.update("jax_enable_x64", True)
    import dipproofs as dp

    built = dp.load_problem(problem).build()
    arguments = (built.problem, built.network, built.loss)
    dp.certify(*arguments)
    pairs = []
    for _ in range(repeats):
        start = time.perf_counter()
        certificate = dp.certify(*arguments)
        middle = time.perf_counter()
        dp.descend(*arguments)
        pairs.append((middle - start, time.perf_counter() - middle))
    print_ratio("same process, compiled", pairs)
    print(f"verdict {certificate.verdict}, iteration {certificate.iteration} of {certificate.run.iterations}")


def print_ratio(name: str, pairs: list[tuple[float, float]]) -> None:
    ratio = statistics.median(a / b for a, b in pairs)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{name}: {ours:.2f} s with certificates, {theirs:.2f} s without, ratio {ratio:.2f}", flush=True)


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
