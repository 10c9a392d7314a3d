"""An operator whose matrix is stored in a file."""

from __future__ import annotations

from dataclasses import dataclass

from dipproofs.arguments.files import take
from dipproofs.arguments.schema import text
from dipproofs.arguments.setting import Setting
from dipproofs.errors import InputError
from dipproofs.operators.adapt import as_operator
from dipproofs.operators.operator import Operator
from dipproofs.operators.options import DeterminedOptions


@dataclass(frozen=True, kw_only=True)
class FileOperator(DeterminedOptions):
    """`kind = "file"`: a matrix (m, n), dense or sparse, float32, float64 or complex.

    Args:
        path: an `.npz`, `.npy` or `.mat` file, or one of `scipy.sparse.save_npz`, relative to the problem file.
        key: the matrix's name in an `.npz` or `.mat` file.
    """

    path: str = text(expected='the path of an .npz file, such as "arrays.npz", or of an .npy or .mat file')
    key: str = text("A", expected="the name of an array")

    def build(self, setting: Setting) -> Operator:
        """Read the matrix."""
        arrays = setting.load(self.path)
        matrix = take(arrays, self.key, self.path, ndim=2, complex_allowed=True, sparse=True)
        try:
            operator = as_operator(matrix)
        except InputError as error:
            raise InputError(f"{self.path}: {self.key}: {error}") from None
        operator.kind = self.path
        shape = setting.shape
        operator.domain_shape = shape
        return operator
