"""Fast linear maps for JAX: how `A x` and `Aᵀ w` are computed during the descent.

A kernel is a small hashable object without arrays; the arrays travel beside it, so that a jitted function
takes the kernel as a static argument and the arrays as traced ones. Kernels only *propose* iterates: a
certificate is about `Operator.to_dense()`. JAX is imported when a kernel is applied, not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

Arrays = tuple[Any, ...]


class Kernel(Protocol):
    """A linear map R^n → R^m and its adjoint, as pure functions of JAX arrays."""

    def apply(self, arrays: Arrays, x: Any) -> Any:
        """Give A x for x of shape (n,)."""
        ...

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        """Give Aᵀ w for w of shape (m,)."""
        ...


@dataclass(frozen=True)
class DenseKernel:
    """A stored matrix; arrays = (A,) with A of shape (m, n)."""

    def apply(self, arrays: Arrays, x: Any) -> Any:
        return _matmul(_cast(arrays[0], x), x)

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        return _matmul(w, _cast(arrays[0], w))


@dataclass(frozen=True)
class IdentityKernel:
    """The identity; arrays = ()."""

    def apply(self, arrays: Arrays, x: Any) -> Any:
        return x

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        return w


@dataclass(frozen=True)
class GatherKernel:
    """Selected coordinates; arrays = (indices,), distinct, of shape (m,)."""

    columns: int

    def apply(self, arrays: Arrays, x: Any) -> Any:
        return x[arrays[0]]

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        import jax.numpy as jnp

        return jnp.zeros(self.columns, w.dtype).at[arrays[0]].set(w, unique_indices=True)


def _cast(array: Any, like: Any) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(array, like.dtype)


def _matmul(left: Any, right: Any) -> Any:
    import jax.numpy as jnp

    return jnp.matmul(left, right, precision="highest")
