"""The smallest integer that a monotone condition accepts: floats propose it, Arb verifies it and its predecessor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: Widths beyond this are not searched: 2^1000 ≈ 1.07e301.
MAX_LOG2 = 1000.0
_ITERATIONS = 70

Verified = Callable[[int], bool]


def propose(margin: Callable[[Any], Any], cells: int) -> np.ndarray:
    """Return, for each cell, a float near the smallest width with margin > 0 (inf if none up to 2^1000).

    Args:
        margin: (cells,) widths -> (cells,) margins, increasing in the width; NaN counts as "not yet".
        cells: number of cells.

    Notes:
        Evidence: none; `smallest_verified` repairs any error.
    """
    low, high = np.zeros(cells), np.full(cells, MAX_LOG2)
    with np.errstate(all="ignore"):
        at_one = np.asarray(margin(np.ones(cells)), dtype=float) > 0
        reachable = np.broadcast_to(np.asarray(margin(np.exp2(high)), dtype=float) > 0, (cells,))
        for _ in range(_ITERATIONS):
            middle = (low + high) / 2
            holds = np.asarray(margin(np.exp2(middle)), dtype=float) > 0
            low, high = np.where(holds, low, middle), np.where(holds, middle, high)
    return np.where(at_one, 1.0, np.where(reachable, np.exp2(high), np.inf))


def smallest_verified(verified: Verified, proposal: float, limit: int) -> int | None:
    """Return the smallest k with ``verified(k)`` near a proposal, such that ``verified(k−1)`` is false (or k = 1).

    Args:
        verified: whether k is verified; monotone in k up to the width of enclosures.
        proposal: where to start; inf or wrong values cost time, not correctness.
        limit: largest k to try.

    Returns:
        k, or None if no k ≤ limit is verified.

    Example:
        >>> smallest_verified(lambda k: k * k > 1000, 7.0, 10**6)
        32
        >>> smallest_verified(lambda k: False, 7.0, 10**6) is None
        True
    """
    start = min(limit, max(1, int(np.ceil(proposal)) if np.isfinite(proposal) else limit))
    if verified(start):
        good, step = start, 1
        bad = 0
        while good > 1:
            candidate = max(1, good - step)
            if not verified(candidate):
                bad = candidate
                break
            good, step = candidate, 2 * step
    else:
        bad, step = start, 1
        while True:
            if bad >= limit:
                return None
            candidate = min(limit, bad + step)
            if verified(candidate):
                good = candidate
                break
            bad, step = candidate, 2 * step
    while good - bad > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if verified(middle) else (good, middle)
    return good
