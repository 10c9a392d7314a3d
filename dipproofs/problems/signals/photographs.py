"""Real photographs that come with scikit-image, as grey images of any size.

Only files inside the installed package are read; nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.sparse as sp

from dipproofs.arguments.pictures import read_grey
from dipproofs.arguments.schema import nearest
from dipproofs.errors import InputError

PHOTOGRAPHS: dict[str, str] = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "hubble": "hubble_deep_field.jpg",
    "moon": "moon.png",
    "page": "page.png",
    "rocket": "rocket.jpg",
    "text": "text.png",
}
"""Names accepted by `signal.name`, and scikit-image's files."""


def photograph(name: str, shape: tuple[int, int]) -> np.ndarray:
    """Give a photograph as a grey image, (height, width) float64 in [0, 1].

    The largest centred crop with the asked proportions is resampled: by averaging over the area of each
    new pixel when shrinking, linearly when growing.

    Args:
        name: one of `PHOTOGRAPHS`.
        shape: (height, width).

    Raises:
        InputError: an unknown name, or a file that the installed scikit-image does not have.

    Example:
        >>> photograph("camera", (64, 64)).shape
        (64, 64)
    """
    if name not in PHOTOGRAPHS:
        raise InputError(
            f'signal.name: found "{name}", expected one of {", ".join(PHOTOGRAPHS)}{nearest(name, PHOTOGRAPHS)}'
        )
    from importlib.metadata import version

    import skimage

    path = Path(skimage.__file__).parent / "data" / PHOTOGRAPHS[name]
    if not path.exists():
        raise InputError(
            f'signal.name: found "{name}", which scikit-image {version("scikit-image")} does not have; choose another'
        )
    return resample(crop(read_grey(path, name), shape), shape)


def crop(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Give the largest centred crop with the proportions of `shape`.

    Example:
        >>> crop(np.zeros((40, 60)), (10, 10)).shape
        (40, 40)
    """
    height, width = image.shape
    scale = min(height / shape[0], width / shape[1])
    rows = max(1, min(height, round(scale * shape[0])))
    columns = max(1, min(width, round(scale * shape[1])))
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[top : top + rows, left : left + columns]


def resample(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resample to another shape; values stay within the range of the image.

    Example:
        >>> resample(np.arange(16.0).reshape(4, 4), (2, 2))
        array([[ 2.5,  4.5],
               [10.5, 12.5]])
    """
    vertical = _weights(image.shape[0], shape[0])
    horizontal = _weights(image.shape[1], shape[1])
    result = (horizontal @ (vertical @ image).T).T
    return np.ascontiguousarray(np.clip(result, image.min(), image.max()))


def _weights(old: int, new: int) -> sp.csr_array:
    """Give the (new, old) matrix of one axis; sparse, so that sums do not depend on the BLAS."""
    if new <= old:
        edges = np.arange(new + 1) * old / new
        pixels = np.arange(old)
        overlap = np.minimum(edges[1:, None], pixels + 1.0) - np.maximum(edges[:-1, None], pixels)
        return sp.csr_array(np.clip(overlap, 0.0, None) * (new / old))
    position = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0.0, old - 1.0)
    left = np.minimum(position.astype(int), max(old - 2, 0))
    fraction = position - left
    matrix = np.zeros((new, old))
    matrix[np.arange(new), left] += 1.0 - fraction
    matrix[np.arange(new), np.minimum(left + 1, old - 1)] += fraction
    return sp.csr_array(matrix)
