"""Entrywise functions in floating point, derived from the SymPy ones: estimates, no guarantee."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from dipproofs.theory.activations import x
from dipproofs.theory.elementary import ELEMENTARY
from dipproofs.theory.numeric import float_function


@cache
def numpy_function(name: str, order: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return φ (order 0), φ' (1) or φ'' (2) for NumPy arrays.

    Example:
        >>> numpy_function("square", 1)(np.array([3.0]))
        array([6.])
    """
    formula = float_function(x, ELEMENTARY[name].float_form(order))

    def evaluate(a: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.array(np.broadcast_to(formula(a), a.shape), dtype=np.result_type(a.dtype, np.float64))

    return evaluate
