"""Inpainting: some pixels are observed, the others are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.errors import InputError
from dipproofs.operators.kernels import GatherKernel
from dipproofs.operators.operator import Operator, check_size
from dipproofs.operators.options import OperatorOptions
from dipproofs.problems.schema import count_or_fraction, integer, seed
from dipproofs.problems.setting import Setting


@dataclass(frozen=True)
class InpaintingOperator(OperatorOptions):
    """`kind = "inpainting"`: rows of the identity, drawn without replacement, in increasing order.

    Args:
        rows: the number m of observed pixels, or their fraction (0.5 by default; m rounds to the nearest).
        columns: n; may be left out when `signal.shape` is given.
        seed: of the random generator.
    """

    rows: int | float = count_or_fraction(0.5)
    columns: int | None = integer(None, minimum=1)
    seed: int = seed(0)

    def build(self, setting: Setting) -> Operator:
        """Draw the observed pixels."""
        n = setting.columns(self.columns)
        m = number_of_rows(self.rows, n)
        check_size(m, n)
        indices = random_subset(m, n, self.seed)
        return selection_operator(indices, n, domain_shape=setting.shape)


def selection_operator(indices: np.ndarray, columns: int, domain_shape: tuple[int, ...] | None = None) -> Operator:
    """Make the operator that keeps the given coordinates.

    Args:
        indices: (m,) distinct integers in [0, n).
        columns: n.
        domain_shape: the signal's shape as an image, or None.

    Example:
        >>> selection_operator(np.array([0, 2]), 3).to_dense()
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    rows = len(indices)

    def dense() -> np.ndarray:
        matrix = np.zeros((rows, columns))
        matrix[np.arange(rows), indices] = 1.0
        return matrix

    return Operator(
        dense,
        (rows, columns),
        range_shape=domain_shape,
        range_indices=indices,
        kernel=GatherKernel(columns),
        arrays=(indices,),
        kind="inpainting",
        domain_shape=domain_shape,
    )


def number_of_rows(rows: int | float, columns: int) -> int:
    """Give m from a count or a fraction of n; at most n.

    Example:
        >>> number_of_rows(0.5, 9), number_of_rows(3, 9)
        (4, 3)
    """
    count = rows if isinstance(rows, int) else max(1, round(rows * columns))
    if count > columns:
        raise InputError(f"operator.rows: found {count}, expected at most the number of columns {columns}")
    return count


def random_subset(count: int, total: int, seed: int) -> np.ndarray:
    """Draw `count` of 0 … total−1 without replacement, sorted."""
    return np.sort(np.random.default_rng(seed).permutation(total)[:count])
