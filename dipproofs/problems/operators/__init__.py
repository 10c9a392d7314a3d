"""Forward operators. A new kind is one file here and one line in `OPERATORS`."""

from __future__ import annotations

from dipproofs.problems.operators.file import FileOperator
from dipproofs.problems.operators.gaussian import GaussianOperator
from dipproofs.problems.operators.identity import IdentityOperator
from dipproofs.problems.operators.inpainting import InpaintingOperator
from dipproofs.problems.operators.operator import Operator
from dipproofs.problems.operators.options import OperatorOptions

OPERATORS: dict[str, type[OperatorOptions]] = {
    "gaussian": GaussianOperator,
    "identity": IdentityOperator,
    "inpainting": InpaintingOperator,
    "file": FileOperator,
}
"""The kinds of `[operator]` by name."""

__all__ = [
    "OPERATORS",
    "FileOperator",
    "GaussianOperator",
    "IdentityOperator",
    "InpaintingOperator",
    "Operator",
    "OperatorOptions",
]
