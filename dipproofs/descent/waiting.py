"""Waiting for the device so that Ctrl-C is heard, and not waiting for what is no longer wanted of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar

from dipproofs.precision import double_precision

Result = TypeVar("Result")

#: A wait looks again after this share of its time so far, and after so many seconds at the latest.
_SHARE, _LATEST = 0.01, 0.01


def settled(array: Any) -> None:
    """Return once the device has computed an array: a KeyboardInterrupt is raised at once, JAX' own wait delays it.

    Example:
        >>> import jax.numpy as jnp
        >>> settled(jnp.ones(2) + 1)
    """
    began = time.perf_counter()
    while not array.is_ready():
        time.sleep(min(_SHARE * (time.perf_counter() - began), _LATEST))


def beside(work: Callable[[], Result], double: bool) -> Result:
    """Do some work with JAX without waiting for what this thread has begun.

    Args:
        work: done in a thread of its own; JAX on CPUs keeps the order of the calls of one thread. double: in 64 bits.

    Notes:
        What JAX is told to use in this thread alone, the device and the precision of products, holds there, so that
        the same compiled functions give the same numbers.

    Example:
        >>> import jax.numpy as jnp
        >>> beside(lambda: str((jnp.ones(2) + 1).dtype), True)
        'float64'
    """
    import jax

    config: Any = jax.config
    device, precision = config.jax_default_device, config.jax_default_matmul_precision

    def there() -> Result:
        with ExitStack() as contexts:
            if double:
                contexts.enter_context(double_precision())
            if device is not None:  # to set what is set already would compile everything again
                contexts.enter_context(jax.default_device(device))
            if precision is not None:
                contexts.enter_context(jax.default_matmul_precision(precision))
            return work()

    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(there).result()
    finally:  # a second Ctrl-C does not wait for the work either
        pool.shutdown(wait=False)
