"""Subsampled orthonormal transforms: discrete cosines, and Fourier in real form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.arguments.schema import choice, count_or_fraction, integer, seed
from dipproofs.arguments.setting import Setting
from dipproofs.operators.inpainting import number_of_rows
from dipproofs.operators.kernels import SeparableKernel
from dipproofs.operators.operator import Operator, check_size
from dipproofs.operators.options import OperatorOptions


@dataclass(frozen=True)
class FrequencyOptions(OperatorOptions):
    """Keys of the kinds that keep some coefficients of a transform.

    Args:
        rows: the number m of coefficients, or their fraction of n.
        columns: n, a square number unless `signal.shape` is given.
        selection: "random" (the mean is always kept), or "low" for the lowest frequencies.
        seed: of the random selection.
    """

    rows: int | float = count_or_fraction(0.5)
    columns: int | None = integer(None, minimum=1)
    selection: str = choice("random", options=("random", "low"))
    seed: int = seed(0)


@dataclass(frozen=True)
class DctOperator(FrequencyOptions):
    """`kind = "dct"`: some coefficients of the orthonormal DCT-II; A Aᵀ = I up to rounding."""

    def build(self, setting: Setting) -> Operator:
        """Choose the coefficients and make the operator."""
        shape = setting.image_shape(self.columns)
        sizes = shape if len(shape) == 2 else (1, shape[0])
        m = number_of_rows(self.rows, sizes[0] * sizes[1])
        check_size(m, sizes[0] * sizes[1])
        frequency = np.add.outer(*((np.arange(size) / size) ** 2 for size in sizes))
        indices = choose(frequency.ravel(), m, self.selection, self.seed)
        vertical, horizontal = dct_matrix(sizes[0]), dct_matrix(sizes[1])

        def dense() -> np.ndarray:
            return np.asarray(np.kron(vertical, horizontal)[indices])

        kernel = SeparableKernel((sizes[0], sizes[1]))
        arrays = (vertical, horizontal, indices)
        return Operator(
            dense,
            (m, vertical.shape[0] * horizontal.shape[0]),
            kernel=kernel,
            arrays=arrays,
            kind="dct",
            domain_shape=shape,
            range_shape=shape,
            range_indices=indices,
        )


def choose(frequency: np.ndarray, count: int, selection: str, seed: int) -> np.ndarray:
    """Choose `count` entries of `frequency`: the lowest, or at random with the lowest one kept; sorted.

    Example:
        >>> choose(np.array([0.0, 3.0, 1.0, 2.0]), 2, "low", 0).tolist()
        [0, 2]
    """
    return np.sort(in_order(frequency, selection, seed)[:count])


def in_order(frequency: np.ndarray, selection: str, seed: int) -> np.ndarray:
    """Give all indices, lowest frequency first; the others by frequency ("low") or at random.

    Example:
        >>> in_order(np.array([3.0, 0.0, 2.0]), "low", 0).tolist()
        [1, 2, 0]
    """
    order = np.argsort(frequency, kind="stable")
    if selection == "random":
        order = np.concatenate([order[:1], np.random.default_rng(seed).permutation(order[1:])])
    return order


def dct_matrix(size: int) -> np.ndarray:
    """Give the orthonormal DCT-II, (size, size) float64; row k is the cosine of frequency k.

    Example:
        >>> C = dct_matrix(4)
        >>> bool(np.abs(C @ C.T - np.eye(4)).max() < 1e-15)
        True
    """
    k, t = np.arange(size)[:, None], np.arange(size)[None, :]
    matrix = np.sqrt(2.0 / size) * np.cos(np.pi * ((k * (2 * t + 1)) % (4 * size)) / (2 * size))
    matrix[0] = 1.0 / np.sqrt(size)
    return np.asarray(matrix)
