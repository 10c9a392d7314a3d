"""Random problems and networks of the experiments: Gaussian A, x̄ and networks as in docs/theory.md §6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.networks import TwoLayer
from dipproofs.operators.gaussian import gaussian_matrix
from dipproofs.problems import InverseProblem
from dipproofs.sweeps.store import derived_seed


@dataclass(frozen=True)
class Size:
    """Sizes of a random instance.

    Args:
        n, m: signal and observation. k: width. d: input dimension.
        kappa: condition number of A (singular values spaced linearly from 1 to 1/κ); None: entries N(0, 1/m).
        train, activation: of the network.
    """

    n: int
    m: int
    k: int
    train: str = "both"
    kappa: float | None = 3.0
    activation: str = "tanh"
    d: int = 5


def random_instance(size: Size, seed: int) -> tuple[InverseProblem, TwoLayer]:
    """Draw A, x̄ ~ N(0, I) and a network; the same problem for every width and train mode at equal seed."""
    draw = derived_seed(seed, "problem", size.n, size.m, size.kappa)
    kappa = size.kappa if min(size.n, size.m) > 1 else 1.0
    A = gaussian_matrix(size.m, size.n, kappa, draw)
    x_true = np.random.default_rng(draw + 1).standard_normal(size.n)
    return InverseProblem(A, A @ x_true, x_true=x_true), random_network(size, seed)


def random_network(size: Size, seed: int, **options: Any) -> TwoLayer:
    """Draw the network of an instance."""
    draw = derived_seed(seed, "network", size.n, size.k)
    return TwoLayer.init(size.n, size.k, size.d, size.activation, size.train, draw, **options)
