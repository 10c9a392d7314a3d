"""Forward operators. A new kind is one file here and one line in `OPERATORS`."""

from __future__ import annotations

from dipproofs.problems.operators.adapt import as_operator
from dipproofs.problems.operators.blur import BlurOperator
from dipproofs.problems.operators.dot_test import dot_test
from dipproofs.problems.operators.file import FileOperator
from dipproofs.problems.operators.fourier import FourierOperator
from dipproofs.problems.operators.gaussian import GaussianOperator
from dipproofs.problems.operators.identity import IdentityOperator
from dipproofs.problems.operators.inpainting import InpaintingOperator
from dipproofs.problems.operators.operator import Operator
from dipproofs.problems.operators.options import OperatorOptions
from dipproofs.problems.operators.tomography import TomographyOperator
from dipproofs.problems.operators.transforms import DctOperator

OPERATORS: dict[str, type[OperatorOptions]] = {
    "gaussian": GaussianOperator,
    "identity": IdentityOperator,
    "blur": BlurOperator,
    "inpainting": InpaintingOperator,
    "tomography": TomographyOperator,
    "dct": DctOperator,
    "fourier": FourierOperator,
    "file": FileOperator,
}
"""The kinds of `[operator]` by name."""

__all__ = [
    "OPERATORS",
    "BlurOperator",
    "DctOperator",
    "FileOperator",
    "FourierOperator",
    "GaussianOperator",
    "IdentityOperator",
    "InpaintingOperator",
    "Operator",
    "OperatorOptions",
    "TomographyOperator",
    "as_operator",
    "dot_test",
]
