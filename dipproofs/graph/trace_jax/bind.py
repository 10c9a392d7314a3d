"""Run one equation of a jaxpr on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def bind(equation: Any, arguments: Sequence[Any]) -> list[Any]:
    """Return the results of an equation's primitive for other arguments."""
    found = equation.primitive.get_bind_params(equation.params)
    functions, params = found if isinstance(found, tuple) else ((), found)  # JAX < 0.9 returns a pair
    result = equation.primitive.bind(*functions, *arguments, **params)
    return list(result) if equation.primitive.multiple_results else [result]
