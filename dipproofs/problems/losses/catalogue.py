"""The losses by their Python names."""

from __future__ import annotations

from ...theory.losses import LOSSES
from .base import Loss


class SquaredError(Loss):
    """Squared error c·‖v − y‖²; by default ½‖v − y‖².

    Args:
        scale: c: "half" (½), "sum" (1), "mean" (1/m), "half-mean" (1/(2m)), or a positive number.

    Example:
        >>> loss = SquaredError()
        >>> str(loss), loss.residual_scale
        ('squared: ½·‖v − y‖²', 1.0)
        >>> import numpy as np
        >>> float(loss.value(np, np.array([1.0, 2.0]), np.array([0.0, 0.0])))
        2.5
    """

    def __init__(self, scale: str | float = "half") -> None:
        super().__init__(LOSSES["squared"], {}, scale)
