"""Measured data of the user's own: an array or a picture; no true signal is known."""

from __future__ import annotations

from dataclasses import dataclass

from dipproofs.arguments.files import take
from dipproofs.arguments.schema import text
from dipproofs.arguments.setting import Setting
from dipproofs.operators.operator import Operator
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
        return SignalData(None, operator.data_vector(values, self.path))
