"""Forward operators of full rank: any shape, any spectrum."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

#: Ratios ‖A‖/σ_A that are drawn, from flat to ill-conditioned.
CONDITION_NUMBERS = (1.0, 2.0, 3.0, 10.0, 100.0, 1e4, 1e6)


def spectra(rank: int, largest_condition: float = 1e6) -> SearchStrategy[np.ndarray]:
    """Singular values, in descending order, the largest 1: flat, linear, repeated or geometric.

    Args:
        rank: how many.
        largest_condition: κ is at most this.

    Returns:
        Strategy of (rank,) arrays; shrinks to all ones.
    """
    shape = st.sampled_from(("flat", "linear", "repeated", "geometric"))
    allowed = [kappa for kappa in CONDITION_NUMBERS if kappa <= largest_condition] or [1.0]
    return st.builds(_spectrum, st.just(rank), shape, st.sampled_from(allowed))


def _spectrum(rank: int, shape: str, kappa: float) -> np.ndarray:
    if shape == "flat" or rank == 1:
        return np.ones(rank)
    if shape == "linear":
        return np.linspace(1.0, 1.0 / kappa, rank)
    if shape == "repeated":
        return np.where(np.arange(rank) < (rank + 1) // 2, 1.0, 1.0 / kappa)
    return np.geomspace(1.0, 1.0 / kappa, rank)


@st.composite
def operators(
    draw: st.DrawFn,
    rows: SearchStrategy[int] | None = None,
    columns: SearchStrategy[int] | None = None,
    largest_condition: float = 1e6,
    dtypes: tuple[str, ...] = ("float64", "float32"),
) -> np.ndarray:
    """Forward operators A (m, n) of full rank: coordinate projections, row-orthonormal, or with a drawn spectrum.

    Args:
        rows, columns: strategies of m and n; by default 1 to 5 each, so that m < n, m = n and m > n occur.
        largest_condition: κ(A) is about this at most.
        dtypes: number formats to draw from.

    Returns:
        Strategy of (m, n) arrays; shrinks to ``[[1.]]``, then to a selection of coordinates.
    """
    m = draw(rows if rows is not None else st.integers(1, 5))
    n = draw(columns if columns is not None else st.integers(1, 5))
    kind = draw(st.sampled_from(("selection", "signed selection", "orthonormal", "spectrum", "scaled")))
    rank = min(m, n)
    if kind == "selection":
        matrix = np.eye(m, n)
    elif kind == "signed selection":
        matrix = np.eye(m, n) * np.where(np.arange(m) % 2 == 0, 1.0, -1.0)[:, None]
    else:
        rng = np.random.default_rng(draw(st.integers(0, 2**16)))
        left, right = _orthogonal(rng, m)[:, :rank], _orthogonal(rng, n)[:, :rank]
        values = np.ones(rank) if kind == "orthonormal" else draw(spectra(rank, largest_condition))
        scale = draw(st.sampled_from((1.0, 0.125, 20.0))) if kind == "scaled" else 1.0
        matrix = (left * (scale * values)) @ right.T
    return matrix.astype(draw(st.sampled_from(dtypes)))


def injective_operators(
    largest: int = 5, largest_condition: float = 100.0, dtypes: tuple[str, ...] = ("float64",)
) -> SearchStrategy[np.ndarray]:
    """Operators with m ≥ n and full column rank, for which recovery of the signal itself is proved.

    Returns:
        Strategy of (m, n) arrays; shrinks to ``[[1.]]``.
    """
    sizes = st.tuples(st.integers(1, largest), st.integers(0, 2))
    return sizes.flatmap(
        lambda pair: operators(st.just(pair[0] + pair[1]), st.just(pair[0]), largest_condition, dtypes)
    )


@st.composite
def averaging_operators(draw: st.DrawFn) -> np.ndarray:
    """Positive operators with rows that sum to about 1 and m ≤ n, for losses with a limited domain.

    Returns:
        Strategy of (m, n) arrays; shrinks to ``[[1.]]``.
    """
    n = draw(st.integers(1, 5))
    m = draw(st.integers(1, n))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    matrix = np.eye(m, n) + draw(st.sampled_from((0.0, 0.25, 1.0))) * rng.uniform(0, 1, (m, n))
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def _orthogonal(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.linalg.qr(rng.standard_normal((size, size)))[0]
