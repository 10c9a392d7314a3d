"""The Shepp–Logan phantom, generated at any size.

Source: L. A. Shepp and B. F. Logan, "The Fourier reconstruction of a head section", IEEE Trans. Nucl. Sci.
21 (1974); the intensities are P. Toft's (1996) variant with higher contrast, so values lie in [0, 1].
"""

from __future__ import annotations

import numpy as np

# intensity, half-axes a and b, centre x and y, rotation in degrees
_ELLIPSES = (
    (1.0, 0.69, 0.92, 0.0, 0.0, 0.0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0.0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18.0),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18.0),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0.0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0.0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0.0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0.0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0.0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0.0),
)
_OVERSAMPLING = 4


def shepp_logan(shape: tuple[int, int]) -> np.ndarray:
    """Give the phantom, (height, width) float64 in [0, 1], each pixel the mean of 16 points inside it.

    Example:
        >>> image = shepp_logan((32, 32))
        >>> float(image[0, 0]), float(image.max()) <= 1.0
        (0.0, True)
    """
    height, width = shape
    fine = _OVERSAMPLING
    x = (np.arange(width * fine) + 0.5) / (width * fine) * 2.0 - 1.0
    y = 1.0 - (np.arange(height * fine) + 0.5) / (height * fine) * 2.0
    image = np.zeros((height * fine, width * fine))
    for value, a, b, x0, y0, degrees in _ELLIPSES:
        angle = np.deg2rad(degrees)
        dx, dy = x[None, :] - x0, y[:, None] - y0
        along = (dx * np.cos(angle) + dy * np.sin(angle)) / a
        across = (dy * np.cos(angle) - dx * np.sin(angle)) / b
        image[along**2 + across**2 <= 1.0] += value
    means = image.reshape(height, fine, width, fine).mean(axis=(1, 3))
    return np.asarray(np.clip(means, 0.0, 1.0))
