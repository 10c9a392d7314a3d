"""Atoms of synthesis generators, through to the certificate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.certify import certify
from dipproofs.problems.bases import BASES, make_basis
from dipproofs.recovery.restricted import on_subspace, orthonormal_frame

SHAPE, N = (8, 8), 64
IMAGES = np.random.default_rng(4).standard_normal((12, 8, 8))


def atoms(kind: str, count: int = 8) -> np.ndarray:
    return make_basis(kind, SHAPE, count, images=IMAGES if kind == "pca" else None)


@pytest.mark.parametrize("kind", BASES)
def test_atoms_are_nearly_orthonormal_and_enclosed(kind: str) -> None:
    B = atoms(kind)
    assert np.allclose(B.T @ B, np.eye(8), atol=1e-12)
    frame = orthonormal_frame(B)
    assert frame is not None and abs(frame.largest_singular_value - 1).upper < 1e-6


@pytest.mark.parametrize("kind", [kind for kind in BASES if kind != "piecewise-constant"])
def test_more_atoms_only_add(kind: str) -> None:
    assert np.allclose(atoms(kind, 8), atoms(kind, 12)[:, :8])


@pytest.mark.parametrize("kind", [*BASES, "file"])
def test_every_basis_is_certified(kind: str) -> None:
    """A certificate with AB in place of A; "file" stands for atoms that are not orthonormal."""
    rng = np.random.default_rng(0)
    B = atoms(kind) if kind != "file" else rng.standard_normal((N, 8)) / 8
    A = np.eye(N)[rng.permutation(N)[:40]]
    x = B @ rng.standard_normal(8) + 0.01 * rng.standard_normal(N)
    problem = dp.InverseProblem(A, A @ x, x)
    network = dp.TwoLayer.init(n=8, width=256, input_dimension=4, seed=1, basis=B)
    certificate = certify(problem, network, max_iterations=2000)
    entry: Any = certificate.guarantees.extra["recovery"]
    assert certificate.proved, certificate.hypotheses
    assert entry["true_error"].upper <= entry["sharp"]["error"].upper <= certificate.guarantees.recovery_error.upper
    found = on_subspace(A, B)
    assert found.constant is not None and found.constant.relative_width < 1e-6


def test_dependent_atoms_are_not_proved_independent() -> None:
    B = np.ones((4, 2))
    assert orthonormal_frame(B) is None
    assert str(on_subspace(np.eye(4), B).verdict) == "undecided"
