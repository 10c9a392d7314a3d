"""Decide exactly whether a discrete Fourier transform of floats vanishes at a frequency.

Let d be the least number with k d/height and l d/width integers, and ω = exp(−2πi/d): the transform of c at (k, l) is
p(ω) with p(x) = Σ c_{s,t} x^{(k d/height · s + l d/width · t) mod d}. Floats are integers times a power of two, and
p(ω) = 0 if and only if the cyclotomic polynomial Φ_d, the minimal polynomial of ω, divides p. Frequencies (ak, al) with
a prime to d are conjugate over the rationals and vanish together.
"""

from __future__ import annotations

import math

import flint
import numpy as np

_WORK = 4e8
"""Coefficient operations after which the remaining frequencies stay undecided."""


def vanishes(kernel: np.ndarray, frequencies: list[tuple[int, int]]) -> list[bool | None]:
    """Say for each frequency whether the transform is exactly 0; None where that would take too long.

    Args:
        kernel: (height, width) finite floats.
        frequencies: pairs (k, l).

    Example:
        >>> vanishes(np.array([[1.0, 1.0, 1.0]]), [(0, 0), (0, 1)])
        [False, True]
    """
    rows, columns = np.nonzero(kernel)
    ratios = [value.as_integer_ratio() for value in kernel[rows, columns].astype(np.float64).tolist()]
    common = max((bottom for _, bottom in ratios), default=1)
    numbers = [top * (common // bottom) for top, bottom in ratios]
    known: dict[tuple[int, int], bool] = {}
    result: list[bool | None] = []
    work = 0.0
    for frequency in frequencies:
        if frequency not in known:
            order, steps = _order(frequency, kernel.shape)
            work += order * order / 2 + 50 * len(numbers)
            if work > _WORK:
                result.append(None)
                continue
            coefficients = [0] * order
            for power, number in zip(((steps[0] * rows + steps[1] * columns) % order).tolist(), numbers):
                coefficients[power] += number
            zero = not (flint.fmpz_poly(coefficients) % flint.fmpz_poly.cyclotomic(order))
            known |= dict.fromkeys(_conjugates(frequency, kernel.shape, order), zero)
        result.append(known[frequency])
    return result


def _order(frequency: tuple[int, int], shape: tuple[int, ...]) -> tuple[int, tuple[int, int]]:
    """The order d of the characters at (k, l), and its exponents (k d/height, l d/width)."""
    orders = [size // math.gcd(k, size) for k, size in zip(frequency, shape)]
    order = math.lcm(*orders)
    first, second = (k * order // size for k, size in zip(frequency, shape))
    return order, (first, second)


def _conjugates(frequency: tuple[int, int], shape: tuple[int, ...], order: int) -> list[tuple[int, int]]:
    units = [a for a in range(1, order + 1) if math.gcd(a, order) == 1]
    return [(a * frequency[0] % shape[0], a * frequency[1] % shape[1]) for a in units]
