"""How JAX applies a structure during the descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.operators.kernels import Arrays, GatherKernel, Kernel, SeparableKernel, SparseKernel
from dipproofs.operators.structure.base import Structure
from dipproofs.operators.structure.block_diagonal import BlockDiagonal
from dipproofs.operators.structure.circulant import Circulant
from dipproofs.operators.structure.diagonal import Diagonal
from dipproofs.operators.structure.selection import Selection
from dipproofs.operators.structure.separable import Separable
from dipproofs.operators.structure.sparse import Sparse


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
class BlockKernel:
    """Kernels side by side; arrays = those of all blocks, one after the other."""

    kernels: tuple[Kernel, ...]
    counts: tuple[int, ...]
    shapes: tuple[tuple[int, int], ...]

    def apply(self, arrays: Arrays, x: Any) -> Any:
        """A x."""
        return self._blocks(arrays, x, 1, "apply")

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        """Aᵀ w."""
        return self._blocks(arrays, w, 0, "adjoint")

    def _blocks(self, arrays: Arrays, x: Any, axis: int, method: str) -> Any:
        import jax.numpy as jnp

        parts, array, place = [], 0, 0
        for kernel, count, shape in zip(self.kernels, self.counts, self.shapes):
            part = x[place : place + shape[axis]]
            parts.append(getattr(kernel, method)(arrays[array : array + count], part))
            array, place = array + count, place + shape[axis]
        return jnp.concatenate(parts)


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
    if isinstance(structure, BlockDiagonal):
        found = [kernel_of(block) for block in structure.blocks]
        if any(entry is None for entry in found):
            return None
        pairs = [entry for entry in found if entry is not None]
        kernel = BlockKernel(
            tuple(k for k, _ in pairs), tuple(len(a) for _, a in pairs), tuple(b.shape for b in structure.blocks)
        )
        return kernel, tuple(array for _, arrays in pairs for array in arrays)
    return None


def _sparse(structure: Sparse) -> tuple[Kernel, Arrays]:
    by_row, by_column = structure.matrix.tocoo(), structure.matrix.tocsc().tocoo()
    arrays = (by_row.row, by_row.col, by_row.data, by_column.row, by_column.col, by_column.data)
    return SparseKernel(*structure.shape), tuple(np.asarray(a) for a in arrays)
