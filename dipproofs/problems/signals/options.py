"""What every signal kind of a problem file offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dipproofs.arguments.schema import Options, integers, seed
from dipproofs.arguments.setting import Setting
from dipproofs.operators.operator import Operator


@dataclass(frozen=True)
class SignalData:
    """A signal x̄ (n,), or measured data y (m,), or both."""

    x_true: np.ndarray | None = None
    y: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class SignalOptions(Options):
    """Keys of `[signal]` that every kind has; `build` gives the signal.

    Args:
        shape: [height, width] (or [length]); the signal is stored row by row.
        seed: of the random generator; without effect where nothing is random.
    """

    section: ClassVar[str] = "signal"

    shape: tuple[int, ...] | None = integers(
        None, lengths=(1, 2), minimum=1, expected="[height, width] (or [length]), integers ≥ 1"
    )

    seed: int = seed(0)

    def build(self, setting: Setting, operator: Operator) -> SignalData:
        """Give the signal for an operator with n columns."""
        raise NotImplementedError
