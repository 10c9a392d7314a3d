"""Entrywise functions in floating point, derived from the SymPy ones: estimates, no guarantee."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from scipy.special import erf

from dipproofs.theory.activations import x
from dipproofs.theory.elementary import ELEMENTARY


@cache
def numpy_function(name: str, order: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return φ (order 0), φ' (1) or φ'' (2) for NumPy arrays.

    Example:
        >>> numpy_function("square", 1)(np.array([3.0]))
        array([6.])
    """
    names = {"erf": erf, "log1p": np.log1p, "expm1": np.expm1, "Max": np.maximum, "Min": np.minimum, "Abs": np.abs}
    names |= {"amax": _fold(np.maximum), "amin": _fold(np.minimum)}
    formula = sp.lambdify(x, ELEMENTARY[name].float_form(order), modules=[names, "numpy"], cse=True)

    def evaluate(a: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.array(np.broadcast_to(formula(a), a.shape), dtype=np.result_type(a.dtype, np.float64))

    return evaluate


def _fold(pairwise: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """NumPy's amax over a tuple of arrays as SymPy prints it."""

    def function(values: Any, axis: int = 0) -> Any:
        result = values[0]
        for value in values[1:]:
            result = pairwise(result, value)
        return result

    return function
