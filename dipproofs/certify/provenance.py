"""Where a certificate comes from: versions, device, number format, problem."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = ("dipproofs", "jax", "numpy", "scipy", "sympy", "python-flint")


def provenance(device: str, dtype: str, problem: Mapping[str, Any] | None = None, posed: Any = None) -> dict[str, Any]:
    """Return the contract's ``provenance``.

    Args:
        device: "cpu", "gpu", … where the descent ran ("none" without a descent).
        dtype: number format of the descent.
        problem: the problem file as JSON values, if there was one.
        posed: `InverseProblem`, whose name and shapes reports use.
    """
    return {
        **{name: _version(name) for name in _PACKAGES},
        "device": device,
        "dtype": dtype,
        "problem": dict(problem or {}),
        **({} if posed is None else {"about": _description(posed)}),
    }


def _description(posed: Any) -> dict[str, Any]:
    """Name of the problem and shapes of signal and data, where they are known."""
    shapes = {"image_shape": posed.image_shape, "data_shape": posed.data_shape}
    return {"name": posed.name, **{key: [int(side) for side in shape] for key, shape in shapes.items() if shape}}


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
