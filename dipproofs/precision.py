"""JAX's 64-bit mode, entered where it is needed; the caller's global setting stays as it is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def double_precision() -> AbstractContextManager[Any]:
    """Return a context in which JAX computes with float64 arrays (JAX is imported here).

    Example:
        >>> import jax, numpy as np
        >>> with double_precision():
        ...     str(jax.numpy.asarray(np.zeros(1)).dtype)
        'float64'
    """
    import jax

    if hasattr(jax, "enable_x64"):
        context: AbstractContextManager[Any] = jax.enable_x64(True)
        return context
    from jax.experimental import enable_x64  # type: ignore[attr-defined]  # JAX before 0.8

    older: AbstractContextManager[Any] = enable_x64()
    return older
