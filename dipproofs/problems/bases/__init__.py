"""Atoms B of synthesis generators g = B h(u,θ). A new basis is one file here and one line in `BASES`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dipproofs.arguments.schema import nearest
from dipproofs.errors import InputError
from dipproofs.problems.bases.blocks import block_atoms
from dipproofs.problems.bases.cosines import dct_atoms
from dipproofs.problems.bases.principal import principal_atoms
from dipproofs.problems.bases.wavelets import daubechies2_atoms, daubechies4_atoms, haar_atoms

AtomsMaker = Callable[[tuple[int, int], int, np.ndarray | None], np.ndarray]

BASES: dict[str, AtomsMaker] = {
    "dct": dct_atoms,
    "haar": haar_atoms,
    "db2": daubechies2_atoms,
    "db4": daubechies4_atoms,
    "piecewise-constant": block_atoms,
    "pca": principal_atoms,
}
"""Makers of atoms by name: (image shape, number of atoms, images or None) ↦ (n, atoms) float64."""


def make_basis(kind: str, shape: tuple[int, ...], atoms: int, *, images: np.ndarray | None = None) -> np.ndarray:
    """Make the atoms of a synthesis generator.

    Args:
        kind: one of `BASES`.
        shape: (height, width) or (length,) of the signal.
        atoms: their number r, at most n.
        images: (N, n) or (N, height, width), for "pca" only.

    Returns:
        B, (n, r) float64, with orthonormal columns up to rounding; certificates use the stored numbers and
        need no orthonormality.

    Raises:
        InputError: an unknown name, or more atoms than there are.

    Example:
        >>> make_basis("dct", (8, 8), 5).shape
        (64, 5)
    """
    if kind not in BASES:
        raise InputError(
            f'network.basis: found "{kind}", expected one of {", ".join(BASES)}{nearest(str(kind), BASES)}'
        )
    size = (shape[0], shape[1]) if len(shape) == 2 else (1, shape[0])
    if not 1 <= atoms <= size[0] * size[1]:
        raise InputError(f"network.atoms: found {atoms}, expected 1 to {size[0] * size[1]} (the pixels)")
    return np.ascontiguousarray(BASES[kind](size, atoms, images))


__all__ = ["BASES", "make_basis"]
