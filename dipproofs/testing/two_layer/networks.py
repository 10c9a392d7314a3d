"""Two-layer networks: small, readable ones and random ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from dipproofs.networks import TwoLayer
from dipproofs.theory import ACTIVATIONS
from dipproofs.theory.architectures.two_layer import TRAIN_MODES

_OUTER_LAWS = ("rademacher", "uniform", "gaussian")


def activations() -> SearchStrategy[str]:
    """Names of activations; shrinks to ``"tanh"``."""
    return st.sampled_from(("tanh", *(name for name in ACTIVATIONS if name != "tanh")))


def train_modes() -> SearchStrategy[str]:
    """Which layers are trained; shrinks to ``"both"``."""
    return st.sampled_from(TRAIN_MODES)


def widths(least: int = 1, largest: int = 24) -> SearchStrategy[int]:
    """Numbers of hidden units; shrinks to ``least``."""
    return st.integers(least, max(least, largest))


def input_vectors(largest: int = 3) -> SearchStrategy[np.ndarray]:
    """Network inputs u (d,) of norm 1 up to rounding; shrinks to ``[1.]``."""
    simple = st.sampled_from(([1.0], [0.6, 0.8], [0.0, 1.0, 0.0], [2 / 3, -2 / 3, 1 / 3]))
    random = st.builds(_unit, st.integers(1, largest), st.integers(0, 2**16))
    return st.one_of(simple.map(np.array), random)


def _unit(size: int, seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(size)
    return np.asarray(vector / np.linalg.norm(vector))


@st.composite
def networks(
    draw: st.DrawFn,
    n: int,
    *,
    width: SearchStrategy[int] | None = None,
    activation: SearchStrategy[str] | None = None,
    train: SearchStrategy[str] | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
    dtypes: tuple[str, ...] = ("float64", "float32"),
) -> TwoLayer:
    """Two-layer networks with n outputs.

    Args:
        n: number of outputs.
        width: strategy of k; by default wide enough for the inner layer alone to be injective (k ≥ 2n).
        activation, train: strategies of names.
        scale: factor of the outer layer.
        offset: constant added to the output.
        dtypes: number formats to draw from.

    Returns:
        Strategy of `TwoLayer`; entries of W and V are multiples of 1/8 in the simplest case. Shrinks to d = 1,
        the least width, tanh, both layers trained, seed 0.
    """
    mode = draw(train if train is not None else train_modes())
    k = draw(width if width is not None else widths(1 if mode != "inner" else 2 * n, 24))
    u = draw(input_vectors())
    seed = draw(st.integers(0, 2**16))
    law = draw(st.sampled_from(_OUTER_LAWS))
    drawn = TwoLayer.init(n, k, u.size, draw(activation or activations()), mode, seed, outer_law=law)
    W, V = drawn.W, drawn.V * scale
    if draw(st.booleans()):
        W, V = np.round(W * 8) / 8, np.round(V * 64) / 64
        W = np.where(W == 0, 0.125, W)  # a unit that is off would be invisible for odd activations
    dtype = draw(st.sampled_from(dtypes))
    u, W, V = (array.astype(dtype) for array in (u, W, V))
    return TwoLayer(u, W, V, activation=drawn.activation, train=mode, output_offset=offset)
