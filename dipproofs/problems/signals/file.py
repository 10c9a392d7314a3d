"""A signal, or measured data, stored in a file."""

from __future__ import annotations

from dataclasses import dataclass

from dipproofs.arguments.files import SINGLE, take
from dipproofs.arguments.schema import text
from dipproofs.arguments.setting import Setting
from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator
from dipproofs.problems.signals.options import SignalData, SignalOptions


@dataclass(frozen=True, kw_only=True)
class FileSignal(SignalOptions):
    """`kind = "file"`: x̄ under key `x_true`, or measured data under key `y`, or both.

    With `y` the data are used as they are; without it they are A x̄ plus the noise of `[noise]`. A file with one array
    and no names (`.npy`, a picture) holds x̄ if it has n numbers, else y.

    Args:
        path: an `.npz`, `.npy` or `.mat` file or a picture, relative to the problem file.
        key: the name of x̄ in an `.npz` or `.mat` file.
    """

    path: str = text(expected='the path of an .npz file, such as "arrays.npz", or of an .npy or .mat file')
    key: str = text("x_true", expected="the name of an array")

    def build(self, setting: Setting, operator: Operator) -> SignalData:
        """Read the arrays."""
        return read_data(setting, self.path, operator, self.key)


@dataclass(frozen=True, kw_only=True)
class NoSignal(SignalOptions):
    """`kind = "none"`: the data y come from the operator's file; x̄ is used if the file has it."""

    def build(self, setting: Setting, operator: Operator) -> SignalData:
        """Read the data beside the operator."""
        if setting.operator_path is None:
            raise InputError(
                'signal.kind: found "none", which takes y from the operator\'s file, but operator.kind '
                'is not "file"; use signal.kind = "data" with a path to y'
            )
        path = setting.operator_path
        arrays = setting.load(path)
        if set(arrays) == {SINGLE}:
            raise InputError(
                f'{path}: found a matrix alone, expected y beside it (signal.kind is "none"); use signal.kind = "data" '
                "with a path to y"
            )
        data = read_data(setting, path, operator)
        if data.y is None:
            raise InputError(
                f'{path}: key y is missing, expected the data, {operator.data_count} numbers (signal.kind is "none")'
            )
        return data


def read_data(setting: Setting, path: str, operator: Operator, key: str = "x_true") -> SignalData:
    """Read x̄ and `y`, whichever the file has, and check their sizes."""
    arrays = setting.load(path)
    if set(arrays) == {SINGLE}:
        values = take(arrays, key, path, complex_allowed=operator.complex_data)
        if values.size == operator.signal_count:
            return SignalData(values, None)
        return SignalData(None, operator.data_vector(values, path))
    if key not in arrays and "y" not in arrays:
        found = ", ".join(sorted(arrays)) or "no keys"
        raise InputError(f"{path}: found {found}, expected key {key} (the signal) or y (the data)")
    x_true = y = None
    if key in arrays:
        x_true = take(arrays, key, path, complex_allowed=operator.complex_signal)
        operator.signal_vector(x_true, f"{path}: {key}")
    if "y" in arrays and key != "y":
        y = operator.data_vector(take(arrays, "y", path, complex_allowed=operator.complex_data), f"{path}: y")
    return SignalData(x_true, y)
