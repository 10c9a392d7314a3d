"""Norms of matrices whose rows arrive in parts: of the producer and of the verifier, against singular values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dipproofs.networks.graph_network.stacked import StackedNorm
from dipproofs.verify.graph.stacked import Stacked

SHAPES = [(40, 7), (7, 40), (30, 30), (300, 80)]


def produced(x: np.ndarray, cuts: list[int]) -> float:
    stack = StackedNorm(*x.shape)
    for part in np.split(x, cuts):
        stack.add(part)
    return stack.upper()


def verified(x: np.ndarray, cuts: list[int]) -> float:
    stack = Stacked(*x.shape)
    for part in np.split(x, cuts):
        stack.add(part)
    return stack.norm()


@pytest.mark.parametrize("bound", [produced, verified])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1.0, 1e-180, 1e180])
def test_parts_give_the_norm_of_the_whole(
    bound: Callable[[np.ndarray, list[int]], float], shape: tuple[int, int], scale: float
) -> None:
    x = scale * np.random.default_rng(0).standard_normal(shape)
    true, size = np.linalg.norm(x / scale, 2) * scale, np.linalg.norm(x / scale) * scale
    loose = size * (1 + 1e-9) if scale != 1.0 else true * 1.08  # beyond the range of squares: Frobenius
    for cuts in ([], [3], [2, 3, 5]):
        assert true * (1 - 1e-12) <= bound(x, cuts) <= loose


@pytest.mark.parametrize("bound", [produced, verified])
def test_what_cannot_be_known_is_infinite_and_nothing_is_zero(
    bound: Callable[[np.ndarray, list[int]], float],
) -> None:
    x = np.ones((6, 2))
    assert bound(0 * x, [3]) <= 1e-100
    x[4, 1] = np.inf
    assert bound(x, [3]) == np.inf
    assert StackedNorm(0, 3).upper() == 0.0


def test_parts_of_one_direction_do_not_add_as_different_ones_do() -> None:
    """The root of the sum of the parts' squares is √10 too large where each part has a direction of its own."""
    x = np.kron(np.eye(10), np.ones((4, 1)))
    cuts = list(range(4, 40, 4))
    for bound in (produced, verified):
        assert 2 <= bound(x, cuts) < 2.1
