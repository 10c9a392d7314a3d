"""Data that no parameters fit, because the network's last function is bounded: said before and after a run."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.enclosures import Verdict
from dipproofs.networks import Network
from dipproofs.operators.bounds import OperatorBounds

#: Larger matrices are not looked at, unless they are masks.
_ENTRIES = 4_000_000
#: Beyond the ends by less than this share is put down to rounding.
_ROUNDING = 1e-9
#: Hypotheses whose cure would mislead.
_MISLED = ("injective", "H", "step")


def unreachable(problem: Any, network: Network, operator: OperatorBounds) -> str:
    """Say which data lie outside what A g(θ) can be; "" where none are seen to, or the data are projected."""
    low, high = network.output_range()
    y = np.asarray(problem.y, np.float64)
    if (low, high) == (-math.inf, math.inf) or operator.rank != y.size:
        return ""
    if operator.selection is not None:
        signs = operator.selection[1]
        plus, minus = np.maximum(signs, 0.0), np.minimum(signs, 0.0)
    elif operator.matrix.shape[0] * operator.matrix.shape[1] <= _ENTRIES:
        A = operator.matrix.mid
        plus, minus = np.maximum(A, 0.0).sum(axis=1), np.minimum(A, 0.0).sum(axis=1)
    else:
        return ""
    least, most = _times(plus, low) + _times(minus, high), _times(plus, high) + _times(minus, low)
    slack = _ROUNDING * (1.0 + np.abs(y)) * (operator.selection is None)
    outside = np.flatnonzero((y <= least - slack) | (y >= most + slack))
    if not outside.size:
        return ""
    i = int(outside[0])
    return (
        f"the network's output lies in ]{low:g}, {high:g}[, so that (A g)[{i}] is in ]{least[i]:.4g}, {most[i]:.4g}[ "
        f"whatever the parameters are, but y[{i}] = {y[i]:.4g} ({outside.size} of {y.size} data are out of reach): no "
        'exact fit exists; scale and shift the data into that range, or use output = "none"'
    )


def with_reason(found: Certificate, why: str) -> Certificate:
    """Put the true reason in place of the cures of hypotheses that cannot hold."""
    if not why or found.verdict is Verdict.PROVED:
        return found
    told = [
        replace(h, reason=why) if h.id in _MISLED and h.verdict is not Verdict.PROVED else h for h in found.hypotheses
    ]
    return replace(found, hypotheses=tuple(told))


def _times(weights: np.ndarray, end: float) -> np.ndarray:
    """The product, with 0·∞ = 0."""
    with np.errstate(invalid="ignore"):
        return np.where(weights == 0, 0.0, weights * end)
