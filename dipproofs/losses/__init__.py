"""Losses for descent and certificate; their mathematics is in `dipproofs.theory.losses`."""

from __future__ import annotations

from typing import Any

from dipproofs.arguments.schema import nearest, show
from dipproofs.errors import InputError
from dipproofs.losses.assumed import AssumedLoss
from dipproofs.losses.base import Loss
from dipproofs.losses.catalogue import (
    CrossEntropy,
    Huber,
    LogCosh,
    LogitCrossEntropy,
    LpLoss,
    NormPower,
    Poisson,
    SquaredError,
)
from dipproofs.losses.custom import PotentialLoss, custom_loss
from dipproofs.losses.rates import envelope, iterations_to
from dipproofs.theory.losses import LOSSES

#: The values of `loss.kind` in problem files.
LOSS_KINDS: tuple[str, ...] = (*LOSSES, "custom")


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
    if kind == "custom":
        if "profile" not in parameters:
            raise InputError("loss.profile: missing, expected a formula h(r) such as 'sqrt(1 + r**2) - 1'")
        return custom_loss(**{key: value for key, value in parameters.items() if key != "shape"})
    if kind not in LOSSES:
        raise InputError(
            f"loss.kind: found {kind!r}, expected one of {', '.join(LOSS_KINDS)}{nearest(str(kind), LOSS_KINDS)}"
        )
    theory = LOSSES[kind]
    scale = parameters.pop("scale", theory.default_scale)
    return Loss(theory, parameters, scale)


def as_loss(loss: Any) -> Loss:
    """Return a loss as it is, one without parameters by its name, and ½‖·‖² for None.

    Raises:
        InputError: anything else, or a loss that needs parameters.

    Example:
        >>> str(as_loss("squared"))
        'squared: ½·‖v − y‖²'
        >>> as_loss(3)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: loss: found 3, expected a loss; use dp.SquaredError() or make_loss(kind, …)
    """
    if loss is None:
        return SquaredError()
    if isinstance(loss, str):
        return make_loss(loss)
    if not isinstance(loss, Loss):
        found = f"the class {loss.__name__}" if isinstance(loss, type) else show(loss)
        raise InputError(f"loss: found {found}, expected a loss; use dp.SquaredError() or make_loss(kind, …)")
    return loss


__all__ = [
    "LOSS_KINDS",
    "AssumedLoss",
    "CrossEntropy",
    "Huber",
    "LogCosh",
    "LogitCrossEntropy",
    "Loss",
    "LpLoss",
    "NormPower",
    "Poisson",
    "PotentialLoss",
    "SquaredError",
    "as_loss",
    "custom_loss",
    "envelope",
    "iterations_to",
    "make_loss",
]
