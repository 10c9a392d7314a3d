"""Coordinate networks: a function of the pixel's place, by Fourier features or by sines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dipproofs.errors import InputError, named_arguments
from dipproofs.networks.graph_network import GraphNetwork
from dipproofs.networks.library.layers import Layers, whole

#: Factor of every sine's argument in a SIREN (Sitzmann et al., 2020).
OMEGA_0 = 30.0
#: Standard deviation of the Fourier features' frequencies, in radians per half width of the image.
FREQUENCIES = 10.0


def coordinates(shape: Sequence[int]) -> np.ndarray:
    """Return the pixel centres, (axes, pixels), from −1 to 1 along each axis.

    Example:
        >>> coordinates((1, 3))
        array([[ 0.,  0.,  0.],
               [-1.,  0.,  1.]])
    """
    lines = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape]
    return np.stack([grid.reshape(-1) for grid in np.meshgrid(*lines, indexing="ij")])


def _dense(layers: Layers, name: str, x: int, weight: np.ndarray, bias: np.ndarray) -> int:
    b = layers.builder
    y = b.matmul(layers.parameter(f"{name}/weight", weight), x)
    return b.add(y, b.along(layers.parameter(f"{name}/bias", bias), b.shape(y), 0))


class MLP:
    """A multilayer perceptron of the pixel's coordinates, or of random Fourier features of them."""

    @staticmethod
    @named_arguments
    def init(
        image_shape: Sequence[int],
        *,
        width: int = 64,
        depth: int = 4,
        fourier_features: int = 64,
        activation: str = "silu",
        output: str = "sigmoid",
        seed: int = 3,
    ) -> GraphNetwork:
        """Return the network with He's initialisation.

        Args:
            image_shape: of the result.
            width: of the hidden layers.
            depth: number of hidden layers.
            fourier_features: number of random frequencies, each giving a sine and a cosine (Tancik et al., 2020);
                0 for the coordinates themselves.
            activation: after every hidden layer.
            output: "sigmoid" or "none".
            seed: of frequencies and parameters.

        Example:
            >>> MLP.init((16, 16), width=8, depth=2, fourier_features=4).parameter_count
            153
        """
        layers = Layers(image_shape, seed, activation=activation, output=output)
        grid = coordinates(layers.image_shape)
        features = whole("fourier_features", fourier_features, 0)
        if features:
            angles = FREQUENCIES * layers.rng.standard_normal((features, len(grid))) @ grid
            grid = np.concatenate([np.cos(angles), np.sin(angles)])
        x, size = layers.builder.constant(grid), whole("width", width, 1)
        hidden = whole("depth", depth, 1)
        for place in range(hidden + 1):
            fan_in, last = layers.builder.shape(x)[0], place == hidden
            spread = (1.0 if last else layers.gain) / math.sqrt(fan_in)
            out = 1 if last else size
            weight = spread * layers.rng.standard_normal((out, fan_in))
            bias = np.zeros(out) if features or place else layers.rng.uniform(-1, 1, out)
            x = _dense(layers, str(place), x, weight, bias)
            x = x if last else layers.activate(x)
        return layers.network(x, "mlp")


class SIREN:
    """Sines of the pixel's coordinates, layer after layer (Sitzmann et al., 2020)."""

    @staticmethod
    @named_arguments
    def init(
        image_shape: Sequence[int],
        *,
        width: int = 64,
        depth: int = 4,
        omega: float = OMEGA_0,
        output: str = "sigmoid",
        seed: int = 3,
    ) -> GraphNetwork:
        """Return the network with the initialisation of its authors.

        Args:
            image_shape: of the result.
            width: of the hidden layers.
            depth: number of hidden layers.
            omega: ω₀ > 0, the factor of every sine's argument: the smaller, the smoother the images.
            output: "sigmoid" or "none".
            seed: of the parameters.

        Example:
            >>> SIREN.init((16, 16), width=8, depth=2).parameter_count
            105
        """
        layers = Layers(image_shape, seed, activation="sin", output=output)
        b, rng = layers.builder, layers.rng
        x, size = b.constant(coordinates(layers.image_shape)), whole("width", width, 1)
        hidden = whole("depth", depth, 1)
        if not (isinstance(omega, int | float) and 0 < omega < math.inf):
            raise InputError(f"network.omega: found {omega!r}, expected a finite number > 0")
        for place in range(hidden + 1):
            fan_in, last = b.shape(x)[0], place == hidden
            spread = math.sqrt(6 / fan_in) / omega if place else 1 / fan_in
            out = 1 if last else size
            weight = rng.uniform(-spread, spread, (out, fan_in))
            bias = rng.uniform(-1, 1, out) / math.sqrt(fan_in)
            x = _dense(layers, str(place), x, weight, bias if not last else np.zeros(out))
            x = x if last else layers.activate(b.scale(x, float(omega)))
        return layers.network(x, "siren")
