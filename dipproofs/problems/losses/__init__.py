"""Losses for descent and certificate; their mathematics is in `dipproofs.theory.losses`."""

from __future__ import annotations

from typing import Any

from ...errors import InputError
from ...theory.losses import LOSSES
from ..schema import nearest
from .base import Loss
from .catalogue import (
    CrossEntropy,
    Huber,
    LogCosh,
    LogitCrossEntropy,
    LpLoss,
    NormPower,
    Poisson,
    SquaredError,
)
from .rates import envelope, iterations_to

LOSS_KINDS: tuple[str, ...] = tuple(LOSSES)


def make_loss(kind: str, **parameters: Any) -> Loss:
    """Make a loss from its name and parameters, as problem files give them.

    Args:
        kind: one of `LOSS_KINDS`.
        parameters: `scale` and the loss's own parameters.

    Raises:
        InputError: an unknown kind or parameter, or a value out of range.

    Example:
        >>> make_loss("squared", scale=0.5).convention
        '0.5·‖v − y‖²'
        >>> make_loss("sqared")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: loss.kind: found 'sqared', expected one of ...; did you mean squared?
    """
    if kind not in LOSSES:
        raise InputError(
            f"loss.kind: found {kind!r}, expected one of {', '.join(LOSSES)}{nearest(str(kind), LOSSES)}"
        )
    theory = LOSSES[kind]
    scale = parameters.pop("scale", theory.default_scale)
    return Loss(theory, parameters, scale)


__all__ = [
    "LOSS_KINDS",
    "CrossEntropy",
    "Huber",
    "LogCosh",
    "LogitCrossEntropy",
    "Loss",
    "LpLoss",
    "NormPower",
    "Poisson",
    "SquaredError",
    "envelope",
    "iterations_to",
    "make_loss",
]
