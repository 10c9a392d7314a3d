"""Pictures as grey values in [0, 1]: image files, and images of PIL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dipproofs.errors import InputError, one_line

LUMA = (0.2125, 0.7154, 0.0721)
"""Weights of red, green and blue in a grey value (Rec. 709)."""


def read_grey(path: Path, label: str) -> np.ndarray:
    """Read an image file as grey values in [0, 1], (height, width) float64."""
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        raise InputError(f"{label}: no such file; paths are relative to the problem file")
    try:
        with Image.open(path) as image:
            return grey_values(image, label)
    except InputError:
        raise
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{label}: not a readable image ({one_line(error)})") from None


def grey_values(image: Any, label: str) -> np.ndarray:
    """Give an image of PIL as grey values in [0, 1], (height, width) float64.

    Example:
        >>> from PIL import Image
        >>> grey_values(Image.fromarray(np.array([[0, 255]], dtype=np.uint8)), "picture")
        array([[0., 1.]])
    """
    if image.mode == "LA":
        image = image.convert("L")
    paletted = image.mode in ("1", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV")
    pixels = np.asarray(image.convert("RGB") if paletted else image)
    if pixels.dtype.kind == "f":
        grey = pixels.astype(np.float64)
        if not np.isfinite(grey).all() or grey.min() < 0 or grey.max() > 1:
            raise InputError(f"{label}: found floating-point pixels outside [0, 1], expected values in [0, 1]")
        return grey
    largest = 255.0 if pixels.dtype == np.uint8 else 65535.0
    values = pixels.astype(np.float64) / largest
    if values.ndim == 3 and values.shape[2] >= 3:
        return np.asarray(LUMA[0] * values[..., 0] + LUMA[1] * values[..., 1] + LUMA[2] * values[..., 2])
    return values[..., 0] if values.ndim == 3 else values
