"""The two ways to apply the adjoint of a convolution agree: products with the turned kernel, and tap by tap."""

from __future__ import annotations

import numpy as np
import pytest

from dipproofs.graph.node import Node
from dipproofs.networks.graph_network.nodes import adjoint_conv


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_correlating_and_spreading_agree(axes: int) -> None:
    rng, compared = np.random.default_rng(axes), 0
    for _ in range(40):
        groups = int(rng.integers(1, 3))
        channels, outputs = (groups * int(count) for count in rng.integers(1, 4, 2))
        taps, steps = rng.integers(1, 4, axes).tolist(), rng.integers(1, 3, axes).tolist()
        space, padding = rng.integers(3, 7, axes).tolist(), rng.integers(-1, 4, (axes, 2)).tolist()
        positions = [n + lo + hi - d * (k - 1) for n, (lo, hi), k, d in zip(space, padding, taps, steps)]
        if min(positions) < 1:
            continue
        attributes = {"stride": (1,) * axes, "padding": tuple(map(tuple, padding)), "dilation": tuple(steps)}
        node = Node("conv", (0, 1), (outputs, *positions), attributes | {"groups": groups, "transposed": False})
        w = rng.standard_normal((outputs, channels // groups, *taps))
        cotangents = rng.standard_normal((3, outputs, *positions))
        ways = [way(node, tuple(space), w, cotangents) for way in (adjoint_conv._correlated, adjoint_conv._spread)]
        assert ways[0].shape == (3, channels, *space)
        np.testing.assert_allclose(ways[0], ways[1], atol=1e-12)
        compared += 1
    assert compared >= 20
