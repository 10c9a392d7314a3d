"""Signals. A new kind is one file here and one line in `SIGNALS`."""

from __future__ import annotations

from dipproofs.problems.signals.data import DataSignal
from dipproofs.problems.signals.file import FileSignal, NoSignal
from dipproofs.problems.signals.gaussian import GaussianSignal
from dipproofs.problems.signals.image import ImageSignal
from dipproofs.problems.signals.options import SignalData, SignalOptions
from dipproofs.problems.signals.phantom import shepp_logan
from dipproofs.problems.signals.photographs import PHOTOGRAPHS, photograph

SIGNALS: dict[str, type[SignalOptions]] = {
    "gaussian": GaussianSignal,
    "image": ImageSignal,
    "file": FileSignal,
    "data": DataSignal,
    "none": NoSignal,
}
"""The kinds of `[signal]` by name."""

__all__ = [
    "PHOTOGRAPHS",
    "SIGNALS",
    "DataSignal",
    "FileSignal",
    "GaussianSignal",
    "ImageSignal",
    "NoSignal",
    "SignalData",
    "SignalOptions",
    "photograph",
    "shepp_logan",
]
