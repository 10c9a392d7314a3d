"""Random inverse problems with known signal, certified, and their descent followed iterate by iterate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

import dipproofs as dp
from dipproofs.certify import Certificate, certify
from dipproofs.descent import make_schedule
from dipproofs.losses import Loss
from dipproofs.theory import symbols as s

#: (m, n, r); r = 0: no basis. Few shapes, so that JAX compiles few programs.
SHAPES = ((6, 8, 4), (5, 8, 5), (7, 5, 0), (5, 5, 0))
WIDTH, STEPS = 256, 1200


@dataclass(frozen=True)
class Drawn:
    """A random problem.

    Args:
        A: (m, n) with condition number at most 5. B: (n, r) not orthonormal, or None. x: (n,) signal. noise: (m,).
        offset: constant added to the generator's output.
    """

    A: np.ndarray
    B: np.ndarray | None
    x: np.ndarray
    noise: np.ndarray
    offset: float = 0.0

    @property
    def y(self) -> np.ndarray:
        """The data."""
        return self.A @ self.x + self.noise


def draw(seed: int, shape: tuple[int, int, int], level: float) -> Drawn:
    """Draw a problem; the signal has a part outside Im B."""
    rng = np.random.default_rng(seed)
    m, n, r = shape
    left = np.linalg.qr(rng.standard_normal((m, min(m, n))))[0]
    right = np.linalg.qr(rng.standard_normal((n, min(m, n))))[0]
    A = left @ np.diag(np.linspace(1.0, 1 / rng.uniform(1, 5), min(m, n))) @ right.T
    # partly along Im(Aᵀ), so that AB is well conditioned even for r = m; neither orthonormal nor of unit columns
    B = (2 * right[:, :r] + 0.3 * rng.standard_normal((n, r))) @ np.diag(rng.uniform(0.5, 1.5, r)) if r else None
    x = rng.standard_normal(n) if B is None else B @ rng.standard_normal(r) * 0.5 + 0.2 * rng.standard_normal(n)
    noise = rng.standard_normal(m)
    noise *= level * np.linalg.norm(A @ x) / np.linalg.norm(noise)
    return Drawn(A, B, x, noise, 0.3 if seed % 3 == 0 else 0.0)


def certified(
    drawn: Drawn, seed: int, *, known: bool = True, noise: float | None = None, **options: Any
) -> Certificate:
    """Certify a drawn problem; ``known`` tells whether x̄ is given, ``noise`` states ‖ε‖."""
    problem = dp.InverseProblem(drawn.A, drawn.y, drawn.x if known else None, noise)
    outputs = drawn.A.shape[1] if drawn.B is None else drawn.B.shape[1]
    network = dp.TwoLayer.init(
        n=outputs, width=WIDTH, input_dimension=3, seed=seed, basis=drawn.B, output_offset=drawn.offset
    )
    return certify(problem, network, max_iterations=4000, **options)


def follow(certificate: Certificate, steps: int = STEPS) -> Iterator[tuple[np.ndarray, float]]:
    """Yield x_τ and ψ(f_τ) along the descent from the certified iterate (Πy for y where r < m)."""
    schedule = make_schedule(
        certificate.schedule["kind"], **{k: v for k, v in certificate.schedule.items() if k != "kind"}
    )
    first = certificate.iteration
    loss = Loss.from_json(certificate.loss)
    arrays = certificate.arrays
    A, y, u, W, V = (arrays[name].astype(np.float64) for name in ("A", "y", "u", "W", "V"))
    B = arrays.get("B", np.eye(A.shape[1]))
    offset, gamma = certificate.network["output_offset"], certificate.quantities["gamma"]
    assert gamma is not None
    AB, root = A @ B, np.sqrt(V.shape[1])
    if AB.shape[1] < AB.shape[0]:
        shift = A @ np.full(A.shape[1], offset)
        y = shift + AB @ np.linalg.pinv(AB) @ (y - shift)
    start = certificate.quantities["loss_0"]
    assert start is not None
    psi = sp.lambdify(s.e, loss.psi.subs({x: b.mid for x, b in loss.constants(y, start).items()}), "numpy")
    for tau in range(steps + 1):
        step = gamma.upper * schedule.factor(first + tau) / schedule.factor(first)
        phi = np.tanh(W @ u)
        x = B @ (V @ phi) / root + offset
        v = A @ x
        yield x, float(psi(max(float(loss.value(np, v, y)), 1e-300)))
        back = AB.T @ np.asarray(loss.gradient(np, v, y)) / root
        V, W = V - step * np.outer(back, phi), W - step * np.outer((V.T @ back) * (1 - phi**2), u)
