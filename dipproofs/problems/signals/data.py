"""Measured data of the user's own: an array or a picture; no true signal is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator
from dipproofs.problems.files import take
from dipproofs.problems.schema import text
from dipproofs.problems.setting import Setting
from dipproofs.problems.signals.options import SignalData, SignalOptions


@dataclass(frozen=True, kw_only=True)
class DataSignal(SignalOptions):
    """`kind = "data"`: the data y themselves; the true signal x̄ is not known.

    A picture becomes grey values in [0, 1], an array stays unscaled; both are taken row by row. With a mask, data of n
    entries are restricted to the observed pixels; data of m entries are y.

    Args:
        path: a picture (PNG, JPEG, TIFF) or an `.npy`, `.npz` or `.mat` file, relative to the problem file.
        key: the array's name in an `.npz` or `.mat` file.
    """

    path: str = text(expected='the path of a picture, such as "photo.png", or of an .npy, .npz or .mat file')
    key: str = text("y", expected="the name of an array")

    def build(self, setting: Setting, operator: Operator) -> SignalData:
        """Read the data."""
        values = take(setting.load(self.path), self.key, self.path, complex_allowed=operator.complex_data)
        return SignalData(None, observed(values, operator, self.path))


def observed(values: np.ndarray, operator: Operator, label: str) -> np.ndarray:
    """Give y from data of m numbers, or, for a mask, of n numbers of which the observed ones count.

    Raises:
        InputError: any other number of entries.

    Example:
        >>> from dipproofs.operators.inpainting import selection_operator
        >>> observed(np.array([[1.0, 2.0], [3.0, 4.0]]), selection_operator(np.array([0, 3]), 4), "y").tolist()
        [1.0, 4.0]
    """
    m, n = operator.data_count, operator.signal_count
    if values.size == m:
        return values
    seen = operator.observed
    if seen is not None and values.size == n:
        return np.asarray(values.ravel()[seen])
    wanted = f"{m} (the rows of A)" if seen is None else f"{m} (the observed pixels) or {n} (the whole picture)"
    shape = operator.range_shape if seen is None else operator.domain_shape
    picture = ""
    if shape is not None and values.ndim == 2 and math.prod(shape) in (m, n):
        picture = f"; the picture must be {' × '.join(map(str, shape))}, so resize or crop it before"
    raise InputError(f"{label}: found {size_of(values)}, expected {wanted}{picture}")


def size_of(values: np.ndarray) -> str:
    """Say how large an array is.

    Example:
        >>> size_of(np.zeros(3)), size_of(np.zeros((2, 2)))
        ('length 3', 'shape (2, 2), 4 numbers')
    """
    return f"length {values.size}" if values.ndim == 1 else f"shape {values.shape}, {values.size} numbers"
