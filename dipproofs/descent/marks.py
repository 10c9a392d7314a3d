"""The iterations at which a run pauses: to be offered for certification, to look at the step again."""

from __future__ import annotations

import math
from bisect import bisect_right

#: Chunks of at most this many iterations, so that a run can be watched and interrupted.
CAPACITY = 1024
#: Ratio of successive iterations at which the run is offered for certification.
_GEOMETRIC_RATIO = 1.15


class Marks:
    """The candidate iterations and every `CAPACITY` between: the same ones however far a run is to go.

    Args:
        watched: whether there are candidates at all, besides 0.
    """

    def __init__(self, watched: bool) -> None:
        self._watched, self._candidates = watched, [0]

    def _before(self, tau: int) -> int:
        while self._watched and self._candidates[-1] <= tau:
            last = self._candidates[-1]
            self._candidates.append(max(last + 1, math.ceil(last * _GEOMETRIC_RATIO)))
        return bisect_right(self._candidates, tau) - 1

    def offers(self, tau: int) -> bool:
        """Whether τ is a candidate."""
        return self._candidates[self._before(tau)] == tau

    def pauses(self, tau: int) -> bool:
        """Whether τ is a mark."""
        return (tau - self._candidates[self._before(tau)]) % CAPACITY == 0

    def after(self, tau: int) -> int:
        """The next mark after τ.

        Example:
            >>> marks = Marks(True)
            >>> [marks.after(tau) for tau in (0, 7, 8, 10_000)]
            [1, 9, 9, 10947]
        """
        index = self._before(tau)
        ahead = tau + CAPACITY - (tau - self._candidates[index]) % CAPACITY
        return min(ahead, self._candidates[index + 1]) if self._watched else ahead
