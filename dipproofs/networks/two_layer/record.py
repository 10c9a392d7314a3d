"""What a stored two-layer network is, from its description and arrays in a certificate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dipproofs.networks.two_layer.network import TRAINED, TwoLayer

_LAYERS = {"both": "both layers", "inner": "the inner layer", "outer": "the outer layer"}


def output(described: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return g(u, θ), (n,), in floats."""
    made = TwoLayer(
        arrays["u"],
        arrays["W"],
        arrays["V"],
        activation=described["activation"],
        train=described["train"],
        basis=arrays.get("B"),
        output_offset=described.get("output_offset", 0.0),
    )
    return made.output()


def trained(described: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Return the keys of the trained arrays that are stored."""
    return [name for name in TRAINED.get(str(described.get("train")), ()) if name in arrays]


def sentence(described: Mapping[str, Any]) -> str:
    """Say in words what the network is."""
    train = described.get("train")
    return (
        f"{described.get('kind', 'two-layer')} network, width {described.get('width', '?')}, "
        f"{described.get('activation', '?')}, {_LAYERS.get(str(train), train)} trained"
    )
