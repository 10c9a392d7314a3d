"""Attacks on the bounds of graphs, many: the checks hold a few of each.

Run:  python benchmarks/graphs.py attack [COUNT] [FIRST]     gradient ascent on random graphs, 300 by default
      python benchmarks/graphs.py runs [COUNT]               certified networks continued in extended precision, 50

`attack`: for each random graph, without and with exact inner Jacobians, norms, rows, curvature and radii by power
iteration and by gradient ascent over the ball, and sign patterns of the units with a kink. Prints violations, the
largest quotient found/bound by kind, and how many broken variants were caught. `runs`: what is broken of path, rate and
limit. Exit code 1 if anything is.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict

from checks.graph_runs import broken_promises, certified
from checks.test_graph_ascent import caught, falsify


def falsify_all(count: int, first: int) -> int:
    """Attack random graphs; return the number of violations."""
    worst: dict[str, float] = defaultdict(float)
    violations = units = broken = 0
    start = time.perf_counter()
    for seed in range(first, first + count):
        found = falsify(range(seed, seed + 1))
        violations, units, broken = violations + found.violations, units + found.units, broken + caught(seed)
        for name, value in found.worst.items():
            worst[name] = max(worst[name], value)
        if (seed - first) % 25 == 24:
            print(
                f"{seed - first + 1} graphs, {violations} violations, {time.perf_counter() - start:.0f} s", flush=True
            )
    quotients = ", ".join(f"{name} {value:.3f}" for name, value in sorted(worst.items()))
    print(f"{count} graphs, {units} units: {violations} violations; found/bound {quotients}; ℓ_A/50 refuted on "
          f"{broken}")  # fmt: skip
    return violations


def runs(count: int) -> int:
    """Follow certified networks; return the number of broken promises."""
    followed, broken, seed = 0, 0, 0
    while followed < count and seed < 3 * count:
        for found in certified(range(seed, seed + 1)):
            followed += 1
            for line in broken_promises(found):
                broken += 1
                print(f"seed {seed}: {line}", flush=True)
        seed += 1
    print(f"{followed} certified networks of {seed} followed: {broken} broken promises")
    return broken + (followed < count)


def main() -> None:
    """Do what the command line says."""
    numbers = [int(word) for word in sys.argv[2:]]
    if sys.argv[1:2] == ["runs"]:
        sys.exit(runs(*(numbers or [50])) > 0)
    if sys.argv[1:2] != ["attack"]:
        sys.exit(__doc__)
    sys.exit(falsify_all(*(numbers + [300, 0][len(numbers) :])) > 0)


if __name__ == "__main__":
    main()
