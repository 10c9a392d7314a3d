"""Losses along whole runs: certified, verified a second time, and below the guaranteed envelope all the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.certificate.record import Certificate
from dipproofs.certificate.write import save
from dipproofs.certify.api import certify
from dipproofs.enclosures import Bound
from dipproofs.losses import Loss, envelope, make_loss
from dipproofs.theory.symbols import loss_curvature
from dipproofs.verify import verify

LOSSES: list[Loss] = [
    make_loss("squared", scale="mean"),
    make_loss("log-cosh"),
    make_loss("huber", delta=0.25),
    make_loss("lp", p=2.5),
    make_loss("norm-power", p=3.0),
    make_loss("cross-entropy"),
    make_loss("poisson"),
    make_loss("poisson", background=0.25),
    make_loss("logit-cross-entropy"),
    Loss.custom("sqrt(1 + r**2) - 1"),
    Loss.custom("r**2/2 + r**4/8"),
]


def start(loss: Loss, n: int, width: int) -> dp.TwoLayer:
    """A network whose output begins inside the domain of the loss."""
    limited = loss.domain != "every entry of A g(u,θ) is real"
    network = dp.TwoLayer.init(
        n=n, width=width, input_dimension=3, activation="tanh", train="both", seed=3, output_offset=0.5 * limited
    )
    return replace(network, V=network.V * 0.125) if limited else network


def gaussian() -> dp.InverseProblem:
    """Four observations through a well-conditioned operator whose rows sum to 1."""
    rng = np.random.default_rng(1)
    A = np.eye(4) + 0.1 * rng.normal(size=(4, 4))
    A /= A.sum(axis=1, keepdims=True)
    return dp.InverseProblem(A, rng.uniform(0.3, 0.7, size=4))


def image() -> dp.InverseProblem:
    """Half of the pixels of a smooth 4×4 image."""
    rows, columns = np.meshgrid(np.linspace(-1, 1, 4), np.linspace(-1, 1, 4))
    picture = 0.5 + 0.2 * np.cos(2 * rows) * columns
    known = np.sort(np.random.default_rng(2).permutation(16)[:8])
    return dp.InverseProblem(np.eye(16)[known], picture.ravel()[known], image_shape=(4, 4))


@cache
def certified(key: str) -> tuple[dp.InverseProblem, Certificate]:
    """Certify the run of a case, once."""
    loss, make = CASES[key]
    problem = make()
    certificate = certify(
        problem, start(loss, problem.operator.shape[1], 64), loss=loss, form="concave", max_iterations=4000,
        tolerance=1e-10,
    )  # fmt: skip
    return problem, certificate


CASES: dict[str, tuple[Loss, Callable[[], dp.InverseProblem]]] = {
    f"{k}-{loss.kind}-{make.__name__}": (loss, make) for make in (gaussian, image) for k, loss in enumerate(LOSSES)
}


@pytest.mark.parametrize("key", CASES)
def test_below_the_envelope_all_the_way(key: str) -> None:
    """A proved certificate, and the loss of every later iterate is below Ψ⁻¹(Ψ(f_t) + τγκ̃F²)."""
    loss, _ = CASES[key]
    problem, certificate = certified(key)
    assert certificate.proved, [(h.id, h.reason) for h in certificate.hypotheses]
    history, first = certificate.run.history.loss, certificate.iteration
    exponent = certificate.guarantees.rate_exponent
    begin = certificate.quantities["loss_0"]
    constants = loss.constants(problem.y, begin)
    measured = history[first:]
    assert measured.size > 10
    picked = np.unique(np.geomspace(1, measured.size - 1, 60).astype(int))
    bounds = envelope(loss, begin, exponent, picked.tolist(), constants)
    # rounding of the run: v is off by a few units in the last place, so L by about ‖∇L‖·that
    shaken = 256 * np.finfo(float).eps * math.sqrt(problem.y.size)
    slope = np.sqrt(2 * constants[loss_curvature].upper * measured[picked])
    assert (measured[picked] <= bounds + shaken * slope + 1e-25).all()
    half = envelope(loss, begin, Bound.exact(exponent.lower * 40), picked.tolist(), constants)
    assert (measured[picked] > half).any(), "a rate 40 times too fast is caught"
    for target, count in certificate.guarantees.iterations_to_loss.items():
        if count is not None and first + count < history.size:
            assert history[first + count] <= float(target) * (1 + 1e-6)


@pytest.mark.parametrize("key", [key for key in CASES if "custom" not in key])
def test_the_verifier_accepts(key: str, tmp_path: Path) -> None:
    """The second opinion recomputes ψ, G and Λ from the theory's objects and agrees."""
    _, certificate = certified(key)
    found = verify(save(certificate, tmp_path))
    assert found, found.findings


def test_a_step_out_of_the_domain_ends_the_run() -> None:
    """A step far too large leaves the domain: the run says so and nothing is proved."""
    loss = make_loss("poisson")
    problem = gaussian()
    certificate = certify(problem, start(loss, 4, 64), loss=loss, step=500.0, max_iterations=50)
    assert not certificate.proved
    assert "domain" in certificate.run.reason
