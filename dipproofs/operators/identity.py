"""The identity operator: denoising."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.arguments.setting import Setting
from dipproofs.operators.kernels import IdentityKernel
from dipproofs.operators.operator import Operator
from dipproofs.operators.options import DeterminedOptions
from dipproofs.operators.structure import Selection


@dataclass(frozen=True, kw_only=True)
class IdentityOperator(DeterminedOptions):
    """`kind = "identity"`: A = I, n×n."""

    def build(self, setting: Setting) -> Operator:
        """Make the identity."""
        n = setting.columns(self.columns)
        return Operator(
            Selection(np.arange(n), n),
            kernel=IdentityKernel(),
            arrays=(),
            kind="identity",
            domain_shape=setting.shape,
            range_shape=setting.shape,
        )
