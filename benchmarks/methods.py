"""Attack the theorems about methods at the limit of their hypotheses: random maps, then local searches for the worst.

python benchmarks/methods.py heavy-ball --instances 500 --seed 0
python benchmarks/methods.py nesterov
python benchmarks/methods.py adam
python benchmarks/methods.py residual          # gradient descent, 1 < γM² < 2
python benchmarks/methods.py rounding          # steps and runs of the program in float64 beside 200 bits
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from checks.adam_runs import attack_adam
from checks.maps import draw_map
from checks.method_runs import broken, draw, proved_at_limit
from checks.rounding_runs import floor_run, steps


def momentum(kind: str, instances: int, seed: int, rounds: int) -> dict[str, float]:
    """Return counts of instances, of local-search steps, of violations, and path/S."""
    rng = np.random.default_rng(seed)
    done = steps = violations = tried = 0
    shares, margins = [], []
    while done < instances:
        instance = draw(rng, kind)
        if instance is None:
            continue
        tried += 1
        found = proved_at_limit(instance)
        if found is None:
            continue
        R0, decision = found
        done += 1
        bad, share = broken(instance, decision, R0)
        violations += bool(bad)
        margins.append(R0)
        for _ in range(0 if instance.velocity.any() else rounds):
            size = rng.choice([0.02, 0.1, 0.4])
            d = instance.direction + size * rng.normal(size=instance.direction.size)
            near = replace(instance, mapping=instance.mapping.nudged(rng, size), direction=d / np.linalg.norm(d))
            bad, there = broken(near, decision, R0, 150)
            violations += bool(bad)
            steps += 1
            if there > share:
                instance, share = near, there
        shares.append(share)
    return {
        "tried": tried, "instances": done, "local search steps": steps, "violations": violations,
        "median path/S": float(np.median(shares)), "largest path/S": float(np.max(shares)),
        "largest l*R_0/s_0^2": float(np.max(margins)),
    }  # fmt: skip


def residual(instances: int, seed: int) -> dict[str, float]:
    """Lemma e in the residual form with the observation profile, 1 < γM² < 2."""
    rng = np.random.default_rng(seed)
    done = violations = 0
    shares = []
    while done < instances:
        mapping = draw_map(rng)
        sigma, norm = mapping.ends
        gamma = rng.uniform(1.0, 1.9) / norm**2
        low, high, best = 0.0, 0.5 * sigma**2, None
        for _ in range(18):
            middle = (low + high) / 2
            found = _residual_path(middle, sigma, norm, gamma)
            low, high, best = (middle, high, found) if found else (low, middle, best)
        if best is None:
            continue
        done += 1
        S, rate = best
        r0, theta, path, R = low * mapping.start(rng), np.zeros(mapping.width), 0.0, low
        bad = False
        for _ in range(3000):
            step = gamma * mapping.jacobian(theta).T @ mapping.residual(r0, theta)
            theta, path = theta - step, path + float(np.linalg.norm(step))
            after = float(np.linalg.norm(mapping.residual(r0, theta)))
            bad |= after > rate * R * (1 + 1e-9)
            R = after
            if 1e-9 * low > R:
                break
        violations += bad or path > S * (1 + 1e-9)
        shares.append(path / S)
    return {"instances": done, "violations": violations, "largest path/S": float(np.max(shares))}


def rounding(instances: int, seed: int) -> dict[str, float]:
    """Errors of steps of the program over their bounds, and runs to the floor."""
    import jax

    jax.config.update("jax_enable_x64", True)  # the bounds are those of float64; in float32 they are broken at once
    rng = np.random.default_rng(seed)
    pairs = [pair for _ in range(instances) for pair in steps(rng, 3)]
    ratios = [error / bound for error, bound in pairs if math.isfinite(bound)]
    runs = [run for run in (floor_run(rng) for _ in range(instances)) if run is not None]
    broken = sum(not error <= bound for error, bound in pairs) + sum(run["bad"] for run in runs)
    return {
        "instances": instances, "bounded steps": len(ratios), "median error/bound": float(np.median(ratios)),
        "largest error/bound": max(ratios), "runs with a floor": len(runs),
        "median floor/largest residual after it": float(np.nanmedian([run["floor over seen"] for run in runs])),
        "violations": broken,
    }  # fmt: skip


def _residual_path(R0: float, sigma: float, norm: float, gamma: float) -> tuple[float, float] | None:
    best: tuple[float, float] | None = None
    for rho in np.linspace(0.02, 0.98, 49) * sigma:
        g, g_s = gamma * (norm + rho) ** 2, gamma * sigma**2
        if g >= 2:
            continue
        if g <= 1:
            c = 1.0
        elif g * (1 + g_s) <= 2:
            c = math.sqrt(g * (2 - g - g_s) / (1 - g * g_s))
        else:
            c = (2 - g) / math.sqrt(g * g_s)
        x = (1 - c) / 2 * gamma * (norm + rho) * R0
        first = c * sigma - x
        if first - c * rho <= 0 or first * rho - c * rho**2 / 2 <= R0:
            continue
        S = (first - math.sqrt(first**2 - 2 * c * R0)) / c
        rate = 1 - gamma * (sigma - S) * (first - c * S)
        if best is None or rate < best[1]:
            best = S, rate
    return best


def main() -> None:
    """Run one attack and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["heavy-ball", "nesterov", "adam", "residual", "rounding"])
    parser.add_argument("--instances", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    if options.kind == "residual":
        found = residual(options.instances, options.seed)
    elif options.kind == "rounding":
        found = rounding(options.instances, options.seed)
    elif options.kind == "adam":
        found = attack_adam(options.instances, options.seed)
    else:
        found = momentum(options.kind, options.instances, options.seed, options.rounds)
    for name, number in found.items():
        print(f"{name}: {number:.6g}")
    sys.exit(1 if found["violations"] else 0)


if __name__ == "__main__":
    main()
