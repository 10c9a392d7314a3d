"""A random signal with independent standard normal entries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.arguments.schema import seed
from dipproofs.arguments.setting import Setting
from dipproofs.operators.operator import Operator
from dipproofs.problems.signals.options import SignalData, SignalOptions


@dataclass(frozen=True, kw_only=True)
class GaussianSignal(SignalOptions):
    """`kind = "gaussian"`: x̄ ~ N(0, I_n).

    Args:
        seed: of the random generator.
    """

    seed: int = seed(1)

    def build(self, setting: Setting, operator: Operator) -> SignalData:
        """Draw the signal."""
        return SignalData(np.random.default_rng(self.seed).standard_normal(operator.columns))
