"""The ready-made networks: options that change the answer, determinism, files, refusals."""

from __future__ import annotations

from inspect import unwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.errors import InputError

SHAPE = (9, 8)
NETWORKS: dict[str, Any] = {
    "Convolutional": dp.Convolutional,
    "Decoder": dp.Decoder,
    "Skip": dp.Skip,
    "MLP": dp.MLP,
    "SIREN": dp.SIREN,
}
OTHER: dict[str, Any] = {
    "channels": 5,
    "depth": 2,
    "scales": 1,
    "skip_channels": 0,
    "kernel": 5,
    "activation": "tanh",
    "normalise": "none",
    "upsample": "nearest",
    "output": "none",
    "input_channels": 3,
    "width": 7,
    "fourier_features": 5,
    "omega": 5.0,
    "seed": 4,
}
KEYS = {name: sorted(set(unwrap(network.init).__kwdefaults__)) for name, network in NETWORKS.items()}
CASES = [(name, key) for name, keys in KEYS.items() for key in keys]


def test_every_option_is_tried() -> None:
    assert {key for _, key in CASES} == set(OTHER)


@pytest.mark.parametrize(("name", "key"), CASES)
def test_every_option_changes_the_network(name: str, key: str) -> None:
    usual, other = NETWORKS[name].init(SHAPE), NETWORKS[name].init(SHAPE, **{key: OTHER[key]})
    assert other.output_shape == SHAPE and np.isfinite(other.output()).all()
    assert usual.output_shape == SHAPE and usual.output().std() > 1e-3
    assert np.abs(usual.output() - other.output()).max() > 1e-3


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_reproducible_and_saved(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name].init(SHAPE)
    again = dp.GraphNetwork.load(network.save(tmp_path / "network.json"))
    assert again.graph.fingerprint == NETWORKS[name].init(SHAPE).graph.fingerprint
    assert np.array_equal(again.output(), network.output())
    moved = network.with_parameters({key: value + 0.1 for key, value in network.parameters().items()})
    assert not np.array_equal(moved.output(), network.output())
    assert set(network.arrays()) >= {f"theta/{key}" for key in network.parameters()}
    assert sum(value.size for value in network.parameters().values()) == network.parameter_count


@pytest.mark.parametrize("shape", [(7,), (5, 4, 6)])
@pytest.mark.parametrize("name", NETWORKS)
def test_other_numbers_of_axes(name: str, shape: tuple[int, ...]) -> None:
    assert NETWORKS[name].init(shape).output_shape == shape


@pytest.mark.parametrize("activation", ["swish", "leaky-relu", "relu", "elu", "gelu-tanh", "hardtanh"])
def test_activations(activation: str) -> None:
    assert np.isfinite(dp.Skip.init(SHAPE, activation=activation, scales=1).output()).all()


BAD = [
    ("Skip", {"scales": 5}, "fewer scales"),
    ("Skip", {"channels": 0}, "network.channels"),
    ("Skip", {"kernel": 2.5}, "network.kernel"),
    ("Skip", {"activation": "log"}, "network.activation"),
    ("Skip", {"upsample": "cubic"}, "network.upsample"),
    ("MLP", {"fourier_features": -1}, "network.fourier_features"),
    ("SIREN", {"omega": 0.0}, "network.omega"),
    ("SIREN", {"omega": float("nan")}, "network.omega"),
    ("SIREN", {"output": "tanh"}, "network.output"),
    ("Decoder", {"normalise": "batch"}, "network.normalise"),
    ("Convolutional", {"seed": -1}, "network.seed"),
]


@pytest.mark.parametrize(("name", "options", "words"), BAD)
def test_bad_options_are_refused(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        NETWORKS[name].init(SHAPE, **options)


def test_bad_shapes_are_refused() -> None:
    for shape in ((0, 3), (2, 2, 2, 2), "ab", (2.5, 3)):
        with pytest.raises(InputError, match="image_shape"):
            dp.SIREN.init(shape)
