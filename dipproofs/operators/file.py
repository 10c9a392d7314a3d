"""An operator whose matrix is stored in an `.npz` file."""

from __future__ import annotations

from dataclasses import dataclass

from dipproofs.operators.operator import Operator
from dipproofs.operators.options import DeterminedOptions
from dipproofs.problems.arrays import take
from dipproofs.problems.schema import text
from dipproofs.problems.setting import Setting


@dataclass(frozen=True, kw_only=True)
class FileOperator(DeterminedOptions):
    """`kind = "file"`: the matrix under key `A`, (m, n) float32 or float64.

    Args:
        path: an `.npz` file, relative to the problem file.
    """

    path: str = text(expected='the path of an .npz file, such as "arrays.npz"')

    def build(self, setting: Setting) -> Operator:
        """Read the matrix."""
        matrix = take(setting.load(self.path), "A", self.path, ndim=2)
        return Operator(matrix, kind=self.path, domain_shape=setting.shape)
