"""Shared problems, the command line in this process, certificates written once more with a change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import CliRunner

import dipproofs as dp
from dipproofs import cli

cli._plug_in()


def conditioned(m: int, n: int, condition: float, seed: int = 0) -> np.ndarray:
    """A matrix with singular values from 1 down to 1/condition, in geometric progression."""
    rng, r = np.random.default_rng(seed), min(m, n)
    left, right = (np.linalg.qr(rng.standard_normal((size, r)))[0] for size in (m, n))
    return np.asarray((left * np.geomspace(1, 1 / condition, r)) @ right.T)


def gaussian_problem(m: int = 5, n: int = 10, kappa: float = 3.0, seed: int = 0) -> dp.InverseProblem:
    """A with singular values spaced linearly from 1 to 1/κ, y = A x̄."""
    rng = np.random.default_rng(seed)
    r = min(m, n)
    U, _ = np.linalg.qr(rng.standard_normal((m, r)))
    Q, _ = np.linalg.qr(rng.standard_normal((n, r)))
    A = (U * np.linspace(1, 1 / kappa, r)) @ Q.T
    x = rng.standard_normal(n)
    return dp.InverseProblem(A, A @ x, x_true=x)


def network(n: int = 10, width: int = 64, train: str = "both", **options: object) -> dp.TwoLayer:
    """A small network with fixed seed."""
    options = {"input_dimension": 5, "seed": 3, **options}
    return dp.TwoLayer.init(n=n, width=width, train=train, **options)


def masked_convolution(activation: str = "silu", m: int = 10, channels: int = 5, seed: int = 1) -> tuple:
    """A small convolutional network, a mask, and data near what the network makes."""
    network = dp.Convolutional.init((6, 6), channels=channels, depth=2, activation=activation, seed=seed)
    rng = np.random.default_rng(seed)
    A = np.eye(36)[np.sort(rng.permutation(36)[:m])]
    return network, A, A @ network.output() + 0.05 * rng.standard_normal(m)


def run(*arguments: object) -> tuple[int, str, str]:
    """Run a command of `dipproofs` and return its exit status and both streams; what it did not foresee is raised."""
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def kept_by_the_run(cert: dp.Certificate) -> int:
    """Assert what was promised at the certified iterate of the run; return how many counts of iterations it reached."""
    loss, path = (series[cert.iteration :] for series in (cert.run.history.loss, cert.run.history.path_length))
    counts = {float(target): n for target, n in cert.guarantees.iterations_to_loss.items() if n is not None}
    reached = {target: n for target, n in counts.items() if n < loss.size}
    assert all((loss[n:] <= target * (1 + 1e-6)).all() for target, n in reached.items())
    assert path[-1] - path[0] <= cert.quantities["S"].upper * (1 + 1e-9)
    return len(reached)


def without_numbers(text: str) -> str:
    """Return a text on one line with N for each number."""
    return re.sub(r"\d[\d.\xa0]*(?:e[+-]?\d+)?(?<![.])", "N", " ".join(text.split()))


def changed(folder: Path, change: Callable[[Any], Any]) -> Path:
    """Write a saved certificate once more, its record changed in place, beside the arrays."""
    record = json.loads((folder / "certificate.json").read_text())
    change(record)
    path = folder / "changed.json"
    path.write_text(json.dumps(record))
    return path
