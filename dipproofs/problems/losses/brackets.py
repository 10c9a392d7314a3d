"""Placeholder."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import numpy as np


def sublevel_brackets(loss: Any, y: np.ndarray, level: Fraction) -> tuple[list[flint.arb], list[flint.arb]]:
    """Enclose both ends of {h(·, y_i) ≤ level}."""
    raise NotImplementedError
