"""How JAX applies a structure during the descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from dipproofs.operators.kernels import Arrays, GatherKernel, Kernel, SeparableKernel, SparseKernel
from dipproofs.operators.structure.base import Structure
from dipproofs.operators.structure.block_diagonal import BlockDiagonal
from dipproofs.operators.structure.circulant import Circulant
from dipproofs.operators.structure.diagonal import Diagonal
from dipproofs.operators.structure.product import Product
from dipproofs.operators.structure.selection import Selection
from dipproofs.operators.structure.separable import Separable
from dipproofs.operators.structure.sparse import Sparse
from dipproofs.operators.structure.stack import Stack


@dataclass(frozen=True)
class DiagonalKernel:
    """Entrywise factors; arrays = (entries,)."""

    def apply(self, arrays: Arrays, x: Any) -> Any:
        """A x."""
        return arrays[0].astype(x.dtype) * x

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        """Aᵀ w."""
        return arrays[0].astype(w.dtype) * w


@dataclass(frozen=True)
class CirculantKernel:
    """Circular convolution by fast Fourier transforms; arrays = (kernel,)."""

    def apply(self, arrays: Arrays, x: Any) -> Any:
        """A x."""
        return self._convolved(arrays[0], x, False)

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        """Aᵀ w."""
        return self._convolved(arrays[0], w, True)

    @staticmethod
    def _convolved(kernel: Any, x: Any, conjugate: bool) -> Any:
        import jax.numpy as jnp

        spectrum = jnp.fft.rfft2(jnp.asarray(kernel, x.dtype))
        spectrum = spectrum.conj() if conjugate else spectrum
        return jnp.fft.irfft2(jnp.fft.rfft2(x.reshape(kernel.shape)) * spectrum, s=kernel.shape).ravel()


@dataclass(frozen=True)
class ProductKernel:
    """One kernel after another; arrays = those of the left one, then those of the right."""

    left: Kernel
    right: Kernel
    count: int

    def apply(self, arrays: Arrays, x: Any) -> Any:
        """A x."""
        return self.left.apply(arrays[: self.count], self.right.apply(arrays[self.count :], x))

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        """Aᵀ w."""
        return self.right.adjoint(arrays[self.count :], self.left.adjoint(arrays[: self.count], w))


@dataclass(frozen=True)
class BlocksKernel:
    """Kernels side by side, or above one another; arrays = those of all blocks, one after the other."""

    kernels: tuple[Kernel, ...]
    counts: tuple[int, ...]
    shapes: tuple[tuple[int, int], ...]
    stacked: bool

    def apply(self, arrays: Arrays, x: Any) -> Any:
        """A x."""
        import jax.numpy as jnp

        parts = [x] * len(self.kernels) if self.stacked else _cut(x, [columns for _, columns in self.shapes])
        blocks = zip(self.kernels, _cut(arrays, self.counts), parts)
        return jnp.concatenate([kernel.apply(own, part) for kernel, own, part in blocks])

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        """Aᵀ w."""
        import jax.numpy as jnp

        blocks = zip(self.kernels, _cut(arrays, self.counts), _cut(w, [rows for rows, _ in self.shapes]))
        images = [kernel.adjoint(own, part) for kernel, own, part in blocks]
        return sum(images) if self.stacked else jnp.concatenate(images)


def _cut(whole: Any, sizes: Sequence[int]) -> list[Any]:
    """Consecutive parts of these lengths."""
    return [whole[end - size : end] for end, size in zip(accumulate(sizes), sizes)]


def kernel_of(structure: Structure) -> tuple[Kernel, Arrays] | None:
    """Give the kernel of a structure and its arrays; None for a matrix without structure."""
    if isinstance(structure, Selection):
        return (GatherKernel(structure.columns), (structure.indices,)) if structure.distinct else None
    if isinstance(structure, Diagonal):
        return DiagonalKernel(), (structure.entries,)
    if isinstance(structure, Circulant):
        return CirculantKernel(), (structure.kernel,)
    if isinstance(structure, Separable):
        shape = (structure.vertical.shape[1], structure.horizontal.shape[1])
        return SeparableKernel(shape), (structure.vertical, structure.horizontal)
    if isinstance(structure, Sparse):
        return _sparse(structure)
    if isinstance(structure, Product):
        return _product(structure)
    if isinstance(structure, BlockDiagonal | Stack):
        return _blocks(structure)
    return None


def _product(structure: Product) -> tuple[Kernel, Arrays] | None:
    left, right = kernel_of(structure.left), kernel_of(structure.right)
    if left is None or right is None:
        return None
    return ProductKernel(left[0], right[0], len(left[1])), (*left[1], *right[1])


def _blocks(structure: BlockDiagonal | Stack) -> tuple[Kernel, Arrays] | None:
    found = [kernel_of(block) for block in structure.blocks]
    pairs = [entry for entry in found if entry is not None]
    if len(pairs) < len(found):
        return None
    kernels, counts = tuple(k for k, _ in pairs), tuple(len(a) for _, a in pairs)
    shapes = tuple(block.shape for block in structure.blocks)
    arrays = tuple(array for _, parts in pairs for array in parts)
    return BlocksKernel(kernels, counts, shapes, isinstance(structure, Stack)), arrays


def _sparse(structure: Sparse) -> tuple[Kernel, Arrays]:
    by_row, by_column = structure.matrix.tocoo(), structure.matrix.tocsc().tocoo()
    arrays = (by_row.row, by_row.col, by_row.data, by_column.row, by_column.col, by_column.data)
    return SparseKernel(*structure.shape), tuple(np.asarray(a) for a in arrays)
