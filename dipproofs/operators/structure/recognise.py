"""Recognise the structure of a map from a few of its values, of any library: diagonal, selection, circulant.

A candidate is read from one or two values and kept only if it agrees with the map on random arguments: exactly for
selections, within the rounding of the dot test for the others. Two linear maps that differ disagree on random arguments
with probability 1; what is certified is the structure's own numbers either way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse as sp

from dipproofs.operators.dot_test import arguments
from dipproofs.operators.structure.base import Structure
from dipproofs.operators.structure.block_diagonal import BlockDiagonal
from dipproofs.operators.structure.circulant import Circulant
from dipproofs.operators.structure.diagonal import Diagonal
from dipproofs.operators.structure.product import Product
from dipproofs.operators.structure.selection import Selection
from dipproofs.operators.structure.separable import Separable
from dipproofs.operators.structure.sparse import Sparse
from dipproofs.operators.structure.stack import Stack

Map = Callable[[np.ndarray], np.ndarray]

_FACTOR = 16.0
#: A row of a diagonal is known where the tolerance is below this multiple of it.
_FAINT = 1e-6


def recognise(forward: Map, columns: int, shape: tuple[int, ...] | None) -> Structure | None:
    """Give the structure of a map, or None.

    Args:
        forward: x (n,) ↦ A x, flat and real.
        columns: n.
        shape: the signal's shape, if it has one; circulant structure is looked for along its last two axes.

    Example:
        >>> recognise(lambda x: x[::2], 6, None).indices.tolist()
        [0, 2, 4]
        >>> type(recognise(lambda x: x + np.roll(x, 1), 6, (6,))).__name__
        'Circulant'
    """
    for candidate in _candidates(forward, columns, shape):
        if candidate is not None and agrees(forward, candidate):
            return candidate
    return None


def of_sparse(matrix: sp.csr_array) -> Structure:
    """Give the structure of a sparse matrix without duplicates: a selection, a diagonal, or just that.

    Example:
        >>> of_sparse(sp.csr_array(np.eye(3)[[2, 0]])).indices.tolist()
        [2, 0]
    """
    m, n = matrix.shape
    one_a_row = matrix.nnz == m and bool((np.diff(matrix.indptr) == 1).all())
    if one_a_row and (matrix.data == 1).all() and matrix.dtype == np.float64:
        return Selection(np.asarray(matrix.indices, np.int64), int(n))
    entries = matrix.tocoo()
    if m == n and (entries.row == entries.col).all():
        return Diagonal(np.asarray(matrix.diagonal()))
    return Sparse(matrix)


def _candidates(forward: Map, n: int, shape: tuple[int, ...] | None) -> Iterator[Structure | None]:
    # every entry of x is different and no sum of few others
    numbers = np.random.default_rng(1).permutation(n) + 1.0
    image = forward(numbers)
    places = np.empty(n + 1, dtype=np.int64)
    places[numbers.astype(np.int64)] = np.arange(n)
    whole = np.isin(image, numbers)
    if whole.all() and image.dtype == np.float64:
        yield Selection(places[image.astype(np.int64)], n)
    if image.size != n:
        return
    entries = forward(np.ones(n))
    yield Diagonal(entries) if entries.any() else None
    unit = np.zeros(n)
    unit[0] = 1.0
    plane = _plane(shape, n)
    response = forward(unit)
    yield Circulant(response.reshape(plane)) if plane is not None and response.any() else None


def _plane(shape: tuple[int, ...] | None, n: int) -> tuple[int, int] | None:
    if shape is None or len(shape) < 2:
        return (1, n)
    if any(size != 1 for size in shape[:-2]) or math.prod(shape) != n:
        return None
    return shape[-2], shape[-1]


def agrees(forward: Map, candidate: Structure) -> bool:
    """Whether a map and a structure give the same values on random arguments, exactly for selections."""
    m, n = candidate.shape
    rng = np.random.default_rng(2)
    for x in arguments(n, rng):
        image = forward(x)
        expected = candidate.matvec(x)
        if image.shape != expected.shape:
            return False
        if isinstance(candidate, Selection):
            tolerance = 0.0
        else:
            roundoff = 2.0**-24 if image.dtype == np.float32 else 2.0**-53
            size = size_of(candidate)
            tolerance = _FACTOR * roundoff * math.sqrt(m + n) * size * float(np.abs(x).max() or 1.0)
        gap = np.abs(image.astype(np.float64) - expected.astype(np.float64))
        if not gap.max() <= tolerance:
            return False
        if isinstance(candidate, Diagonal) and not _each_entry(gap, candidate, np.abs(x), tolerance, roundoff):
            return False
    return True


def _each_entry(gap: np.ndarray, diagonal: Diagonal, size: np.ndarray, tolerance: float, roundoff: float) -> bool:
    """Whether a map is that diagonal in its small rows, too: each is one product, or the tolerance is far below it.

    What is below the rounding of the largest entry may be all that there is in the row of a small one.
    """
    entries = np.abs(diagonal.entries.astype(np.float64))
    least = entries[entries > 0].min() * float(size.max() or 1.0)
    return bool(tolerance <= _FAINT * least or (gap <= 4 * roundoff * entries * size).all())


def size_of(structure: Structure) -> float:
    """The scale of the rounding of A x: ‖A‖_F, of a product the factors' norms multiplied; estimated.

    Example:
        >>> size_of(Diagonal(np.array([3.0, 4.0])))
        5.0
    """
    if isinstance(structure, Selection):
        return math.sqrt(structure.shape[0])
    if isinstance(structure, Circulant):
        return float(np.linalg.norm(structure.kernel)) * math.sqrt(structure.kernel.size)
    if isinstance(structure, Product):
        return size_of(structure.left) * size_of(structure.right)
    if isinstance(structure, BlockDiagonal | Stack):
        return math.hypot(*(size_of(block) for block in structure.blocks))
    if isinstance(structure, Separable):
        return float(np.linalg.norm(structure.vertical) * np.linalg.norm(structure.horizontal))
    (array,) = [a for a in structure.arrays().values() if a.dtype.kind == "f"]
    return float(np.linalg.norm(array))
