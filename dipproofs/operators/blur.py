"""Blur with a separable kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.arguments.schema import choice, integer, number
from dipproofs.arguments.setting import Setting
from dipproofs.operators.operator import Operator
from dipproofs.operators.options import DeterminedOptions
from dipproofs.operators.structure import Circulant, Separable, Structure

BOUNDARIES = ("reflect", "zero", "periodic")


@dataclass(frozen=True, kw_only=True)
class BlurOperator(DeterminedOptions):
    """`kind = "blur"`: each pixel becomes a weighted mean of its neighbours; A is n×n.

    Args:
        kernel: "gaussian", weights exp(−t²/(2 sigma²)) on [−radius, radius], or "uniform"; they
            sum to 1.
        sigma: standard deviation in pixels, for the Gaussian kernel.
        radius: the kernel has 2·radius+1 weights; by default ⌈3 sigma⌉ (uniform: 1).
        boundary: what lies outside: "reflect" (the image mirrored at its border, the border pixel
            repeated), "zero", or "periodic".
    """

    kernel: str = choice("gaussian", options=("gaussian", "uniform"))
    sigma: float = number(1.0, above=0.0)
    radius: int | None = integer(None, minimum=0, maximum=1000)
    boundary: str = choice("reflect", options=BOUNDARIES)

    def build(self, setting: Setting) -> Operator:
        """Make the blur for the signal's shape."""
        shape = setting.image_shape(self.columns)
        weights = kernel_weights(self.kernel, self.sigma, self.radius)
        factors = [blur_matrix(size, weights, self.boundary) for size in shape]
        vertical, horizontal = factors if len(factors) == 2 else (np.eye(1), factors[0])
        structure: Structure = Separable(vertical, horizontal)
        if self.boundary == "periodic":  # the same entries
            structure = Circulant(np.multiply.outer(vertical[:, 0], horizontal[:, 0]))
        return Operator(structure, kind="blur", domain_shape=shape, range_shape=shape)


def kernel_weights(kernel: str, sigma: float, radius: int | None) -> np.ndarray:
    """Give the weights of a one-dimensional kernel, (2·radius+1,), with sum 1.

    Example:
        >>> kernel_weights("uniform", 1.0, 1).round(3)
        array([0.333, 0.333, 0.333])
    """
    if kernel == "uniform":
        size = 2 * (1 if radius is None else radius) + 1
        return np.full(size, 1.0 / size)
    half_width = min(1000, int(np.ceil(3.0 * sigma))) if radius is None else radius
    offsets = np.arange(-half_width, half_width + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return np.asarray(weights / weights.sum())


def blur_matrix(size: int, weights: np.ndarray, boundary: str) -> np.ndarray:
    """Give the (size, size) matrix of one axis.

    Example:
        >>> blur_matrix(3, np.array([0.25, 0.5, 0.25]), "reflect")
        array([[0.75, 0.25, 0.  ],
               [0.25, 0.5 , 0.25],
               [0.  , 0.25, 0.75]])
    """
    radius = len(weights) // 2
    source = np.arange(size)[:, None] + np.arange(-radius, radius + 1)[None, :]
    value = np.broadcast_to(weights, source.shape)
    if boundary == "reflect":
        folded = source % (2 * size)
        source = np.where(folded < size, folded, 2 * size - 1 - folded)
    elif boundary == "periodic":
        source = source % size
    else:
        inside = (source >= 0) & (source < size)
        value = np.where(inside, value, 0.0)
        source = np.clip(source, 0, size - 1)
    matrix = np.zeros((size, size))
    np.add.at(matrix, (np.arange(size)[:, None], source), value)
    return matrix
