"""Which options a first-order method has, and their ranges: one set of rules for problem files and Python."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dipproofs.arguments.schema import finite, nearest, show
from dipproofs.errors import InputError

#: Keys of `[descent]` by method.
METHOD_KEYS: dict[str, tuple[str, ...]] = {
    "gradient-descent": (),
    "heavy-ball": ("momentum",),
    "nesterov": ("momentum",),
    "adam": ("momentum", "beta2", "epsilon", "claim_horizon"),
}


def checked_kind(kind: Any) -> str:
    """Return the name of a method.

    Raises:
        InputError: another value; the nearest name is given.
    """
    if isinstance(kind, str) and kind in METHOD_KEYS:
        return kind
    near = nearest(kind, METHOD_KEYS) if isinstance(kind, str) else ""
    raise InputError(f"descent.method: found {show(kind)}, expected one of {', '.join(METHOD_KEYS)}{near}")


def refuse_foreign(method: str, keys: Iterable[str]) -> None:
    """Refuse options that a method does not have.

    Raises:
        InputError: the first of them, and whose it is.

    Example:
        >>> refuse_foreign("heavy-ball", ["beta2"])
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: descent.beta2: heavy-ball has none; it belongs to adam
    """
    for key in keys:
        if key not in METHOD_KEYS[method]:
            owners = ", ".join(name for name, its in METHOD_KEYS.items() if key in its) or "no method"
            raise InputError(f"descent.{key}: {method} has none; it belongs to {owners}")


def fraction(value: Any, key: str, *, word: str | None = None) -> Any:
    """Return an option in [0, 1[, or the word that may stand for it.

    Raises:
        InputError: anything else.

    Example:
        >>> fraction(1.0, "momentum", word="auto")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: descent.momentum: found 1.0, expected a number in [0, 1[ or "auto"
    """
    if word is not None and isinstance(value, str) and value == word:
        return value
    number = finite(value, minimum=0.0)
    if number is None or number >= 1:
        alternative = f' or "{word}"' if word else ""
        raise InputError(f"descent.{key}: found {show(value)}, expected a number in [0, 1[{alternative}")
    return number


def refuse_beta2(momentum: float, beta2: float) -> None:
    """Refuse β₂ ≤ β₁²: then g²/v may grow without bound, and with it the steps of Adam.

    Raises:
        InputError: with the number that β₂ must exceed.
    """
    if not beta2 > momentum**2:
        raise InputError(f"descent.beta2: found {beta2:g}, expected more than momentum² = {momentum**2:.4g}")
