"""Principal components of given images."""

from __future__ import annotations

import numpy as np

from dipproofs.arguments.arrays import exact_array
from dipproofs.errors import InputError


def principal_atoms(shape: tuple[int, int], atoms: int, images: np.ndarray | None = None) -> np.ndarray:
    """Give the leading left singular vectors of the images, (n, atoms) float64.

    The images are not centred, so that their mean is represented too.

    Raises:
        InputError: no images, images of another size, or fewer independent images than atoms.

    Example:
        >>> principal_atoms((1, 2), 1, np.array([[3.0, 4.0]])).round(12).tolist()
        [[0.6], [0.8]]
    """
    if images is None:
        raise InputError('network.path: missing, expected an .npz file with key images (basis = "pca")')
    stack = exact_array(images, "images").astype(np.float64)
    n = shape[0] * shape[1]
    if stack.ndim not in (2, 3) or stack[0].size != n:
        raise InputError(f"images: found shape {stack.shape}, expected (N, {shape[0]}, {shape[1]}) or (N, {n})")
    left, values, _ = np.linalg.svd(stack.reshape(len(stack), n).T, full_matrices=False)
    rank = int(np.sum(values > values[0] * max(stack.shape) * 2.0**-52)) if values[0] > 0 else 0
    if atoms > rank:
        raise InputError(f"network.atoms: found {atoms}, expected at most {rank}, the number of independent images")
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])])
    return np.asarray((left * signs)[:, :atoms])
