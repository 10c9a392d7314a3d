"""Attack the theorems about methods at the limit of their hypotheses: random maps, then local searches for the worst.

python benchmarks/methods.py heavy-ball --instances 500 --seed 0
python benchmarks/methods.py nesterov
python benchmarks/methods.py adam
python benchmarks/methods.py residual          # gradient descent, 1 < γM² < 2
python benchmarks/methods.py rounding          # steps and runs of the program in float64 beside 200 bits

and measure what is promised about two-layer networks beside what is observed:

python benchmarks/methods.py forecast          # gradient descent: time to a tenth of the residual, m = 60, κ = 10, 30
python benchmarks/methods.py momentum          # heavy ball: iterations, first certificate, forecast; κ(M) from 11 to 32
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dipproofs as dp
from checks.adam_runs import falsify_adam
from checks.maps import draw_map
from checks.method_runs import broken, draw, proved_at_limit
from checks.rounding_runs import floor_run, steps
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.methods.floats import exactly
from dipproofs.certify.methods.method import Method
from dipproofs.certify.methods.spectral import forecast, frozen_curves
from dipproofs.certify.search import Step
from dipproofs.enclosures import Bound, IntervalMatrix
from dipproofs.losses import as_loss
from dipproofs.operators.bounds import bound_operator

FALSIFY = ("heavy-ball", "nesterov", "adam", "residual", "rounding")


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


def _two_layer(kappa: float, m: int, width: int, seed: int) -> tuple[dp.InverseProblem, dp.TwoLayer]:
    """Singular values spaced geometrically from 1 to 1/κ, data of a random signal."""
    rng = np.random.default_rng(seed)
    n = m + m // 6
    U, V = (np.linalg.qr(rng.normal(size=(size, size)))[0] for size in (m, n))
    A = (U * np.geomspace(1, 1 / kappa, m)) @ V[:, :m].T
    return dp.InverseProblem(A, A @ rng.normal(size=n)), dp.TwoLayer.init(n, width, 10, "tanh", "both", seed)


def forecasts(seeds: int, m: int = 60, width: int = 400) -> None:
    """Certify gradient descent at the first iterate that can be certified and later: time to a tenth of R_0."""
    print("κ(A)  κ(M)  iteration  ℓR_0/s²  observed  by the rate  by the curve  ratios")
    for kappa in (10.0, 30.0):  # quadratic maps, residuals in all directions: the curve alone
        for k0 in (0.45, 0.3, 0.2, 0.1, 0.03, 0.01):
            seen, rate, curve = _quadratic(kappa, k0, m)
            print(
                f"{kappa:4.0f} {kappa:5.1f} {0:10d} {k0:8.3f} {seen:9d} {rate:12d} {curve:13d}  "
                f"{rate / seen:5.2f} {curve / seen:5.2f}", flush=True,
            )  # fmt: skip
    for kappa in (10.0, 30.0):
        for seed in range(1, seeds + 1):
            problem, network = _two_layer(kappa, m, width, seed)
            found = dp.certify(problem, network, tolerance=1e-10, max_iterations=200_000)
            loss, step = found.run.history.loss, float(found.run.gamma)
            operator = bound_operator(problem.operator)
            for share in (1.0, 0.7, 0.4, 0.1, 1e-2):
                at = int(np.argmax(loss <= loss[found.iteration] * share**2))
                here = dp.descend(problem, network, step=step, max_iterations=at, tolerance=0.0).network
                goal = float(loss[at]) / 100
                cert = certify_at(
                    problem, here, as_loss(None), operator, Step(step), iteration=at, targets=(goal,)
                )  # fmt: skip
                q, seen = cert.quantities, int(np.argmax(loss[at:] <= goal))
                if not cert.proved or not seen:
                    continue
                k0 = q["lipschitz_AJ"].upper * q["psi_0"].upper / q["sigma_AJ"].lower ** 2
                rate = math.ceil(math.log(10) / -cert.guarantees.log_contraction_per_step.upper)
                curve = cert.guarantees.iterations_to_loss[exactly(goal)]
                print(
                    f"{kappa:4.0f} {q['norm_AJ'].mid / q['sigma_AJ'].mid:5.1f} {at:10d} {k0:8.3f} {seen:9d} {rate:12d} "
                    f"{curve:13d}  {rate / seen:5.2f} {curve / seen:5.2f}", flush=True,
                )  # fmt: skip


def _quadratic(kappa: float, k0: float, m: int) -> tuple[int, int, int]:
    """Time to R_0/10 of r_0 + Mθ + ½c⟨w,θ⟩², ℓ = 1, s = 1: observed, by the rate of the theorem, by the curve."""
    rng = np.random.default_rng(7)
    U, V = (np.linalg.qr(rng.normal(size=(size, size)))[0] for size in (m, m + 10))
    M = (U * np.geomspace(1, kappa, m)) @ V[:, :m].T
    c, w, r0 = (x / np.linalg.norm(x) for x in (rng.normal(size=m), rng.normal(size=m + 10), rng.normal(size=m)))
    r0 = r0 * k0
    S = 1 - math.sqrt(1 - 2 * k0)
    F, ball = 1 - S, kappa + S
    gamma = float(1 / ball**2)
    rate = math.log(10) / -math.log1p(-gamma * F**2)
    exact, count = IntervalMatrix.from_exact, min(4000, math.ceil(rate) + 2)
    frozen = frozen_curves(exact(M) @ exact(M).T, exact(r0), Bound.exact(gamma), count)
    found = forecast(
        frozen, residual=k0 * (1 + 1e-12), gamma=Bound.exact(gamma), lipschitz=1.0, norm_ball=ball, sigma=1.0 - 1e-9,
        norm=kappa * (1 + 1e-9), path=S * (1 + 1e-12), net=F, contraction=1 - gamma * F * F,
    )  # fmt: skip
    theta, seen = np.zeros(m + 10), 0
    while np.linalg.norm(r := r0 + M @ theta + c * (w @ theta) ** 2 / 2) > k0 / 10:
        theta, seen = theta - gamma * (M + np.outer(c, w) * (w @ theta)).T @ r, seen + 1
    return seen, math.ceil(rate), found.first_below(k0 / 10) or 10**9


def momentum_runs() -> None:
    """Heavy ball beside gradient descent to a loss of 1e-12 of the first: iterations, certificates, forecasts."""
    print("κ(A)  κ(M)  descent  heavy ball   first  share  promised/observed at R_first, R_first/1000")
    for kappa, m, width, seed in (
        (10, 6, 160, 0),
        (20, 6, 160, 1),
        (30, 6, 160, 2),
        (10, 12, 320, 3),
        (30, 12, 320, 4),
    ):
        problem, network = _two_layer(float(kappa), m, width, seed)
        ends = {"relative_tolerance": 1e-24, "max_iterations": 400_000}
        plain = dp.descend(problem, network, **ends)
        found = dp.certify(problem, network, method="heavy-ball", momentum="auto", **ends)
        loss, rho = found.run.history.loss, float(found.method["momentum"])
        operator, ratios = bound_operator(problem.operator), []
        for share in (1.0, 1e-3):
            at = int(np.argmax(loss <= loss[found.iteration] * share**2)) if share < 1 else found.iteration
            run = dp.descend(
                problem, network, step=float(found.run.gamma), max_iterations=at, tolerance=0.0, method="heavy-ball",
                momentum=rho,
            )  # fmt: skip
            method = Method("heavy-ball", float(found.run.gamma), rho, dict(run.state))
            goal = float(loss[-1])
            cert = certify_at(
                problem, run.network, as_loss(None), operator, Step(method.step), targets=(goal,), method=method
            )  # fmt: skip
            promised = cert.guarantees.iterations_to_loss.get(exactly(goal)) if cert.proved else None
            ratios.append(math.nan if promised is None else promised / (loss.size - 1 - at))
        q = found.quantities
        print(
            f"{kappa:4d} {q['norm_AJ'].mid / q['sigma_AJ'].mid:5.1f} {plain.iterations:8d} {found.run.iterations:11d} "
            f"{found.iteration:7d} {found.iteration / found.run.iterations:6.1%}  {ratios[0]:.2f} {ratios[1]:.2f}",
            flush=True,
        )  # fmt: skip


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
    parser.add_argument("kind", choices=[*FALSIFY, "forecast", "momentum"])
    parser.add_argument("--instances", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    if options.kind in ("forecast", "momentum"):
        forecasts(options.seeds) if options.kind == "forecast" else momentum_runs()
        return
    if options.kind == "residual":
        found = residual(options.instances, options.seed)
    elif options.kind == "rounding":
        found = rounding(options.instances, options.seed)
    elif options.kind == "adam":
        found = falsify_adam(options.instances, options.seed)
    else:
        found = momentum(options.kind, options.instances, options.seed, options.rounds)
    for name, number in found.items():
        print(f"{name}: {number:.6g}")
    sys.exit(1 if found["violations"] else 0)


if __name__ == "__main__":
    main()
