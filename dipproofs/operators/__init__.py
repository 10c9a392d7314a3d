"""Forward operators. A new kind is one file here and one line in `OPERATORS`."""

from __future__ import annotations

from dipproofs.operators.adapt import as_operator
from dipproofs.operators.blur import BlurOperator
from dipproofs.operators.dot_test import dot_test
from dipproofs.operators.facts import (
    OperatorFacts,
    condition_number,
    operator_facts,
    operator_norm,
    smallest_singular_value,
)
from dipproofs.operators.file import FileOperator
from dipproofs.operators.fourier import FourierOperator
from dipproofs.operators.gaussian import GaussianOperator
from dipproofs.operators.identity import IdentityOperator
from dipproofs.operators.inpainting import InpaintingOperator
from dipproofs.operators.operator import Operator
from dipproofs.operators.options import OperatorOptions
from dipproofs.operators.tomography import TomographyOperator
from dipproofs.operators.transforms import DctOperator

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
    "OperatorFacts",
    "OperatorOptions",
    "TomographyOperator",
    "as_operator",
    "condition_number",
    "dot_test",
    "operator_facts",
    "operator_norm",
    "smallest_singular_value",
]
