"""First-order methods, one file each; a new one is its file and a line here."""

from __future__ import annotations

from typing import Any

from dipproofs.descent.methods.adam import Adam
from dipproofs.descent.methods.base import Method
from dipproofs.descent.methods.gradient_descent import GradientDescent
from dipproofs.descent.methods.heavy_ball import HeavyBall
from dipproofs.descent.methods.nesterov import Nesterov
from dipproofs.errors import InputError
from dipproofs.problems.method_options import checked_kind, refuse_foreign

#: The methods by their names in problem files and certificates.
METHODS: dict[str, type[Method]] = {c.kind: c for c in (GradientDescent, HeavyBall, Nesterov, Adam)}

__all__ = ["METHODS", "Adam", "GradientDescent", "HeavyBall", "Method", "Nesterov", "make_method"]


def make_method(kind: str | Method = "gradient-descent", **options: Any) -> Method:
    """Return a method by name; options that are None keep their defaults.

    Raises:
        InputError: an unknown name, an option that the method does not have, or one out of range.

    Example:
        >>> make_method("heavy-ball", momentum=0.9, beta2=None)
        HeavyBall(momentum=0.9)
        >>> make_method("heavy-ball", beta2=0.9)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: descent.beta2: heavy-ball has none; it belongs to adam
    """
    given = {key: value for key, value in options.items() if value is not None}
    if isinstance(kind, Method):
        if given:
            raise InputError(f"descent.{next(iter(given))}: found beside a method that has its options; set it there")
        return kind
    name = checked_kind(kind)
    refuse_foreign(name, given)
    return METHODS[name](**given)
