"""Checking the scale and the parameters of a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dipproofs.arguments.schema import finite
from dipproofs.errors import InputError
from dipproofs.theory.losses import SCALES, LossTheory


def checked_scale(scale: Any) -> str | float:
    """Return a named scale or a finite number > 0; anything else is an error."""
    if isinstance(scale, str) and scale in SCALES:
        return scale
    number = finite(scale, above=0.0)
    if number is None:
        raise InputError(f"loss.scale: found {scale!r}, expected a finite number > 0 or one of {', '.join(SCALES)}")
    return number


def checked_parameters(theory: LossTheory, given: Mapping[str, Any]) -> dict[str, float]:
    """Return the value of every parameter, in range; a missing, unknown or bad one is an error."""
    known = {p.name: p for p in theory.parameters}
    for name in given:
        if name not in known:
            expected = ", ".join([*known, "scale"])
            raise InputError(f"loss.{name}: unknown key for loss {theory.kind}; expected {expected}")
    values: dict[str, float] = {}
    for name, parameter in known.items():
        raw = given.get(name, parameter.default)
        wanted = f"a finite number {'≥' if parameter.closed else '>'} {parameter.minimum:g}"
        if raw is None:
            raise InputError(f"loss.{name}: missing, expected {wanted} ({parameter.meaning})")
        number = finite(raw, **{"minimum" if parameter.closed else "above": parameter.minimum})
        if number is None:
            raise InputError(f"loss.{name}: found {raw!r}, expected {wanted} ({parameter.meaning})")
        values[name] = number
    return values
