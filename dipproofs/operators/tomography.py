"""Parallel-beam tomography: the Radon transform at a few angles.

Geometry. As in scikit-image's `radon(image, theta, circle=False)`: the image is padded with zeros to a
square as large as its diagonal, rotated with bilinear interpolation about pixel ⌊N/2⌋ and summed along its
columns. Here the bilinear weights are collected in a sparse matrix (W. van Aarle et al., 2016, call this the
interpolation model), which agrees with scikit-image to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from dipproofs.arguments.schema import Rule, integer, number, rule_field
from dipproofs.arguments.setting import Setting
from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator, check_size
from dipproofs.operators.options import DeterminedOptions
from dipproofs.operators.sparse import sparse_operator


def _angles(value: Any) -> int | tuple[float, ...] | None:
    def real(item: Any) -> bool:
        return isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item)

    if isinstance(value, int) and not isinstance(value, bool):
        return value if 1 <= value <= 100_000 else None
    if isinstance(value, list | tuple) and value and all(real(item) for item in value):
        return tuple(float(item) for item in value)
    return None


@dataclass(frozen=True, kw_only=True)
class TomographyOperator(DeterminedOptions):
    """`kind = "tomography"`: line integrals, one row for each angle and detector that sees the image.

    Args:
        angles: how many, spread evenly over [0°, 180°[, or the list of them in degrees.
        detectors: how many equally spaced rays for each angle across the image's diagonal; by default one
            per pixel, as in scikit-image. Rays that miss the image are left out.
        scale: every entry is multiplied by it.
    """

    angles: int | tuple[float, ...] = rule_field(
        Rule("an integer from 1 to 100000 or a list of finite angles in degrees", _angles), 30
    )
    detectors: int | None = integer(None, minimum=1)
    scale: float = number(1.0, above=0.0)

    def build(self, setting: Setting) -> Operator:
        """Collect the weights for the signal's shape."""
        shape = setting.image_shape(self.columns)
        if len(shape) != 2:
            raise InputError(f"signal.shape: found {list(shape)}, expected [height, width] for tomography")
        if isinstance(self.angles, tuple):
            theta = np.array(self.angles)
        else:
            theta = np.arange(self.angles) * (180.0 / self.angles)
        rays = self.detectors or _padding((shape[0], shape[1]))[0]
        check_size(rays * len(theta), math.prod(shape))
        matrix = radon_matrix((shape[0], shape[1]), theta, self.detectors) * self.scale
        seen = np.diff(matrix.indptr) > 0
        return sparse_operator(
            matrix[seen],
            kind="tomography",
            domain_shape=shape,
            range_shape=(len(theta), rays),
            range_indices=np.flatnonzero(seen),
        )


def radon_matrix(shape: tuple[int, int], theta: np.ndarray, detectors: int | None = None) -> sp.csr_array:
    """Give the Radon transform as a sparse matrix, (len(theta)·detectors, height·width) float64.

    Args:
        shape: (height, width).
        theta: angles in degrees.
        detectors: rays for each angle; by default one per column of the padded image.

    Example:
        >>> radon_matrix((2, 2), np.array([0.0])) @ np.array([1.0, 2.0, 3.0, 4.0])
        array([4., 6., 0.])
    """
    height, width = shape
    size, top, left = _padding(shape)
    center = size // 2
    if detectors is None:
        across = np.arange(size) - float(center)
    else:
        across = (np.arange(detectors) + 0.5) * (size / detectors) - 0.5 * size - 0.5 + (size / 2 - center)
    along = np.arange(size) - float(center)
    blocks = []
    for angle in np.deg2rad(theta):
        cos, sin = np.cos(angle), np.sin(angle)
        column = cos * across[:, None] + sin * along[None, :] + (center - left)
        row = -sin * across[:, None] + cos * along[None, :] + (center - top)
        blocks.append(_bilinear(row, column, height, width))
    return sp.csr_array(sp.vstack(blocks, format="csr"))


def _padding(shape: tuple[int, int]) -> tuple[int, int, int]:
    """Give the padded size and the image's offset in it."""
    diagonal = math.sqrt(2.0) * max(shape)
    offsets, size = [], 0
    for extent in shape:
        pad = math.ceil(diagonal - extent)
        offsets.append((extent + pad) // 2 - extent // 2)
        size = extent + pad
    return size, offsets[0], offsets[1]


def _bilinear(row: np.ndarray, column: np.ndarray, height: int, width: int) -> sp.csr_array:
    """Give the weights of the samples (row, column), summed over the second axis."""
    rays = np.broadcast_to(np.arange(row.shape[0])[:, None], row.shape)
    top, left = np.floor(row), np.floor(column)
    down, right = row - top, column - left
    parts = []
    for i, vertical in ((0, 1.0 - down), (1, down)):
        for j, horizontal in ((0, 1.0 - right), (1, right)):
            r, c, weight = top + i, left + j, vertical * horizontal
            keep = (r >= 0) & (r < height) & (c >= 0) & (c < width) & (weight > 1e-12)
            pixel = (r[keep] * width + c[keep]).astype(np.int64)
            parts.append((weight[keep], rays[keep], pixel))
    weights, rows, columns = (np.concatenate([part[i] for part in parts]) for i in range(3))
    matrix = sp.coo_array((weights, (rows, columns)), shape=(row.shape[0], height * width))
    return sp.csr_array(matrix)
