"""Arguments from Python, checked before a run: what cannot be used is refused in one line."""

from __future__ import annotations

from typing import Any

import numpy as np

from dipproofs.errors import InputError
from dipproofs.networks import TwoLayer


def checked_setting(problem: Any, network: Any) -> None:
    """Refuse what is no inverse problem, no network, or a network that does not fit the operator.

    Raises:
        InputError: what was found instead.
    """
    if not (hasattr(problem, "operator") and hasattr(problem, "y")):
        raise InputError(f"problem: found {_type(problem)}, expected an InverseProblem; use dp.InverseProblem(A, y)")
    if not isinstance(network, TwoLayer):
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
    from dipproofs.problems.schema import finite, show

    if isinstance(step, str) and step == "auto":
        return "auto"
    gamma = finite(step, above=0.0)
    if gamma is None:
        raise InputError(f'descent.step: found {show(step)}, expected a positive number or "auto"')
    return gamma


def checked_end(max_iterations: Any, tolerance: Any) -> tuple[int, float]:
    """Return when a run ends, as an integer and a float, both at least 0.

    Raises:
        InputError: something else.
    """
    from dipproofs.problems.schema import finite, show

    count, level = finite(max_iterations, minimum=0.0), finite(tolerance, minimum=0.0)
    if count is None or int(count) != count:
        raise InputError(f"descent.max_iterations: found {show(max_iterations)}, expected an integer ≥ 0")
    if level is None:
        raise InputError(f"descent.tolerance: found {show(tolerance)}, expected a number ≥ 0")
    return int(max_iterations), level


def refuse_overflow(problem: Any, network: TwoLayer, loss: Any, step: str | float) -> None:
    """Refuse numbers that the network's number format, where it is float32, cannot hold.

    Raises:
        InputError: the first of them.
    """
    dtype = network.dtype
    if dtype == np.float64:
        return
    largest = float(np.finfo(dtype).max)
    found: dict[str, Any] = {"A": problem.operator.arrays, "y": (problem.y,), "network basis": (network.basis,)}
    found["network output_offset"] = (network.output_offset,)
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
