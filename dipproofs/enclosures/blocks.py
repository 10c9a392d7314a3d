"""Products of large matrices in blocks: on all cores, without a matrix for what only a number is wanted of."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from dipproofs.enclosures.radii import all_finite, gram_radius
from dipproofs.enclosures.rounding import TINY, Array, inflation
from dipproofs.enclosures.threads import in_parallel

_WIDTH = 256


def parts_of(size: int) -> list[slice]:
    """Consecutive ranges that cover range(size), the last first: in triangles it is the dearest."""
    return [slice(start, min(start + _WIDTH, size)) for start in range(0, size, _WIDTH)][::-1]


def symmetric_product(rows: Array) -> Array:
    """fl(XXᵀ), exactly symmetric, (n, n), for rows X, (n, p)."""
    n = rows.shape[0]
    product = np.empty((n, n))

    def lower_part(part: slice) -> None:
        np.matmul(rows[part], rows[: part.stop].T, out=product[part, : part.stop])

    in_parallel(lower_part, parts_of(n))
    mirror(product)
    return product


def mirror(matrix: Array) -> None:
    """Overwrite what is above the diagonal by what is below it."""
    for rows in parts_of(matrix.shape[0]):
        block = matrix[rows, rows]
        below = np.tril_indices(block.shape[0], -1)
        block.T[below] = block[below]
        for start in range(0, rows.start, _WIDTH):
            columns = slice(start, start + _WIDTH)
            matrix[columns, rows] = matrix[rows, columns].T


def triangle_times(triangle: Array, rows: Array) -> Array:
    """fl(UᵀX) for an upper triangle U, (p, p), and X, (p, n)."""
    product = np.empty(rows.shape)

    def some_rows(part: slice) -> None:
        np.matmul(triangle[: part.stop, part].T, rows[: part.stop], out=product[part])

    in_parallel(some_rows, parts_of(rows.shape[0]))
    return product


def invert_upper(triangle: Array) -> bool:
    """Overwrite an upper triangle by its approximate inverse and what is below it by 0; False if it is singular.

    Notes:
        A proposal without error bound. OpenBLAS on two threads took up to ten times as long for it as on one.
    """
    for part in parts_of(triangle.shape[0])[::-1]:
        corner, info = lapack.dtrtri(np.triu(triangle[part, part]), lower=0)
        if info != 0:
            return False
        above = -triangle[: part.start, part] @ corner
        done = part.start

        def rows_above(rows: slice, above: Array = above, part: slice = part, done: int = done) -> None:
            np.matmul(triangle[rows, rows.start : done], above[rows.start :], out=triangle[rows, part])

        in_parallel(rows_above, parts_of(done)[::-1])
        triangle[part, part] = np.triu(corner)
        triangle[part, :done] = 0.0
    return all_finite(triangle)


def orthogonality_defect(rows: Array) -> float:
    """Upper bound of ‖ZZᵀ − I‖ for exact finite rows Z, (p, n).

    Notes:
        Proved for any order of summation: entries of the computed ZZᵀ − I, whose absolute row sums (or Frobenius norm)
        are formed block by block, and γ_n‖z_i‖‖z_j‖ for their rounding (docs/theory.md §8).

    Example:
        >>> 0.25 <= orthogonality_defect(np.diag([1.0, 0.5 * 3**0.5])) < 0.2501
        True
    """
    p = rows.shape[0]

    def lower_part(part: slice) -> tuple[slice, Array, Array, float]:
        sizes = rows[part] @ rows[: part.stop].T
        block = sizes[:, part.start :]
        block[np.diag_indices_from(block)] -= 1.0
        np.abs(sizes, out=sizes)
        block[...] = np.maximum(block, block.T)
        before = sizes[:, : part.start]
        squares = 2 * np.einsum("ij,ij->", before, before) + np.einsum("ij,ij->", block, block)
        return part, sizes.sum(axis=1), before.sum(axis=0), float(squares)

    sums, squares = np.zeros(p), 0.0
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for part, across, down, square in in_parallel(lower_part, parts_of(p)):
            sums[part] += across
            sums[: part.start] += down
            squares += square
        # each entry 1 rounding, each sum at most p + (number of parts) ≤ 2p additions; a square may underflow
        frobenius = np.sqrt((squares + 4 * p * p * TINY) * inflation(p * p + 2 * p + 8)) * inflation(4)
        size = min(float(sums.max()) * inflation(2 * p + 8) + TINY, float(frobenius))
        return (size + gram_radius(rows).norm()) * inflation(4)
