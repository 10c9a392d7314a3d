"""Layers of the library's networks: nodes together with initial parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph import GraphBuilder
from dipproofs.networks.graph_network import GraphNetwork
from dipproofs.theory.elementary import ALIASES, KINKED_ACTIVATIONS, PIECEWISE, SMOOTH_ACTIVATIONS

#: √ of the factor by which a layer's inputs are amplified, so that variances persist (He; tanh: 5/3 as in PyTorch).
GAINS = {"tanh": 5 / 3, "softsign": 5 / 3, "atan": 5 / 3, "erf": 1.3, "sin": 1.5, "sigmoid": 2.0}
EPSILON = 1e-5
UPSAMPLING = ("bilinear", "nearest")
NORMALISATIONS = ("instance", "none")
OUTPUTS = ("sigmoid", "none")


def activation_name(name: str) -> str:
    """Return the name that graphs use.

    Raises:
        InputError: not an activation of the library.
    """
    known = ALIASES.get(name, name)
    names = (*SMOOTH_ACTIVATIONS, *KINKED_ACTIVATIONS)
    if known not in names:
        raise InputError(f"network.activation: found {name!r}, expected one of {', '.join(names)}")
    return known


class Layers:
    """A graph under construction for images of some shape, with initial parameters.

    Args:
        image_shape: the spatial axes, one to three of them.
        seed: of the initialisation.
        activation: name of the activation.
        normalise: "instance" or "none".
        upsample: "bilinear" or "nearest".
        output: "sigmoid" or "none".
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        seed: int,
        *,
        activation: str = "silu",
        normalise: str = "none",
        upsample: str = "bilinear",
        output: str = "sigmoid",
    ) -> None:
        self.image_shape = checked_shape(image_shape)
        self.rng = np.random.default_rng(whole("seed", seed, 0))
        self.activation = activation_name(activation)
        self.normalisation = one_of("normalise", normalise, NORMALISATIONS)
        self.upsampling = one_of("upsample", upsample, UPSAMPLING)
        self.output = one_of("output", output, OUTPUTS)
        self.builder = GraphBuilder()
        self.values: dict[str, np.ndarray] = {}

    def parameter(self, name: str, value: np.ndarray) -> int:
        """A trained array with its initial value."""
        self.values[name] = np.asarray(value, dtype=np.float64)
        return self.builder.parameter(name, self.values[name].shape)

    def noise(self, channels: int, space: Sequence[int]) -> int:
        """The fixed input: independent N(0, 1) entries."""
        return self.builder.constant(self.rng.standard_normal((channels, *space)))

    @property
    def gain(self) -> float:
        """√ of the variance gain of a hidden layer."""
        return GAINS.get(self.activation, math.sqrt(2.0))

    def conv(self, name: str, x: int, channels: int, kernel: int, *, stride: int = 1, gain: float | None = None) -> int:
        """A convolution whose result has ⌈n/stride⌉ entries an axis; with a bias unless a normalisation follows."""
        b = self.builder
        axes, c = len(b.shape(x)) - 1, b.shape(x)[0]
        fan_in = c * kernel**axes
        spread = (self.gain if gain is None else gain) / math.sqrt(fan_in)
        weight = self.parameter(f"{name}/weight", spread * self.rng.standard_normal((channels, c, *(kernel,) * axes)))
        low = (kernel - 1) // 2
        y = b.conv(x, weight, stride=(stride,) * axes, padding=((low, kernel - 1 - low),) * axes)
        hidden = gain is None
        return y if hidden and self.normalisation == "instance" else self.bias(name, y)

    def bias(self, name: str, x: int) -> int:
        """A trained offset for each channel, at first 0."""
        shape = self.builder.shape(x)
        return self.builder.add(x, self.builder.along(self.parameter(f"{name}/bias", np.zeros(shape[0])), shape, 0))

    def activate(self, x: int) -> int:
        """The activation."""
        if self.activation in PIECEWISE:
            return self.builder.piecewise(x, PIECEWISE[self.activation])
        return self.builder.entrywise(x, self.activation)

    def normalise(self, name: str, x: int) -> int:
        """Instance normalisation with trained factor and offset for each channel, or nothing."""
        if self.normalisation == "none":
            return x
        b = self.builder
        shape = b.shape(x)
        if math.prod(shape[1:]) < 2:
            raise InputError(
                f"network.scales: found images of {'×'.join(map(str, shape[1:]))} pixels at a scale, expected"
                ' at least 2 pixels to normalise over; take fewer scales or normalise = "none"'
            )
        n = b.normalise(x, range(1, len(shape)), EPSILON)
        factor = b.along(self.parameter(f"{name}/norm/weight", np.ones(shape[0])), shape, 0)
        return self.bias(f"{name}/norm", b.product(n, factor))

    def block(self, name: str, x: int, channels: int, kernel: int, stride: int = 1) -> int:
        """Convolution, normalisation, activation."""
        return self.activate(self.normalise(name, self.conv(name, x, channels, kernel, stride=stride)))

    def upsample(self, x: int, space: Sequence[int]) -> int:
        """Resize to another number of pixels."""
        b = self.builder
        if self.upsampling == "nearest":
            index = b.places_of(x)
            for axis, (n, target) in enumerate(zip(b.shape(x)[1:], space), start=1):
                index = np.take(index, np.arange(target) * n // target, axis=axis)
            return b.gather([x], index)
        for axis, (n, target) in enumerate(zip(b.shape(x)[1:], space), start=1):
            if n != target:
                x = b.contract(x, bilinear(n, target), axis)
        return x

    def network(self, x: int, label: str) -> GraphNetwork:
        """Finish: sigmoid if asked for, and the shape of the image."""
        if self.output == "sigmoid":
            x = self.builder.entrywise(x, "sigmoid")
        graph = self.builder.graph(self.builder.reshape(x, self.image_shape))
        return GraphNetwork(graph, self.values, label)


def bilinear(n: int, target: int) -> np.ndarray:
    """Return the matrix (target, n) of linear interpolation between pixel centres, the border repeated.

    Example:
        >>> bilinear(2, 4)
        array([[1.  , 0.  ],
               [0.75, 0.25],
               [0.25, 0.75],
               [0.  , 1.  ]])
    """
    place = np.clip((np.arange(target) + 0.5) * n / target - 0.5, 0, n - 1)
    left = np.minimum(np.floor(place).astype(int), max(n - 2, 0))
    matrix = np.zeros((target, n))
    rows = np.arange(target)
    matrix[rows, left] += 1 - (place - left)
    matrix[rows, np.minimum(left + 1, n - 1)] += place - left
    return matrix


def halved(space: Sequence[int]) -> tuple[int, ...]:
    """Return half the number of pixels along each axis, rounded up."""
    return tuple(-(-n // 2) for n in space)


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return an image shape as integers, or refuse it."""
    try:
        space = tuple(int(n) for n in shape)
        good = 1 <= len(space) <= 3 and all(n >= 1 for n in space) and all(float(n) == int(n) for n in shape)
    except (TypeError, ValueError):
        good = False
    if not good:
        raise InputError(f"image_shape: found {shape!r}, expected one to three integers ≥ 1, such as (64, 64)")
    return space


def whole(name: str, value: int, least: int) -> int:
    """Return an integer option, or refuse it."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise InputError(f"network.{name}: found {value!r}, expected an integer ≥ {least}")
    return int(value)


def one_of(name: str, value: str, options: Sequence[str]) -> str:
    """Return a word, or refuse it."""
    if value not in options:
        raise InputError(f"network.{name}: found {value!r}, expected one of {', '.join(options)}")
    return value
