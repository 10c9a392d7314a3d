"""Random Gaussian operators, with a chosen condition number if asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.arguments.schema import integer, number, seed
from dipproofs.arguments.setting import Setting
from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator, check_size
from dipproofs.operators.options import OperatorOptions


@dataclass(frozen=True)
class GaussianOperator(OperatorOptions):
    """`kind = "gaussian"`: a dense random matrix.

    Args:
        rows: m.
        columns: n; may be left out when `signal.shape` is given.
        condition_number: κ ≥ 1. If given, A = U diag(s) Vᵀ with U, V the singular vectors of a Gaussian
            matrix and s spaced linearly from 1 to 1/κ over min(m, n) values. If not, the entries are
            independent N(0, 1/m), the normalisation of compressed sensing (E‖A x‖² = ‖x‖²).
        seed: of the random generator.
    """

    rows: int = integer(minimum=1)
    columns: int | None = integer(None, minimum=1)
    condition_number: float | None = number(None, minimum=1.0)
    seed: int = seed(0)

    def build(self, setting: Setting) -> Operator:
        """Draw the matrix."""
        columns = setting.columns(self.columns)
        check_size(self.rows, columns)
        matrix = gaussian_matrix(self.rows, columns, self.condition_number, self.seed)
        return Operator(matrix, kind="gaussian", domain_shape=setting.shape)


def gaussian_matrix(rows: int, columns: int, condition_number: float | None, seed: int) -> np.ndarray:
    """Draw a Gaussian matrix, (rows, columns) float64; see `GaussianOperator`.

    Example:
        >>> A = gaussian_matrix(5, 10, 3.0, seed=0)
        >>> np.linalg.svd(A, compute_uv=False).round(12).tolist()
        [1.0, 0.833333333333, 0.666666666667, 0.5, 0.333333333333]
    """
    entries = np.random.default_rng(seed).standard_normal((rows, columns))
    if condition_number is None:
        return np.asarray(entries / np.sqrt(rows))
    smaller = min(rows, columns)
    if smaller == 1 and condition_number != 1:
        raise InputError(
            f"operator.condition_number: found {condition_number:g}, expected 1 for a matrix with one row or column"
        )
    left, _, right = np.linalg.svd(entries, full_matrices=False)
    return np.asarray((left * np.linspace(1.0, 1.0 / condition_number, smaller)) @ right)
