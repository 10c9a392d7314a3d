"""Certificates that the tests of the report share; each is made once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from rich.cells import cell_len

from dipproofs.certificate.record import Certificate, Check
from dipproofs.certify.api import certify
from dipproofs.certify.api import check as check_conditions
from dipproofs.enclosures import Verdict
from dipproofs.losses import make_loss
from dipproofs.networks import TwoLayer
from dipproofs.problems import InverseProblem

SHAPE = (4, 4)


def fits_on_a_screen(text: str) -> None:
    """Assert at most 20 lines of 80 columns: the claims in their order, the files, after them the verdict."""
    lines = text.splitlines()
    assert len(lines) <= 20 and max(map(cell_len, lines)) <= 80
    first = [line.split()[0] for line in lines]
    claims = ["Signal", "Convergence", "Existence"]
    assert [word for word in first if word in claims] == claims
    assert first.index("Files") < next(i for i, line in enumerate(lines) if line[:2] in ("✓ ", "✗ ", "? "))


@cache
def small() -> tuple[InverseProblem, TwoLayer]:
    """Three observations of six unknowns, well conditioned."""
    rng = np.random.default_rng(0)
    A, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    return InverseProblem(A[:3], 0.3 * rng.standard_normal(3)), TwoLayer.init(n=6, width=128, input_dimension=3, seed=0)


@cache
def picture() -> tuple[InverseProblem, TwoLayer]:
    """Twelve of sixteen pixels, with noise, and a generator with four atoms."""
    rng = np.random.default_rng(1)
    x = np.linspace(0, 1, 16)
    A = np.eye(16)[np.sort(rng.choice(16, 12, replace=False))]
    y = A @ x + 0.01 * rng.standard_normal(12)
    basis, _ = np.linalg.qr(np.vander(x, 4))
    network = TwoLayer.init(n=4, width=64, input_dimension=3, seed=1, basis=basis)
    return InverseProblem(A, y, x, image_shape=SHAPE), network


_OPTIONS: dict[str, dict[str, Any]] = {
    "proved": {},
    "concave": {"form": "concave"},
    "log-cosh": {"loss": "log-cosh", "max_iterations": 3000},
    "lp": {"loss": "lp", "max_iterations": 400},
    "polynomial": {"schedule": "polynomial", "max_iterations": 400},
    "estimated": {"arithmetic": "estimated"},
}
NAMES = (*_OPTIONS, "picture", "single", "failed", "diverged")


@cache
def case(name: str) -> Certificate:
    """Return the certificate of that name."""
    if name == "picture":
        problem, network = picture()
        return certify(problem, network, origin={"signal": {"kind": "image", "shape": list(SHAPE)}})
    problem, network = small()
    if name == "single":
        return replace(case("proved"), run=None, final=None)
    if name == "failed":
        run = case("proved").run
        return replace(initial_check().forms["paper"], run=replace(run, iterations=0, stopped="max_iterations"))
    if name == "diverged":
        return diverged(case("failed"))
    options = dict(_OPTIONS[name])
    kind = options.pop("loss", None)
    loss = None if kind is None else make_loss(kind, **({"p": 4.0} if kind == "lp" else {}))
    return certify(problem, network, loss, **options)


def diverged(cert: Certificate) -> Certificate:
    """Give a certificate a run whose loss overflows."""
    steps = np.arange(30.0)
    history = replace(
        cert.run.history, loss=10.0 ** (10 * steps), path_length=10.0 ** (5 * steps), gradient_norm=steps,
        distance=10.0 ** (5 * steps), distance_iteration=np.arange(30),
    )  # fmt: skip
    history.loss[-1] = np.inf
    run = replace(cert.run, history=history, iterations=29, stopped="not finite", reason="the loss overflowed")
    return replace(cert, run=run, final=None, verdict=Verdict.REFUTED)


@cache
def initial_check() -> Check:
    """Conditions of every form at initialisation, with widths."""
    problem, network = small()
    return check_conditions(problem, network, widths=False)
