"""Draws of a two-layer network at initialisation, for the statistical checks of the width bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.stats import beta

from dipproofs.tables.cells import WidthCell

ACTIVATION = np.tanh


def slope(a: np.ndarray) -> np.ndarray:
    """φ' of tanh."""
    return 1 - np.tanh(a) ** 2


@dataclass(frozen=True)
class Draw:
    """One draw: a = Wu, the rows that V has in an orthonormal basis of Im(Aᵀ), V itself and A g_0."""

    a: np.ndarray
    projected: np.ndarray
    V: np.ndarray
    prediction: np.ndarray


def cell(**changes: object) -> WidthCell:
    """A small cell: n = 10, m = 5, κ = 2, squared loss, tanh, concave at q = 1, δ = 0.1."""
    values: dict[str, object] = {
        "n": 10,
        "m": 5,
        "d": 5,
        "kappa": Fraction(2),
        "y_norm": None,
        "noise": Fraction(0),
        "loss": "squared",
        "form": "concave",
        "q": Fraction(1),
        "delta": Fraction(1, 10),
        "train": "both",
        "activation": "tanh",
        "law": "rademacher",
        "profile": "auto",
        "bound": "block",
    }
    return WidthCell(**(values | changes))  # type: ignore[arg-type]


def entries(law: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Entries of V: variance 1."""
    if law == "rademacher":
        return random.integers(0, 2, shape) * 2.0 - 1
    if law == "uniform":
        return random.uniform(-np.sqrt(3), np.sqrt(3), shape)
    return random.standard_normal(shape)


def operator(c: WidthCell, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A with linear singular values from 1 to 1/κ, and an orthonormal basis (r×n) of Im(Aᵀ)."""
    left, _ = np.linalg.qr(random.standard_normal((c.m, c.m)))
    right, _ = np.linalg.qr(random.standard_normal((c.n, c.n)))
    values = np.linspace(1, 1 / float(c.kappa), c.rank)
    return left[:, : c.rank] * values @ right[: c.rank], right[: c.rank]


def draws(c: WidthCell, k: int, count: int, seed: int) -> Iterator[Draw]:
    """Draw networks of width k; the operator is the same for all of them."""
    random = np.random.default_rng(seed)
    A, basis = operator(c, random)
    for _ in range(count):
        a = random.standard_normal(k)
        V = entries(c.law, (c.n, k), random)
        yield Draw(a, basis @ V, V, A @ (V @ ACTIVATION(a)) / np.sqrt(k))


def data(c: WidthCell, seed: int) -> np.ndarray:
    """An observation with ‖y‖ = ‖A‖_F."""
    random = np.random.default_rng(seed)
    A, _ = operator(c, random)
    y = random.standard_normal(c.m)
    return y * np.linalg.norm(A) / np.linalg.norm(y)


def success_at_least(successes: int, count: int, confidence: float = 0.99) -> float:
    """Clopper–Pearson lower bound of a probability of success."""
    return 0.0 if successes == 0 else float(beta.ppf(1 - confidence, successes, count - successes + 1))


def success_at_most(successes: int, count: int, confidence: float = 0.99) -> float:
    """Clopper–Pearson upper bound."""
    return 1.0 if successes == count else float(beta.ppf(confidence, successes + 1, count - successes))
