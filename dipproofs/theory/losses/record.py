"""From the record of a loss in a certificate back to its theory; the record is not trusted."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dipproofs.theory.losses import LOSSES
from dipproofs.theory.losses.base import LossTheory, r, resolve_scale
from dipproofs.theory.losses.custom import PotentialFacts, check_smooth, profile_facts
from dipproofs.theory.losses.text import read_formula


def loss_of_record(record: Mapping[str, Any]) -> tuple[LossTheory, dict[str, Fraction]]:
    """Return the theory of a built-in loss and the exact values of its parameters.

    Args:
        record: the entry ``loss`` of a certificate.

    Raises:
        ValueError: the record names no built-in loss, lacks a parameter, or has one out of its range.

    Example:
        >>> theory, parameters = loss_of_record({"kind": "huber", "scale": "sum", "delta": 0.5})
        >>> theory.kind, parameters
        ('huber', {'delta': Fraction(1, 2)})
    """
    kind = record.get("kind")
    if not isinstance(kind, str) or kind not in LOSSES:
        raise ValueError(f"loss.kind: found {kind!r}, expected one of {', '.join(LOSSES)}, or custom with a profile")
    theory, parameters = LOSSES[kind], {}
    for p in theory.parameters:
        value = _number(record.get(p.name, p.default))
        if value is None or not (value >= p.minimum if p.closed else value > p.minimum):
            found = record.get(p.name)
            raise ValueError(f"loss.{p.name}: found {found!r}, expected a number {'≥' * p.closed or '>'} {p.minimum:g}")
        parameters[p.name] = value
    return theory, parameters


def _number(value: Any) -> Fraction | None:
    try:
        return None if isinstance(value, bool | str) else Fraction(value)
    except (TypeError, ValueError, OverflowError):
        return None


def scale_of_record(record: Mapping[str, Any], observations: int, default: str | float = "sum") -> Fraction:
    """Return the exact factor c of a recorded loss.

    Raises:
        ValueError: no named scale and no number > 0.

    Example:
        >>> scale_of_record({"kind": "squared", "scale": "mean"}, 4)
        Fraction(1, 4)
    """
    given = record.get("scale", default)
    try:
        factor = resolve_scale(given, observations)
    except (KeyError, ValueError, TypeError, OverflowError):
        factor = Fraction(0)
    if not factor > 0 or isinstance(given, bool):
        raise ValueError(f"loss.scale: found {given!r}, expected a number > 0 or a named scale")
    return factor


def potential_of_record(record: Mapping[str, Any]) -> PotentialFacts:
    """Return what symbols decide about the profile of a recorded custom loss; its ψ follows by `rules`.

    Raises:
        ValueError: the profile cannot be read, or symbols do not see that it is C¹ with h(0) = h'(0) = 0.

    Example:
        >>> potential_of_record({"kind": "custom", "profile": "sqrt(1 + r**2) - 1"}).shape
        'concave'
    """
    text = record.get("profile")
    if not isinstance(text, str):
        raise ValueError(f"loss.profile: found {text!r}, expected h(r) as text; a loss without it cannot be verified")
    try:
        facts = profile_facts(read_formula(text, {"r": r}))
        check_smooth(facts)
    except ValueError as error:
        raise ValueError(f"loss.profile: {error}") from None
    return facts
