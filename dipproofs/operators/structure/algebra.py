"""Products, multiples, transposes and stacks of structures, where they have structure again.

Floats are multiplied and added as a program would: the result is the operator, as a tabulated matrix is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import scipy.sparse as sp

from dipproofs.operators.structure.base import Structure
from dipproofs.operators.structure.block_diagonal import BlockDiagonal
from dipproofs.operators.structure.circulant import Circulant
from dipproofs.operators.structure.diagonal import Diagonal
from dipproofs.operators.structure.product import Product, picks_columns, picks_rows
from dipproofs.operators.structure.recognise import of_sparse
from dipproofs.operators.structure.selection import Selection
from dipproofs.operators.structure.separable import Separable
from dipproofs.operators.structure.sparse import Sparse
from dipproofs.operators.structure.stack import Stack

_T = TypeVar("_T")
_FEW = 256
"""Entries of a kernel up to which convolving with it directly keeps zeros exact at little cost."""


def product(left: Structure, right: Structure) -> Structure | None:
    """Give the structure of left·right, or None.

    Example:
        >>> blur = Circulant(np.array([[0.5, 0.5, 0.0]]))
        >>> product(blur, blur).kernel.tolist(), product(Selection(np.array([2]), 3), blur).kind
        ([[0.25, 0.5, 0.25]], 'product')
    """
    if is_identity(left):
        return right
    if is_identity(right):
        return left
    if isinstance(left, Selection) and isinstance(right, Selection):
        return Selection(right.indices[left.indices], right.columns)
    if isinstance(left, Diagonal) and isinstance(right, Diagonal):
        return Diagonal(left.entries * right.entries)
    if isinstance(left, Circulant) and isinstance(right, Circulant):
        return _convolved(left, right)
    if isinstance(left, Separable) and isinstance(right, Separable):
        factors = (left.vertical, right.vertical), (left.horizontal, right.horizontal)
        fit = all(a.shape[1] == b.shape[0] for a, b in factors)
        return Separable(*(a @ b for a, b in factors)) if fit else None
    if isinstance(left, BlockDiagonal) and isinstance(right, BlockDiagonal):
        return _blockwise(left, right)
    first, second = as_sparse(left), as_sparse(right)
    if first is not None and second is not None:
        return _sparse(first @ second)
    if picks_rows(left) or picks_columns(right):
        return Product(left, right)
    return None


def multiple(structure: Structure, factor: float) -> Structure | None:
    """Give the structure of factor·A, or None.

    Example:
        >>> multiple(Diagonal(np.array([1.0, 2.0])), 3.0).entries.tolist()
        [3.0, 6.0]
    """
    if factor == 1:
        return structure
    if isinstance(structure, Circulant):
        return Circulant(structure.kernel * factor)
    if isinstance(structure, Separable):
        return Separable(structure.vertical * factor, structure.horizontal)
    if isinstance(structure, BlockDiagonal | Stack):
        parts = _all(multiple(block, factor) for block in structure.blocks)
        return None if parts is None else type(structure)(parts)
    if isinstance(structure, Product):
        left = multiple(structure.left, factor)
        return None if left is None else product(left, structure.right)
    matrix = as_sparse(structure)
    return None if matrix is None else _sparse(matrix * factor)


def transpose(structure: Structure) -> Structure | None:
    """Give the structure of Aᵀ, or None.

    Example:
        >>> transpose(Circulant(np.array([[1.0, 2.0, 3.0]]))).kernel.tolist()
        [[1.0, 3.0, 2.0]]
    """
    if isinstance(structure, Circulant):
        return Circulant(np.roll(structure.kernel[::-1, ::-1], (1, 1), (0, 1)))
    if isinstance(structure, Separable):
        return Separable(structure.vertical.T, structure.horizontal.T)
    if isinstance(structure, BlockDiagonal):
        parts = _all(transpose(block) for block in structure.blocks)
        return None if parts is None else BlockDiagonal(parts)
    matrix = as_sparse(structure)
    return None if matrix is None else _sparse(matrix.T)


def total(terms: Sequence[Structure]) -> Structure | None:
    """Give the structure of A_1 + … + A_b, or None: sums of convolutions, and of sparse matrices.

    Example:
        >>> total([Diagonal(np.array([1.0, 2.0])), Selection(np.array([0, 1]), 2)]).entries.tolist()
        [2.0, 3.0]
    """
    shapes = {term.kernel.shape for term in terms if isinstance(term, Circulant)}
    if len(shapes) == 1:
        (shape,) = shapes
        kernels = _all(_kernel(term, (shape[0], shape[1])) for term in terms)
        return None if kernels is None else Circulant(np.asarray(sum(kernels)))
    matrices = _all(as_sparse(term) for term in terms)
    return None if matrices is None else _sparse(sum(matrices[1:], matrices[0]))


def stack(blocks: Sequence[Structure]) -> Structure:
    """Give the structure of operators above one another; what multiplies by a number becomes a convolution beside some.

    Example:
        >>> stack([Selection(np.array([0]), 2), Selection(np.array([1, 1]), 2)]).indices.tolist()
        [0, 1, 1]
    """
    if len(blocks) == 1:
        return blocks[0]
    selections = [block for block in blocks if isinstance(block, Selection)]
    if len(selections) == len(blocks):
        return Selection(np.concatenate([block.indices for block in selections]), selections[0].columns)
    if all(isinstance(block, Sparse) for block in blocks):
        return _sparse(sp.vstack([as_sparse(block) for block in blocks], format="csr")) or Stack(tuple(blocks))
    shapes = {block.kernel.shape for block in blocks if isinstance(block, Circulant)}
    if len(shapes) == 1:
        (shape,) = shapes
        kernels = [_kernel(block, (shape[0], shape[1])) for block in blocks]
        return Stack(tuple(b if k is None else Circulant(k) for b, k in zip(blocks, kernels)))
    return Stack(tuple(blocks))


def is_identity(structure: Structure) -> bool:
    """Whether A = I."""
    m, n = structure.shape
    if isinstance(structure, Diagonal):
        return bool((structure.entries == 1).all())
    return isinstance(structure, Selection) and m == n and bool((structure.indices == np.arange(n)).all())


def as_sparse(structure: Structure) -> sp.csr_array | None:
    """The matrix in compressed rows, where it has few entries and none is made by arithmetic."""
    m, n = structure.shape
    if isinstance(structure, Sparse):
        return structure.matrix
    if isinstance(structure, Selection):
        return sp.csr_array((np.ones(m), structure.indices, np.arange(m + 1)), shape=(m, n))
    if isinstance(structure, Diagonal):
        return sp.csr_array((structure.entries, np.arange(m), np.arange(m + 1)), shape=(m, n))
    return None


def _all(parts: Iterable[_T | None]) -> tuple[_T, ...] | None:
    """The parts; None if one is missing."""
    listed = tuple(parts)
    found = tuple(part for part in listed if part is not None)
    return found if len(found) == len(listed) else None


def _sparse(matrix: sp.spmatrix) -> Structure | None:
    csr = sp.csr_array(matrix)
    csr.sum_duplicates()
    csr.eliminate_zeros()
    return of_sparse(csr) if csr.nnz else None


def _kernel(structure: Structure, shape: tuple[int, int]) -> np.ndarray | None:
    """The kernel of a convolution on pictures of a shape, or of a multiple of the identity."""
    if isinstance(structure, Circulant):
        return structure.kernel if structure.kernel.shape == shape else None
    factor = 1.0 if is_identity(structure) else None
    if isinstance(structure, Diagonal) and (structure.entries == structure.entries[0]).all():
        factor = float(structure.entries[0])
    if factor is None or structure.shape[1] != shape[0] * shape[1]:
        return None
    kernel = np.zeros(shape)
    kernel[0, 0] = factor
    return kernel


def _convolved(left: Circulant, right: Circulant) -> Circulant | None:
    if left.kernel.shape != right.kernel.shape:
        return None
    few, many = sorted((left.kernel, right.kernel), key=np.count_nonzero)
    if np.count_nonzero(few) > _FEW:
        return Circulant(left.matvec(right.kernel.ravel()).reshape(right.kernel.shape))
    places = zip(*np.nonzero(few))
    terms = [few[place] * np.roll(many, tuple(int(p) for p in place), (0, 1)) for place in places]
    return Circulant(np.sum(terms, axis=0))


def _blockwise(left: BlockDiagonal, right: BlockDiagonal) -> BlockDiagonal | None:
    pairs = list(zip(left.blocks, right.blocks))
    if len(left.blocks) != len(right.blocks) or any(a.shape[1] != b.shape[0] for a, b in pairs):
        return None
    parts = _all(product(a, b) for a, b in pairs)
    return None if parts is None else BlockDiagonal(parts)
