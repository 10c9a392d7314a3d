"""Compare the guaranteed early-stopping iteration with the observed one, and three ways to stop.

Run: python benchmarks/early_stopping.py [--quick]. Prints two Markdown tables (docs/theory.md §7):
1. τ* against the first iteration with ψ(f_τ) ≤ ‖Πε‖, by condition number and noise level.
2. Signal errors with stop = "guaranteed", with Morozov's discrepancy principle ‖y_τ − y‖ ≤ 1.5‖ε‖, and at the end.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import jax
import numpy as np

import dipproofs as dp
from dipproofs.certify import Certificate, certify

N, WIDTH, SEED = 20, 4096, 3
TAU = 1.5


def problem_of(condition: float, level: float, seed: int = SEED) -> dp.InverseProblem:
    """Draw A = U diag(1 … 1/κ) Vᵀ, a Gaussian signal and noise of relative norm ``level``."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((N, N)))[0] for _ in range(2))
    A = left @ np.diag(np.linspace(1.0, 1 / condition, N)) @ right.T
    x, noise = rng.standard_normal(N), rng.standard_normal(N)
    clean = A @ x
    return dp.InverseProblem(A, clean + level * np.linalg.norm(clean) * noise / np.linalg.norm(noise), x)


def certified(problem: dp.InverseProblem, **options: object) -> Certificate:
    """Certify with a network that is wide enough."""
    network = dp.TwoLayer.init(n=N, width=WIDTH, input_dimension=4, seed=SEED)
    return certify(problem, network, max_iterations=50_000, **options)  # type: ignore[arg-type]


def predictions(conditions: tuple[float, ...], levels: tuple[float, ...]) -> Iterator[str]:
    """Yield the rows of the first table."""
    yield "| κ(A) | noise | certified at | τ* guaranteed | observed | ratio |\n|---:|---:|---:|---:|---:|---:|"
    for condition in conditions:
        for level in levels:
            certificate = certified(problem_of(condition, level))
            if not certificate.proved:
                yield f"| {condition:g} | {level:g} | not certified | | | |"
                continue
            entry = certificate.guarantees.extra["recovery"]["early_stopping"]
            residuals = np.sqrt(2 * certificate.run.history.loss)
            observed = int(np.argmax(residuals <= entry["level"].lower))
            count = certificate.guarantees.early_stopping_iteration
            guaranteed = certificate.iteration + (count or 0)
            yield (
                f"| {condition:g} | {level:g} | {certificate.iteration} | {guaranteed} | {observed} | "
                f"{guaranteed / max(observed, 1):.2f} |"
            )


def comparison(conditions: tuple[float, ...], level: float) -> Iterator[str]:
    """Yield the rows of the second table."""
    yield "| κ(A) | stop | iterations | true error / ‖x̄‖ | proved / ‖x̄‖ |\n|---:|---|---:|---:|---:|"
    for condition in conditions:
        problem = problem_of(condition, level)
        size = float(np.linalg.norm(problem.x_true))
        morozov = 0.5 * (TAU * problem.noise_norm) ** 2
        ways = {"guaranteed": {"stop": "guaranteed"}, "discrepancy": {"tolerance": morozov}, "end": {}}
        for name, options in ways.items():
            certificate = certified(problem, **options)
            last = certificate.final or certificate
            error = np.linalg.norm(certificate.run.network.output() - problem.x_true) / size
            bound = last.guarantees.recovery_error
            proved = "not certified" if bound is None else f"{bound.upper / size:.3f}"
            yield f"| {condition:g} | {name} | {certificate.run.iterations} | {error:.3f} | {proved} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    jax.config.update("jax_enable_x64", True)
    conditions, levels = ((1.0, 3.0), (1e-2, 1e-4)) if quick else ((1.0, 3.0, 10.0), (1e-1, 1e-2, 1e-3, 1e-4))
    for row in predictions(conditions, levels):
        print(row, flush=True)
    print()
    for row in comparison(conditions, 0.02):
        print(row, flush=True)


if __name__ == "__main__":
    main()
