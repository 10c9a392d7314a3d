"""Arguments from Python, checked before a run: what cannot be used is refused in one line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dipproofs.arguments.schema import finite, show
from dipproofs.descent.methods import Method
from dipproofs.descent.schedule import Schedule
from dipproofs.errors import InputError

DEFAULT_TOLERANCE = 1e-12


def checked_setting(problem: Any, network: Any) -> None:
    """Refuse what is no inverse problem, no network, or a network that does not fit the operator.

    Raises:
        InputError: what was found instead.
    """
    if not (hasattr(problem, "operator") and hasattr(problem, "y")):
        raise InputError(f"problem: found {_type(problem)}, expected an InverseProblem; use dp.InverseProblem(A, y)")
    if isinstance(network, type) or not hasattr(network, "program"):
        raise InputError(f"network: found {_type(network)}, expected a TwoLayer; use dp.TwoLayer.init(…)")
    n = problem.operator.shape[1]
    if network.n != n:
        raise InputError(f"network: found {network.n} outputs, expected n = {n} to match the operator")


def checked_step(step: Any) -> str | float:
    """Return the step as "auto" or a positive number.

    Raises:
        InputError: neither of them.

    Example:
        >>> checked_step(None)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: descent.step: found None, expected a positive number or "auto"
    """
    if isinstance(step, str) and step == "auto":
        return "auto"
    gamma = finite(step, above=0.0)
    if gamma is None:
        raise InputError(f'descent.step: found {show(step)}, expected a positive number or "auto"')
    return gamma


def checked_end(max_iterations: Any, tolerance: Any = None, relative_tolerance: Any = None) -> tuple[int, float, float]:
    """Return when a run ends: iterations, loss, and loss relative to that at the start (0: not asked for).

    Raises:
        InputError: something else than an integer ≥ 0 and numbers ≥ 0.

    Example:
        >>> checked_end(100), checked_end(100, relative_tolerance=1e-8), checked_end(100, 1e-9, 1e-8)
        ((100, 1e-12, 0.0), (100, 0.0, 1e-08), (100, 1e-09, 1e-08))
    """
    count = finite(max_iterations, minimum=0.0)
    if count is None or int(count) != count:
        raise InputError(f"descent.max_iterations: found {show(max_iterations)}, expected an integer ≥ 0")
    relative = 0.0 if relative_tolerance is None else finite(relative_tolerance, minimum=0.0)
    if relative is None:
        raise InputError(f"descent.relative_tolerance: found {show(relative_tolerance)}, expected a number ≥ 0")
    if tolerance is None:
        return int(max_iterations), DEFAULT_TOLERANCE if relative_tolerance is None else 0.0, relative
    level = finite(tolerance, minimum=0.0)
    if level is None:
        raise InputError(f"descent.tolerance: found {show(tolerance)}, expected a number ≥ 0")
    return int(max_iterations), level, relative


def loss_of(problem: Any, network: Any, loss: Any) -> float:
    """Return the loss at a network, in floats; infinite where it overflows."""
    with np.errstate(all="ignore"):
        return float(loss.value(np, np.asarray(problem.operator.matvec(network.output())), problem.y))


def stopping_level(tolerance: float, relative_tolerance: float, loss_0: float) -> float:
    """Return the loss at which a run stops, from that at its start.

    Example:
        >>> stopping_level(1e-12, 1e-3, 5.0)
        0.005
    """
    relative = relative_tolerance * loss_0 if relative_tolerance and math.isfinite(loss_0) else 0.0
    return max(tolerance, relative)


def refuse_schedule(method: Method, schedule: Schedule) -> None:
    """Refuse schedules that a method does not have.

    Raises:
        InputError: such as backtracking for a method whose loss need not fall.
    """
    if schedule.kind not in method.schedules:
        raise InputError(
            f"descent.schedule: found {schedule.kind} with method {method.kind}, expected one of "
            f"{', '.join(method.schedules)}"
        )


def refuse_overflow(problem: Any, network: Any, loss: Any, step: str | float) -> None:
    """Refuse numbers that the network's number format, where it is float32, cannot hold.

    Raises:
        InputError: the first of them.
    """
    dtype = network.dtype
    if dtype == np.float64:
        return
    largest = float(np.finfo(dtype).max)
    found: dict[str, Any] = {"A": problem.operator.arrays, "y": (problem.y,)}
    found["network basis"] = (getattr(network, "basis", None),)
    found["network output_offset"] = (getattr(network, "output_offset", 0.0),)
    found |= {f"loss.{key}": (value,) for key, value in loss.to_json().items() if isinstance(value, float)}
    found["descent.step"] = () if step == "auto" else (step,)
    for name, parts in found.items():
        for part in parts:
            array = np.asarray(part)
            size = float(max(array.max(), -array.min())) if array.dtype == np.float64 else 0.0
            if size > largest:
                raise InputError(
                    f'{name}: found {size:.3g}, expected at most {largest:.2g} for {dtype}; rescale, or use "float64"'
                )
    if step != "auto" and not dtype.type(step) > 0:
        raise InputError(f'descent.step: found {step:.3g}, which {dtype} rounds to 0; use a larger step, or "float64"')


def _type(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"{type(value).__name__}"
