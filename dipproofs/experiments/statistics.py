"""Frequencies with exact intervals, boundaries of transitions, and powers fitted to them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a binomial probability (Clopper and Pearson, 1934).

    Example:
        >>> [round(end, 4) for end in clopper_pearson(0, 20)]
        [0.0, 0.1684]
        >>> [round(end, 4) for end in clopper_pearson(19, 20)]
        [0.7513, 0.9987]
    """
    from scipy.special import betaincinv

    if trials == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else float(betaincinv(successes + 1, trials - successes, 1 - tail))
    return low, high


def half_boundary(k: Sequence[float], frequency: Sequence[float]) -> float:
    """Return the width at which a frequency first stays at least ½, between grid points linear in ln k.

    Returns:
        The width; the smallest of the grid if all are at least ½, inf if the last is below.

    Example:
        >>> round(half_boundary([1, 4, 16], [0.0, 0.25, 0.75]), 12), half_boundary([1, 2], [0.0, 0.4])
        (8.0, inf)
    """
    below = [index for index, value in enumerate(frequency) if value < 0.5]
    if not below:
        return float(k[0])
    last = below[-1]
    if last == len(k) - 1:
        return math.inf
    p, q = frequency[last], frequency[last + 1]
    part = (0.5 - p) / (q - p)
    return math.exp((1 - part) * math.log(k[last]) + part * math.log(k[last + 1]))


def fitted_power(x: Sequence[float], y: Sequence[float]) -> tuple[float, float] | None:
    """Fit y ∝ x^a by least squares in logarithms, over finite positive points.

    Returns:
        (a, its standard error), or None with fewer than three points.

    Example:
        >>> a, error = fitted_power([1, 2, 4, 8], [3, 12, 48, 192])
        >>> round(a, 9), round(error, 9)
        (2.0, 0.0)
    """
    points = [(math.log(a), math.log(b)) for a, b in zip(x, y) if 0 < a < math.inf and 0 < b < math.inf]
    if len(points) < 3:
        return None
    u, v = np.array(points).T
    u = u - u.mean()
    spread = float(u @ u)
    if spread == 0:
        return None
    slope = float(u @ v / spread)
    rest = v - v.mean() - slope * u
    return slope, math.sqrt(float(rest @ rest) / (len(points) - 2) / spread)


def power_text(fit: tuple[float, float] | None) -> str:
    """Write a fitted exponent.

    Example:
        >>> power_text((1.98, 0.06)), power_text(None)
        ('1.98 ± 0.06', 'not fitted')
    """
    return "not fitted" if fit is None else f"{fit[0]:.2f} ± {max(fit[1], 0.005):.2f}"


def frequency_text(successes: int, trials: int) -> str:
    """Write a frequency with its exact 95 % interval.

    Example:
        >>> frequency_text(19, 20)
        '19 of 20 (95 % interval 0.75 to 1.00)'
    """
    low, high = clopper_pearson(successes, trials)
    return f"{successes} of {trials} (95 % interval {low:.2f} to {high:.2f})"
