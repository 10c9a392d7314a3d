"""Fast linear maps for JAX: how `A x` and `Aᵀ w` are computed during the descent.

A kernel is a small hashable object without arrays; the arrays travel beside it, so that a jitted function
takes the kernel as a static argument and the arrays as traced ones. Kernels only *propose* iterates: a
certificate is about `Operator.to_dense()`. JAX is imported when a kernel is applied, not before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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
        return matmul(_cast(arrays[0], x), x)

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        return matmul(w, _cast(arrays[0], w))


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


@dataclass(frozen=True)
class SparseKernel:
    """A sparse matrix; arrays = (rows, columns, values) ordered by row, then the same ordered by column."""

    rows: int
    columns: int

    def apply(self, arrays: Arrays, x: Any) -> Any:
        rows, columns, values = arrays[:3]
        return _sorted_sums(_cast(values, x) * x[columns], rows, self.rows)

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        rows, columns, values = arrays[3:]
        return _sorted_sums(_cast(values, w) * w[rows], columns, self.columns)


@dataclass(frozen=True)
class SeparableKernel:
    """A Kronecker product V ⊗ H acting on images, of which some rows may be kept.

    arrays = (V, H) or (V, H, indices) with V (p, height), H (q, width) and indices into the p·q results.
    """

    shape: tuple[int, int]

    def apply(self, arrays: Arrays, x: Any) -> Any:
        vertical, horizontal = _cast(arrays[0], x), _cast(arrays[1], x)
        image = matmul(matmul(vertical, x.reshape(self.shape)), horizontal.T).ravel()
        return image[arrays[2]] if len(arrays) == 3 else image

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        import jax.numpy as jnp

        vertical, horizontal = _cast(arrays[0], w), _cast(arrays[1], w)
        size = (vertical.shape[0], horizontal.shape[0])
        if len(arrays) == 3:
            w = jnp.zeros(size[0] * size[1], w.dtype).at[arrays[2]].set(w, unique_indices=True)
        return matmul(matmul(vertical.T, w.reshape(size)), horizontal).ravel()


@dataclass(frozen=True)
class FunctionKernel:
    """A linear JAX function of an array of shape `in_shape`; arrays = (). The adjoint is its transpose."""

    function: Callable[[Any], Any]
    in_shape: tuple[int, ...]

    def apply(self, arrays: Arrays, x: Any) -> Any:
        return self.function(x.reshape(self.in_shape)).ravel().astype(x.dtype)

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        import jax

        unknown = jax.ShapeDtypeStruct((math.prod(self.in_shape),), w.dtype)
        return jax.linear_transpose(lambda x: self.apply(arrays, x), unknown)(w)[0]


def _sorted_sums(terms: Any, groups: Any, count: int) -> Any:
    import jax

    return jax.ops.segment_sum(terms, groups, num_segments=count, indices_are_sorted=True)


def _cast(array: Any, like: Any) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(array, like.dtype)


def matmul(left: Any, right: Any) -> Any:
    """Multiply in full precision on every device."""
    import jax.numpy as jnp

    return jnp.matmul(left, right, precision="highest")
