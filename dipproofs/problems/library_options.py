"""Keys of `[network]` for the networks of the library and for graphs from a file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from dipproofs.arguments.schema import Rule, choice, integer, nearest, number, rule_field, seed, show, text
from dipproofs.arguments.setting import Setting
from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator
from dipproofs.problems.network_base import NetworkOptions
from dipproofs.theory.elementary import ALIASES, KINKED_ACTIVATIONS, SMOOTH_ACTIVATIONS

ACTIVATIONS = (*SMOOTH_ACTIVATIONS, *KINKED_ACTIVATIONS)


def _activation(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    name = ALIASES.get(value, value)
    if name not in ACTIVATIONS:
        expected = f"expected one of {', '.join(ACTIVATIONS)}{nearest(value, ACTIVATIONS)}"
        raise InputError(f"network.activation: found {show(value)}, {expected}")
    return value


def activation() -> Any:
    """The name of an activation, smooth or with a kink."""
    return rule_field(Rule("the name of an activation, such as silu", _activation), "silu")


@dataclass(frozen=True, kw_only=True)
class LibraryOptions(NetworkOptions):
    """Keys of every network of the library.

    Args:
        output: what follows the last layer.
        seed: of the initial parameters and of the fixed random input.
    """

    network: ClassVar[str] = ""

    output: str = choice("sigmoid", options=("sigmoid", "none"))
    seed: int = seed(3)

    def build(self, setting: Setting, operator: Operator) -> Any:
        """Initialise the network for images of the problem's shape."""
        from dipproofs.networks import library

        shape = operator.domain_shape or setting.image_shape(operator.columns)
        made = getattr(library, self.network).init(shape, **self.to_json())
        return made.with_parameters({k: v.astype(setting.dtype) for k, v in made.parameters().items()})


@dataclass(frozen=True, kw_only=True)
class LayersOptions(LibraryOptions):
    """Keys of networks of convolutions on a fixed random input.

    Args:
        channels: of the hidden layers.
        kernel: size of the convolutions.
        activation: after every hidden layer. Smooth ones are advised: a unit of one with a kink may lock there.
        normalise: "instance" (over the pixels of each channel, with trained factor and offset) or "none".
        input_channels: of the fixed random input.
    """

    channels: int = integer(16, minimum=1, maximum=4096)
    kernel: int = integer(3, minimum=1, maximum=63)
    activation: str = activation()
    normalise: str = choice("instance", options=("instance", "none"))
    input_channels: int = integer(8, minimum=1, maximum=4096)


@dataclass(frozen=True, kw_only=True)
class ConvolutionalOptions(LayersOptions):
    """`kind = "convolutional"`: convolutions one after the other, on a fixed random input of the image's size.

    Args:
        depth: number of convolutions.
    """

    network: ClassVar[str] = "Convolutional"

    depth: int = integer(3, minimum=1, maximum=1000)


@dataclass(frozen=True, kw_only=True)
class DecoderOptions(LayersOptions):
    """`kind = "decoder"`: from a small random input up to the image (deep decoder).

    Args:
        kernel: size of the convolutions; 1 is the original deep decoder.
        scales: number of upsamplings by 2.
        upsample: how images are enlarged.
    """

    network: ClassVar[str] = "Decoder"

    scales: int = integer(2, minimum=1, maximum=16)
    upsample: str = choice("bilinear", options=("bilinear", "nearest"))


@dataclass(frozen=True, kw_only=True)
class SkipOptions(DecoderOptions):
    """`kind = "skip"`: encoder and decoder joined at every scale, as in the deep image prior.

    Args:
        kernel: size of the convolutions.
        scales: number of halvings.
        skip_channels: of the connection at each scale; 0 for none.
    """

    network: ClassVar[str] = "Skip"

    skip_channels: int = integer(4, minimum=0, maximum=4096)


@dataclass(frozen=True, kw_only=True)
class CoordinateOptions(LibraryOptions):
    """Keys of functions of the pixel's coordinates.

    Args:
        width: of the hidden layers.
        depth: number of hidden layers.
    """

    width: int = integer(64, minimum=1, maximum=100_000)
    depth: int = integer(4, minimum=1, maximum=1000)


@dataclass(frozen=True, kw_only=True)
class SirenOptions(CoordinateOptions):
    """`kind = "siren"`: sines of the pixel's coordinates, layer after layer.

    Args:
        omega: ω₀, the factor of every sine's argument: the smaller, the smoother the images.
    """

    network: ClassVar[str] = "SIREN"

    omega: float = number(30.0, above=0.0)


@dataclass(frozen=True, kw_only=True)
class MlpOptions(CoordinateOptions):
    """`kind = "mlp"`: a multilayer perceptron of random Fourier features of the pixel's coordinates.

    Args:
        activation: after every hidden layer. Smooth ones are advised: a unit of one with a kink may lock there.
        fourier_features: number of random frequencies; 0 for the coordinates themselves.
    """

    network: ClassVar[str] = "MLP"

    activation: str = activation()
    fourier_features: int = integer(64, minimum=0, maximum=100_000)


@dataclass(frozen=True, kw_only=True)
class GraphOptions(NetworkOptions):
    """`kind = "graph"`: a network as `network.save(path)` writes it.

    Args:
        path: the JSON file, relative to the problem file; the `.npz` that it names lies beside it.
    """

    path: str = text(expected='the path of a JSON file, such as "network.json"')

    def build(self, setting: Setting, operator: Operator) -> Any:
        """Read the network; it has to have as many outputs as the operator has columns."""
        from dipproofs.networks import GraphNetwork

        network = GraphNetwork.load(setting.directory / self.path)
        if math.prod(network.output_shape) != operator.columns:
            raise InputError(
                f"{self.path}: found {network.n} outputs {network.output_shape}, expected {operator.columns}, the"
                " columns of the operator"
            )
        return network


LIBRARY: dict[str, type[NetworkOptions]] = {
    "mlp": MlpOptions,
    "siren": SirenOptions,
    "convolutional": ConvolutionalOptions,
    "decoder": DecoderOptions,
    "skip": SkipOptions,
    "graph": GraphOptions,
}
"""The kinds of `[network]` that are graphs, by name."""
