"""Seconds that `dipproofs certify` and `check` take as new processes on a small problem.

    python benchmarks/start.py [--repeats 3] [PROBLEM.toml]

Bytecode is written by a first run that is not counted, as an installation does. "first" has an empty cache of compiled
descents, "later" one that an earlier run has filled (`dipproofs/compilation_cache.py`). Medians of wall-clock time, and
of processor time of the process.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "gaussian.toml"


def one(arguments: list[str], folder: Path, cache: Path) -> tuple[float, float]:
    """Time one process: seconds on the wall, seconds of processor."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"XDG_CACHE_HOME": str(cache), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "dipproofs", *arguments], env=environment, cwd=folder, capture_output=True, check=False
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), done.stderr.decode()
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    problem = str(options.problem.resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for arguments in (["certify", problem, "--out", "found"], ["check", problem]):
            one(arguments, folder, folder / "unused")
            for label in ("first", "later"):
                times = [
                    one(arguments, folder, folder / (f"first-{arguments[0]}-{i}" if label == "first" else "later"))
                    for i in range(options.repeats + (label == "later"))
                ]
                wall, processor = (statistics.median(column) for column in zip(*times[-options.repeats :], strict=True))
                print(f"{arguments[0]}, {label}: {wall:.2f} s, {processor:.2f} s of processor", flush=True)


if __name__ == "__main__":
    main()
