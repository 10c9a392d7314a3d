"""Additive noise of a chosen relative level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dipproofs.arguments.schema import Options, number, seed
from dipproofs.errors import InputError


@dataclass(frozen=True)
class NoiseOptions(Options):
    """Keys of `[noise]`.

    Args:
        level: ‖ε‖/‖A x̄‖ ≥ 0, up to rounding; ε is a Gaussian vector scaled to this norm.
        seed: of the random generator.
        norm: ‖ε‖ of data that were measured (y from a file), as the user states it.
    """

    section: ClassVar[str] = "noise"

    level: float = number(0.0, minimum=0.0)
    seed: int = seed(2)
    norm: float | None = number(None, minimum=0.0)


def draw_noise(clean: np.ndarray, level: float, seed: int) -> np.ndarray:
    """Draw ε with ‖ε‖ = level·‖clean‖.

    Args:
        clean: A x̄, shape (m,).
        level: ≥ 0.
        seed: of the random generator.

    Returns:
        ε, (m,) float64.

    Raises:
        InputError: A x̄ = 0, or a level so large that the noise overflows.

    Example:
        >>> noise = draw_noise(np.array([3.0, 4.0]), 0.1, seed=2)
        >>> round(float(np.linalg.norm(noise)), 12)
        0.5
    """
    size = float(np.linalg.norm(clean))
    if level == 0:
        return np.zeros(clean.shape)
    if size == 0:
        raise InputError(f"noise.level: found {level:g}, but A x̄ = 0, so a relative level has no meaning")
    direction = np.random.default_rng(seed).standard_normal(clean.shape)
    target = level * size
    if not np.isfinite(target * target):
        raise InputError(f"noise.level: found {level:g}, too large for these data; expected a smaller number")
    return direction * (target / np.linalg.norm(direction))
