"""Why a run stopped, in one line for people."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def stopped_because(
    stopped: str, history: Any, iterations: int, gamma: float, level: float, engine: Any, auto: bool
) -> str:
    """Say why a run stopped and what can be done.

    Args:
        stopped: as in `Run`. history, iterations: of the run. gamma: the last γ_0. level: the loss at which it stops.
        engine: for the loss and the number format. auto: whether the step was chosen by the program.
    """
    last, loss, dtype = history.loss[-1], engine.loss, engine.dtype
    if stopped == "tolerance":
        if iterations == 0:
            return (
                f"the loss at the start, {last:.3g}, is already below the tolerance {level:g} (absolute); "
                "set a smaller tolerance, or relative_tolerance"
            )
        return f"loss {last:.3g} ≤ {level:g} after {iterations} iterations"
    if stopped == "max_iterations":
        return f"loss {last:.3g} after {iterations} iterations; raise max_iterations to go on"
    if stopped == "not finite":
        what = f"loss {last:.3g} is finite, but its gradient" if math.isfinite(last) else "the loss"
        cause = "" if math.isfinite(last) else _left_domain(loss)
        if iterations == 0:  # no step was done yet
            return f"{what} overflowed{cause} at the start; {_rescale(dtype)}"
        cure = f"use a smaller step, or {_rescale(dtype)}" if auto else 'use a smaller step, or step = "auto"'
        return f"{what} overflowed{cause} at iteration {iterations} with step {gamma:.3g}; {cure}"
    if stopped == "guaranteed":
        return f"stopped at iteration {iterations}: the guarantee asked for is proved"
    return f"loss {last:.3g} after {iterations} iterations; resume it, or run it again, to go further"


def _left_domain(loss: Any) -> str:
    """Say that the domain may have been left, unless the loss is defined on all of R^m."""
    if loss.assumed:  # the domain of a user's function is not known
        return " or left the domain of the loss"
    largest = np.finfo(np.float64).max
    whole = bool(loss.in_domain(np, np.array([-largest, largest])))
    return "" if whole else f" or left the domain of the loss ({loss.domain})"


def _rescale(dtype: np.dtype) -> str:
    return "rescale A, y or the loss" + ("" if dtype == np.float64 else ', or use dtype = "float64"')
