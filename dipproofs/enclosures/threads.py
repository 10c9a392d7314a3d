"""Threads for proofs: one of BLAS in each of ours, so that none waits for another.

NumPy and SciPy ship an OpenBLAS each, whose idle threads spin. On a busy machine, or beside the threads of JAX, a
factorisation of order 1000 on two threads was measured to take up to thirty times as long as on one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

First = TypeVar("First")
Second = TypeVar("Second")
Part = TypeVar("Part")
Result = TypeVar("Result")

#: Multiplications up to which one thread is used: about a tenth of a second on one core.
SMALL = 2**32
#: Below this many, a second thread is not worth its start.
_LEAST = 2**25


class _Limit:
    """One thread of BLAS while anybody is inside: the first one sets it, the last one to leave puts back what was.

    The number is one for the whole process: where each puts back what it found, whoever leaves last puts back 1.
    """

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limiter = _blas().limit(limits=1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limiter.restore_original_limits()


_LIMIT = _Limit()


@contextmanager
def one_thread(multiplications: float = 0) -> Iterator[None]:
    """Let BLAS use one thread inside; nothing happens for large work, or where no BLAS is known.

    Args:
        multiplications: what the largest product inside costs.

    Example:
        >>> import numpy as np
        >>> with one_thread():
        ...     float((np.eye(3) @ np.ones(3)).sum())
        3.0
    """
    if multiplications > SMALL:
        yield
    else:
        with _LIMIT:
            yield


def both(first: Callable[[], First], second: Callable[[], Second], multiplications: float) -> tuple[First, Second]:
    """Give the results of two independent functions, computed at the same time where that is quicker.

    Args:
        first, second: must not use FLINT, whose precision is one for all threads.
        multiplications: what each of them costs.

    Notes:
        Each runs on one thread from its start to its end, so the results do not depend on their order.

    Example:
        >>> both(lambda: 1, lambda: 2, 0)
        (1, 2)
    """
    if not _LEAST <= multiplications <= SMALL or not _blas().lib_controllers or (os.cpu_count() or 1) < 2:
        return first(), second()
    with one_thread(multiplications), ThreadPoolExecutor(1) as pool:
        other = pool.submit(second)
        return first(), other.result()


def in_parallel(task: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """Give the results of a function for each of some parts, in order, on as many threads as BLAS may use now.

    Args:
        task: must not use FLINT; what it writes must depend on its part alone. parts: the dearest first.

    Notes:
        BLAS uses one thread inside each, so a result depends neither on their number nor on their order.

    Example:
        >>> in_parallel(lambda part: 2 * part, [3, 1])
        [6, 2]
    """
    workers = min(_threads(), len(parts))
    if workers < 2:
        return [task(part) for part in parts]
    warnings = np.geterr()

    def quietly(part: Part) -> Result:
        with np.errstate(**warnings):
            return task(part)

    with _LIMIT, ThreadPoolExecutor(workers) as pool:
        return list(pool.map(quietly, parts))


def _threads() -> int:
    """How many threads BLAS may use now."""
    most = max((library.num_threads for library in _blas().lib_controllers), default=1)
    return min(most, os.cpu_count() or 1)


@cache
def _blas() -> ThreadpoolController:
    """The BLAS libraries of NumPy and SciPy, found once."""
    import numpy.linalg  # noqa: F401 - these two load them
    import scipy.linalg.blas  # noqa: F401

    return ThreadpoolController().select(user_api="blas")
