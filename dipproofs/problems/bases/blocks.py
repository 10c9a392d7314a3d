"""Piecewise-constant images: one atom for each rectangle of a grid."""

from __future__ import annotations

import math

import numpy as np

from dipproofs.errors import InputError


def block_atoms(shape: tuple[int, int], atoms: int, images: np.ndarray | None = None) -> np.ndarray:
    """Give normalised indicators of a grid of rectangles, (n, atoms) float64, with disjoint supports.

    The grid has `atoms` cells, as nearly square as the divisors of `atoms` allow.

    Raises:
        InputError: no grid of that many cells fits.

    Example:
        >>> block_atoms((2, 4), 2).T.round(3).tolist()
        [[0.5, 0.5, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.5, 0.5]]
    """
    height, width = shape
    grids = [(a, atoms // a) for a in range(1, atoms + 1) if atoms % a == 0]
    grids = [(a, b) for a, b in grids if a <= height and b <= width]
    if not grids:
        raise InputError(
            f"network.atoms: found {atoms}, but no grid of {atoms} rectangles fits {height}×{width} pixels; "
            "expected a product of a number of rows and a number of columns"
        )
    down, across = min(grids, key=lambda grid: abs(math.log(height * grid[1] / (width * grid[0]))))
    row = np.arange(height) * down // height
    column = np.arange(width) * across // width
    cell = (row[:, None] * across + column[None, :]).ravel()
    sizes = np.bincount(cell, minlength=atoms)
    matrix = np.zeros((height * width, atoms))
    matrix[np.arange(height * width), cell] = 1.0 / np.sqrt(sizes[cell])
    return matrix
