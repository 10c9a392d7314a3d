"""From the record of a loss in a certificate back to its theory."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from . import LOSSES
from .base import LossTheory, r, resolve_scale
from .custom import ProfileFacts, profile_facts
from .text import read_formula


def loss_of_record(record: Mapping[str, Any]) -> tuple[LossTheory, dict[str, Fraction]]:
    """Return the theory of a built-in loss and the exact values of its parameters.

    Args:
        record: the entry ``loss`` of a certificate.

    Raises:
        ValueError: the record names no built-in loss, or lacks a parameter.

    Example:
        >>> theory, parameters = loss_of_record({"kind": "huber", "scale": "sum", "delta": 0.5})
        >>> theory.kind, parameters
        ('huber', {'delta': Fraction(1, 2)})
    """
    kind = record.get("kind")
    if kind not in LOSSES:
        raise ValueError(f"found the loss {kind!r}, expected one of {', '.join(LOSSES)}")
    theory = LOSSES[kind]
    try:
        return theory, {p.name: Fraction(record[p.name]) for p in theory.parameters}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"found a record of loss {kind} without a number for {error}") from None


def scale_of_record(record: Mapping[str, Any], observations: int) -> Fraction:
    """Return the exact factor c of a recorded loss.

    Example:
        >>> scale_of_record({"kind": "squared", "scale": "mean"}, 4)
        Fraction(1, 4)
    """
    return resolve_scale(record["scale"], observations)


def profile_of_record(record: Mapping[str, Any]) -> ProfileFacts:
    """Return what symbols decide about the profile of a recorded custom loss; its ψ follows by `rules`.

    Raises:
        ValueError: the profile cannot be read.

    Example:
        >>> profile_of_record({"kind": "custom", "profile": "sqrt(1 + r**2) - 1"}).shape
        'concave'
    """
    return profile_facts(read_formula(str(record.get("profile")), {"r": r}))
