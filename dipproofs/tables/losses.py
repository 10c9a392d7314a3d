"""Losses as tables name them: ``squared``, ``huber:delta=0.5``, ``lp:p=3``, ``logit-cross-entropy:y-min=0.1``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from dipproofs.errors import InputError
from dipproofs.tables.options import numbers, unknown
from dipproofs.theory.losses import LOSSES, LossTheory
from dipproofs.theory.width.levels import Requirement, desingularized_requirement, impossible_reason


@dataclass(frozen=True)
class NamedLoss:
    """A loss with the values of its parameters.

    Args:
        name: as the user wrote it.
        theory: its symbolic description.
        requirement: how ψ̄ follows from R̄; None with a ``reason``.
        parameters: (symbol, value) of every parameter.
        reason: why there is no bound, or "".
    """

    name: str
    theory: LossTheory
    required: Requirement | None
    parameters: tuple[tuple[sp.Symbol, Fraction], ...]
    reason: str = ""


@lru_cache(maxsize=256)
def named_loss(name: str) -> NamedLoss:
    """Read a loss with its parameters.

    Raises:
        InputError: unknown loss or parameter, a parameter missing or out of range.

    Example:
        >>> named_loss("huber:delta=0.5").parameters
        ((\\delta, Fraction(1, 2)),)
        >>> named_loss("hubr")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: --loss: found 'hubr', expected squared, log-cosh, ... (did you mean 'huber'?)
    """
    kind, _, rest = name.partition(":")
    if kind not in LOSSES:
        raise unknown(kind, "--loss", LOSSES)
    theory = LOSSES[kind]
    given = dict(part.partition("=")[::2] for part in rest.split(";")) if rest else {}
    required = requirement_of(kind)
    wanted = _wanted(theory, required)
    for key in given:
        if key not in wanted:
            expected = ", ".join(wanted) or "no parameters"
            raise InputError(f"--loss {name}: found parameter {key!r}, expected {expected}")
    values = []
    for key, (symbol, low, closed, high, default, meaning) in wanted.items():
        if key not in given and default is None:
            raise InputError(f"--loss {name}: found no {key}, expected {kind}:{key}=… ({meaning})")
        value = numbers(given[key], f"--loss {kind}:{key}")[0] if key in given else Fraction(default or 0)
        if value < low or (value == low and not closed) or (high is not None and value > high):
            bound = f"{'≥' if closed else '>'} {float(low):g}" + (f" and ≤ {float(high):g}" if high else "")
            raise InputError(f"--loss {name}: found {key} = {float(value):g}, expected {bound}")
        values.append((symbol, value))
    reason = impossible_reason(theory, {s: sp.Rational(x.numerator, x.denominator) for s, x in values})
    if required is None and reason is None:
        reason = f"no bound of {kind} at initialisation in terms of ‖A g_0−y‖"
    return NamedLoss(name, theory, required, tuple(values), reason or "")


@lru_cache(maxsize=64)
def requirement_of(kind: str) -> Requirement | None:
    """Return how ψ̄ follows from R̄ for a kind of loss (cached)."""
    return desingularized_requirement(LOSSES[kind])


def parameter_symbols(theory: LossTheory, required: Requirement | None) -> tuple[sp.Symbol, ...]:
    """Return the symbols of a loss's parameters, in the order of `NamedLoss.parameters`."""
    return tuple(symbol for symbol, *_ in _wanted(theory, required).values())


_Wanted = tuple[sp.Symbol, Fraction, bool, Fraction | None, float | None, str]


def _wanted(theory: LossTheory, required: Requirement | None) -> dict[str, _Wanted]:
    wanted: dict[str, _Wanted] = {
        p.name: (p.symbol, Fraction(p.minimum), p.closed, None, p.default, p.meaning) for p in theory.parameters
    }
    for name, symbol, meaning in required.parameters if required else ():
        wanted[name] = (symbol, Fraction(0), False, Fraction(1, 2), None, meaning)
    return wanted
