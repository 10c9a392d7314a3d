"""The losses of docs/theory.md §5; a new one is one new file and one line here."""

from __future__ import annotations

from .base import SCALES, DataConstant, LossTheory, Parameter, resolve_scale
from .squared import SQUARED

LOSSES: dict[str, LossTheory] = {loss.kind: loss for loss in (SQUARED,)}

__all__ = ["LOSSES", "SCALES", "DataConstant", "LossTheory", "Parameter", "resolve_scale"]
