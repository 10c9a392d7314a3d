"""The encoder–decoder with skip connections of the deep image prior."""

from __future__ import annotations

from collections.abc import Sequence

from dipproofs.errors import named_arguments
from dipproofs.networks.graph_network import GraphNetwork
from dipproofs.networks.library.layers import Layers, whole


class Skip:
    """Down by strided convolutions, up by resizing, joined at every scale (Ulyanov, Vedaldi and Lempitsky, 2018)."""

    @staticmethod
    @named_arguments
    def init(
        image_shape: Sequence[int],
        *,
        channels: int = 16,
        scales: int = 2,
        skip_channels: int = 4,
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
            scales: number of halvings.
            skip_channels: of the connection at each scale; 0 for none.
            kernel: size of the convolutions (the last at each scale and the skips have size 1).
            activation: after every normalisation.
            normalise: "instance" or "none".
            upsample: "bilinear" or "nearest".
            output: "sigmoid" or "none".
            input_channels: of the fixed random input.
            seed: of input and parameters.

        Example:
            >>> Skip.init((16, 16), scales=2).parameter_count
            14721
        """
        layers = Layers(image_shape, seed, activation=activation, normalise=normalise, upsample=upsample, output=output)
        x = layers.noise(whole("input_channels", input_channels, 1), layers.image_shape)
        size, width = whole("kernel", kernel, 1), whole("channels", channels, 1)
        thin, depth = whole("skip_channels", skip_channels, 0), whole("scales", scales, 1)
        joins, spaces = [], []
        for scale in range(depth):
            spaces.append(layers.builder.shape(x)[1:])
            joins.append(layers.block(f"skip{scale}", x, thin, 1) if thin else None)
            x = layers.block(f"down{scale}", x, width, size, 2)
            x = layers.block(f"deep{scale}", x, width, size)
        for scale in reversed(range(depth)):
            x, join = layers.upsample(x, spaces[scale]), joins[scale]
            x = x if join is None else layers.builder.concatenate([join, x])
            x = layers.block(f"up{scale}", x, width, size)
            x = layers.block(f"mix{scale}", x, width, 1)
        return layers.network(layers.conv("out", x, 1, 1, gain=1.0), "skip")
