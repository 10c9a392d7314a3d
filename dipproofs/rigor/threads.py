"""Threads for small proofs: one of BLAS, so that none waits for another, and two of ours for independent halves.

NumPy and SciPy ship an OpenBLAS each, whose idle threads spin. On a busy machine, or beside the threads of JAX, a
factorisation of order 1000 on two threads was measured to take up to thirty times as long as on one.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

First = TypeVar("First")
Second = TypeVar("Second")

#: Multiplications up to which one thread is used: about a tenth of a second on one core.
SMALL = 2**32
#: Below this many, a second thread is not worth its start.
_LEAST = 2**25
_PREFIXES, _SUFFIXES = ("scipy_openblas", "openblas"), ("64_", "")


@contextmanager
def one_thread(multiplications: float = 0) -> Iterator[None]:
    """Let BLAS use one thread inside; nothing happens for large work, or where the BLAS is not an OpenBLAS.

    Args:
        multiplications: what the largest product inside costs.

    Example:
        >>> import numpy as np
        >>> with one_thread():
        ...     float((np.eye(3) @ np.ones(3)).sum())
        3.0
    """
    pools = _pools() if multiplications <= SMALL else ()
    before = [read() for read, _ in pools]
    try:
        for _, write in pools:
            write(1)
        yield
    finally:
        for (_, write), count in zip(pools, before, strict=True):
            write(count)


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
    if not _LEAST <= multiplications <= SMALL or not _pools() or (os.cpu_count() or 1) < 2:
        return first(), second()
    with one_thread(multiplications), ThreadPoolExecutor(1) as pool:
        other = pool.submit(second)
        return first(), other.result()


@cache
def _pools() -> tuple[tuple[Callable[[], int], Callable[[int], None]], ...]:
    """The functions that tell and set the number of threads, for NumPy's and SciPy's OpenBLAS."""
    found = []
    for file in _extensions():
        try:
            library = ctypes.CDLL(file)
        except OSError:
            continue
        for prefix in _PREFIXES:
            for suffix in _SUFFIXES:
                read = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
                write = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
                if read is not None and write is not None:
                    found.append((read, write))
    return tuple(found)


def _extensions() -> list[str]:
    """Extension modules that are linked with a BLAS."""
    import numpy.linalg
    import scipy.linalg.cython_blas as scipy_blas

    modules = (getattr(numpy.linalg, "_umath_linalg", None), scipy_blas)
    return [file for file in (getattr(module, "__file__", None) for module in modules) if file]
