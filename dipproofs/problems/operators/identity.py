"""The identity operator: denoising."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.problems.operators.kernels import IdentityKernel
from dipproofs.problems.operators.operator import Operator
from dipproofs.problems.operators.options import OperatorOptions
from dipproofs.problems.schema import integer
from dipproofs.problems.setting import Setting


@dataclass(frozen=True)
class IdentityOperator(OperatorOptions):
    """`kind = "identity"`: A = I, n×n.

    Args:
        columns: n; may be left out when `signal.shape` is given.
    """

    columns: int | None = integer(None, minimum=1)

    def build(self, setting: Setting) -> Operator:
        """Make the identity."""
        n = setting.columns(self.columns)
        return Operator(
            lambda: np.eye(n),
            (n, n),
            kernel=IdentityKernel(),
            arrays=(),
            kind="identity",
            domain_shape=setting.shape,
            range_shape=setting.shape,
        )
