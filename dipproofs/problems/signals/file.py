"""A signal, or measured data, stored in an `.npz` file."""

from __future__ import annotations

from dataclasses import dataclass

from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator
from dipproofs.problems.arrays import take
from dipproofs.problems.schema import text
from dipproofs.problems.setting import Setting
from dipproofs.problems.signals.options import SignalData, SignalOptions, check_length


@dataclass(frozen=True, kw_only=True)
class FileSignal(SignalOptions):
    """`kind = "file"`: x̄ under key `x_true`, or measured data under key `y`, or both.

    With `y` the data are used as they are; without it they are A x̄ plus the noise of `[noise]`.

    Args:
        path: an `.npz` file, relative to the problem file.
    """

    path: str = text(expected='the path of an .npz file, such as "arrays.npz"')

    def build(self, setting: Setting, operator: Operator) -> SignalData:
        """Read the arrays."""
        return read_data(setting, self.path, operator)


@dataclass(frozen=True, kw_only=True)
class NoSignal(SignalOptions):
    """`kind = "none"`: the data y come from the operator's file; x̄ is used if the file has it."""

    def build(self, setting: Setting, operator: Operator) -> SignalData:
        """Read the data beside the operator."""
        if setting.operator_path is None:
            raise InputError(
                'signal.kind: found "none", which takes y from the operator\'s file, but operator.kind '
                'is not "file"; use signal.kind = "file" with a path to y'
            )
        data = read_data(setting, setting.operator_path, operator)
        if data.y is None:
            raise InputError(
                f"{setting.operator_path}: key y is missing, expected the data, {operator.rows} numbers "
                '(signal.kind is "none")'
            )
        return data


def read_data(setting: Setting, path: str, operator: Operator) -> SignalData:
    """Read `x_true` and `y`, whichever the file has, and check their lengths."""
    arrays = setting.load(path)
    if "x_true" not in arrays and "y" not in arrays:
        found = ", ".join(sorted(arrays)) or "no keys"
        raise InputError(f"{path}: found {found}, expected key x_true (the signal) or y (the data)")
    m, n = operator.shape
    x_true = y = None
    if "x_true" in arrays:
        x_true = take(arrays, "x_true", path, ndim=1)
        check_length(x_true, n, f"{path}: x_true", "the columns of A")
    if "y" in arrays:
        y = take(arrays, "y", path, ndim=1)
        check_length(y, m, f"{path}: y", "the rows of A")
    return SignalData(x_true, y)
