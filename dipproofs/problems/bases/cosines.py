"""The lowest frequencies of the discrete cosine transform."""

from __future__ import annotations

import numpy as np

from dipproofs.operators.transforms import choose, dct_matrix


def dct_atoms(shape: tuple[int, int], atoms: int, images: np.ndarray | None = None) -> np.ndarray:
    """Give the `atoms` lowest-frequency DCT-II atoms, (n, atoms) float64, lowest frequency first.

    Example:
        >>> dct_atoms((2, 2), 1).ravel()
        array([0.5, 0.5, 0.5, 0.5])
    """
    frequency = np.add.outer(*((np.arange(size) / size) ** 2 for size in shape)).ravel()
    kept = choose(frequency, atoms, "low", 0)
    kept = kept[np.argsort(frequency[kept], kind="stable")]
    vertical, horizontal = dct_matrix(shape[0]), dct_matrix(shape[1])
    rows, columns = kept // shape[1], kept % shape[1]
    return np.asarray(np.einsum("ri,rj->ijr", vertical[rows], horizontal[columns]).reshape(-1, atoms))
