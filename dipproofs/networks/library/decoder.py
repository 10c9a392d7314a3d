"""The deep decoder: from a small random input up to the image."""

from __future__ import annotations

from collections.abc import Sequence

from dipproofs.errors import named_arguments
from dipproofs.networks.graph_network import GraphNetwork
from dipproofs.networks.library.layers import Layers, halved, whole


class Decoder:
    """Convolution, upsampling, normalisation and activation, repeated (Heckel and Hand, 2019)."""

    @staticmethod
    @named_arguments
    def init(
        image_shape: Sequence[int],
        *,
        channels: int = 16,
        scales: int = 2,
        kernel: int = 3,
        activation: str = "silu",
        normalise: str = "instance",
        upsample: str = "bilinear",
        output: str = "sigmoid",
        input_channels: int = 8,
        seed: int = 3,
    ) -> GraphNetwork:
        """Return the network with He's initialisation.

        Args:
            image_shape: of the result; it need not be divisible by 2^scales.
            channels: of the hidden layers.
            scales: number of upsamplings by 2.
            kernel: size of the convolutions; 1 is the original deep decoder.
            activation: after every normalisation.
            normalise: "instance" or "none".
            upsample: "bilinear" or "nearest".
            output: "sigmoid" or "none".
            input_channels: of the fixed random input.
            seed: of input and parameters.

        Example:
            >>> Decoder.init((16, 12), scales=3, kernel=1).output_shape
            (16, 12)
        """
        layers = Layers(image_shape, seed, activation=activation, normalise=normalise, upsample=upsample, output=output)
        sizes = [layers.image_shape]
        for _ in range(whole("scales", scales, 1)):
            sizes.append(halved(sizes[-1]))
        x = layers.noise(whole("input_channels", input_channels, 1), sizes[-1])
        size, width = whole("kernel", kernel, 1), whole("channels", channels, 1)
        for place, space in enumerate(reversed(sizes[:-1])):
            x = layers.upsample(layers.conv(f"up{place}", x, width, size), space)
            x = layers.activate(layers.normalise(f"up{place}", x))
        x = layers.block("last", x, width, size)
        return layers.network(layers.conv("out", x, 1, 1, gain=1.0), "decoder")
