"""Sizes of a two-layer network and its operator that bound the rounding of a step (docs/theory-methods.md §4.1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from dipproofs.enclosures import Bound
from dipproofs.enclosures.norms import frobenius_upper
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.theory.architectures import two_layer_rounding as rounding

if TYPE_CHECKING:
    from dipproofs.networks.two_layer.network import TwoLayer


def rounding_sizes(network: TwoLayer, operator: OperatorBounds) -> Mapping[sp.Symbol, Bound] | None:
    """Bound the sizes that the theory of rounding is given; None for float32 and for a synthesis generator."""
    if network.dtype != np.float64 or network.basis is not None:
        return None
    m, n = operator.matrix.shape
    norm_abs = 1.0 if operator.selection is not None else _norm_of_absolute_values(operator)
    found = {
        rounding.rows: float(m),
        rounding.columns: float(n),
        rounding.inputs: float(network.input_dimension),
        rounding.norm_abs_A: norm_abs,
        rounding.frobenius_W: frobenius_upper(network.W),
        rounding.frobenius_V: frobenius_upper(network.V),
        rounding.offset: abs(network.output_offset),
    }
    return {symbol: Bound.exact(value) for symbol, value in found.items()}


def _norm_of_absolute_values(operator: OperatorBounds) -> float:
    """√(‖A‖_1‖A‖_∞) ≥ ‖|A|‖, rounded up: a sum of n non-negative floats loses at most a factor 1 − n·2⁻⁵²."""
    A = np.abs(operator.matrix.mid)
    if operator.matrix.rad is not None:
        A = (A + operator.matrix.rad) * (1 + 2.0**-52)
    up = 1 + (max(A.shape) + 4) * 2.0**-51
    columns, rows = (float(A.sum(axis=axis).max()) * up for axis in (0, 1))
    return float(math.sqrt(columns) * math.sqrt(rows) * up)
