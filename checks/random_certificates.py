"""Random certificates of every kind, without a descent: the data lie near the network's prediction."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.certificate.write import save
from dipproofs.certify.api import bound_operator_of
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.search import Step
from dipproofs.descent import make_schedule
from dipproofs.losses import make_loss
from dipproofs.networks import TwoLayer
from dipproofs.problems import InverseProblem
from dipproofs.recovery.signal_error import Recovery
from dipproofs.theory import ACTIVATIONS

LOSSES = ("log-cosh", "huber", "lp", "norm-power", "cross-entropy", "poisson", "logit-cross-entropy")


def _sizes(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(1, 9)), int(rng.integers(1, 9))


def _network(rng: np.random.Generator, n: int, seed: int, kind: str) -> TwoLayer:
    dtype = str(rng.choice(["float64", "float32"]))
    basis, atoms = None, n
    if rng.random() < 0.25:
        atoms = int(rng.integers(1, n + 1))
        basis = rng.standard_normal((n, atoms)).astype(dtype)
    limited = kind in ("cross-entropy", "poisson")
    network = TwoLayer.init(
        n=atoms,
        width=int(rng.choice([2, 4, 16, 64, 256])),
        input_dimension=int(rng.integers(1, 5)),
        activation=str(rng.choice(list(ACTIVATIONS))),
        train=str(rng.choice(["both", "both", "inner", "outer"])),
        seed=seed,
        basis=basis,
        dtype=dtype,
        output_offset=0.5 if limited else float(rng.choice([0.0, 0.0, 0.25])),
        outer_law=str(rng.choice(["uniform", "rademacher", "gaussian"])),
    )
    if not limited:
        return network
    V = (network.V * 0.05).astype(dtype)
    return TwoLayer(network.u, network.W, V, network.activation, network.train, basis, network.output_offset)


def _data(rng: np.random.Generator, kind: str, v: np.ndarray, size: float) -> np.ndarray:
    far = 10.0 ** rng.uniform(-9, 0)
    step = far * rng.standard_normal(v.size)
    if kind == "cross-entropy":
        return np.clip(v + 0.05 * step, 1e-3, 1 - 1e-3)
    if kind == "poisson":
        return np.clip(v + 0.05 * step, 1e-3, None)
    if kind == "logit-cross-entropy":
        return np.clip(0.5 + np.tanh(v / 2) / 2 + 0.05 * step, 1e-3, 1 - 1e-3)
    return v + size * step


def _loss(rng: np.random.Generator, kind: str) -> Any:
    parameters: dict[str, Any] = {}
    if kind == "huber":
        parameters["delta"] = float(rng.uniform(0.1, 2))
    if kind in ("lp", "norm-power"):
        parameters["p"] = float(rng.choice([2.5, 3, 4]))
    if rng.random() < 0.4:
        named = str(rng.choice(["sum", "half", "mean", "half-mean"]))
        parameters["scale"] = named if rng.random() < 0.5 else float(rng.uniform(0.1, 3))
    return make_loss(kind, **parameters)


@lru_cache(maxsize=64)
def random_certificate(seed: int) -> Certificate:
    """Draw sizes, network, loss, operator, data, form, step and schedule, and certify."""
    rng = np.random.default_rng(seed)
    m, n = _sizes(rng)
    kind = "squared" if rng.random() < 0.5 else str(rng.choice(LOSSES))
    network = _network(rng, n, seed, kind)
    inner = n if network.basis is None else network.basis.shape[1]
    if kind != "squared":
        m = min(m, inner)
    A = rng.standard_normal((m, n))
    if kind in ("cross-entropy", "poisson"):
        A = np.abs(A) / np.abs(A).sum(axis=1, keepdims=True)
    elif rng.random() < 0.3:
        A = A * 10.0 ** rng.integers(-3, 4)
    elif rng.random() < 0.2 and m <= n:
        A = np.eye(n)[rng.permutation(n)[:m]]
    signal = network.output()
    y = _data(rng, kind, A @ signal, float(np.linalg.norm(A, 2)))
    x_true = signal + 10.0 ** rng.uniform(-6, 0) * rng.standard_normal(n) if rng.random() < 0.5 else None
    stated = float(rng.uniform(1e-6, 1)) if x_true is None and rng.random() < 0.3 else None
    problem = InverseProblem(A, y, x_true, stated)
    operator, loss = bound_operator_of(problem, network), _loss(rng, kind)
    forms = ["best", "best", "concave", "integral", "paper"] + (["residual"] if kind == "squared" else [])
    schedule = make_schedule(str(rng.choice(["constant", "constant", "polynomial", "cosine", "backtracking"])))
    return certify_at(
        problem,
        network,
        loss,
        operator,
        Step(None, float(rng.uniform(0.1, 1))),
        form=str(rng.choice(forms)),
        arithmetic="proved" if rng.random() < 0.95 else "estimated",
        iteration=int(rng.integers(0, 5)),
        schedule=schedule,
        recovery=Recovery(problem, network, operator, loss),
    )


def written(seed: int, folder: Path) -> tuple[Certificate, Path]:
    """Write the certificate of a seed; return it and its path."""
    certificate = random_certificate(seed)
    return certificate, save(certificate, folder)
