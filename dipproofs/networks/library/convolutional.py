"""A plain convolutional generator."""

from __future__ import annotations

from collections.abc import Sequence

from dipproofs.errors import named_arguments
from dipproofs.networks.graph_network import GraphNetwork
from dipproofs.networks.library.layers import Layers, whole


class Convolutional:
    """Convolutions of one size, one after the other, on a fixed random input of the image's size."""

    @staticmethod
    @named_arguments
    def init(
        image_shape: Sequence[int],
        *,
        channels: int = 16,
        depth: int = 3,
        kernel: int = 3,
        activation: str = "silu",
        normalise: str = "instance",
        output: str = "sigmoid",
        input_channels: int = 8,
        seed: int = 3,
    ) -> GraphNetwork:
        """Return the network with He's initialisation.

        Args:
            image_shape: of the result.
            channels: of the hidden layers.
            depth: number of convolutions.
            kernel: their size; zero padding keeps the image's size.
            activation: after every convolution but the last.
            normalise: "instance" (before every activation, with trained factor and offset) or "none".
            output: "sigmoid" or "none".
            input_channels: of the fixed random input.
            seed: of input and parameters.

        Example:
            >>> Convolutional.init((16, 16), normalise="none").parameter_count
            3633
        """
        layers = Layers(image_shape, seed, activation=activation, normalise=normalise, output=output)
        x = layers.noise(whole("input_channels", input_channels, 1), layers.image_shape)
        size, width = whole("kernel", kernel, 1), whole("channels", channels, 1)
        hidden = whole("depth", depth, 1) - 1
        for place in range(hidden):
            x = layers.block(str(place), x, width, size)
        return layers.network(layers.conv(str(hidden), x, 1, size, gain=1.0), "convolutional")
