"""Cross-entropy on logits, Σ softplus(v) − yv − H(y), for y in ]0,1[ and v real; its minimiser is logit(y)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from dipproofs.theory.extremes import minimum
from dipproofs.theory.losses.base import DataConstant, LossNumerics, LossTheory, mu, s, v, v_hi, v_lo, y
from dipproofs.theory.losses.numerics import expm1_minus_x, x_minus_log1p
from dipproofs.theory.losses.rules import strongly_convex
from dipproofs.theory.symbols import loss_0

ENTROPY = -y * sp.log(y) - (1 - y) * sp.log(1 - y)
ENTRY = sp.log(1 + sp.exp(v)) - y * v - ENTROPY
LOGIT = sp.log(y / (1 - y))
SLOPE = 1 / (1 + sp.exp(-v)) - y


@lru_cache(maxsize=8)
def _logits(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """logit(y) as an unevaluated sum of two floats, so that v − logit(y) keeps its digits."""
    with mpmath.workprec(160):
        exact = [mpmath.log(t) - mpmath.log1p(-t) for t in map(mpmath.mpf, np.frombuffer(data).tolist())]
        high = np.array([float(t) for t in exact])
        low = np.array([float(t - h) for t, h in zip(exact, high.tolist())])
    return high, low


def _displacement(xp: Any, v: Any, y: Any, parameters: Any) -> Any:
    if isinstance(y, np.ndarray):
        high, low = _logits(np.ascontiguousarray(y, dtype=np.float64).tobytes())
        shape, kind = y.shape, y.dtype
        return (v - high.reshape(shape).astype(kind)) - low.reshape(shape).astype(kind)
    return v - (xp.log(y) - xp.log1p(-y))


def _entry(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    rare = xp.minimum(y, 1 - y)
    turn = xp.where(y <= 0.5, d, -d)
    cut = xp.minimum(turn, 30)
    grown = xp.expm1(cut)
    near = rare * expm1_minus_x(xp, cut) - x_minus_log1p(xp, rare * grown)
    middle = xp.log1p(rare * grown) - rare * turn
    top = xp.maximum(turn, 30)
    far = (1 - rare) * top + xp.log(rare + (1 - rare) * xp.exp(-top))
    return xp.where(xp.abs(turn) < 1, near, xp.where(turn < 30, middle, far))


def _slope(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    up, down = -xp.expm1(-xp.maximum(d, 0)), xp.expm1(xp.minimum(d, 0))
    return y * (1 - y) * xp.where(d > 0, up / (1 - (1 - y) * up), down / (1 + y * down))


def _branch(xp: Any, s: Any, y: Any, parameters: Any, side: int) -> Any:
    return side * s


LOGIT_CROSS_ENTROPY = LossTheory(
    kind="logit-cross-entropy",
    convention="Σ softplus(v_i) − y_i v_i − H(y_i)",
    structure="entrywise",
    entry=ENTRY,
    **strongly_convex(sp.Rational(1, 4)).fields(),
    proof="h'²/(2h) is unimodal on either side of logit(y), so it is least there, where it is y(1−y), or at an "
    "end of the sublevel bracket",
    numerics=LossNumerics(_displacement, _entry, _slope, _branch),
    constants=(
        DataConstant(
            mu,
            "min",
            minimum(y * (1 - y), SLOPE.subs(v, v_lo) ** 2 / (2 * loss_0), SLOPE.subs(v, v_hi) ** 2 / (2 * loss_0)),
            "least h'²/(2h) on the sublevel bracket",
        ),
    ),
    argmin=LOGIT,
    data_domain=(sp.Integer(0), sp.Integer(1)),
    branch_lower=LOGIT - s,
    branch_upper=LOGIT + s,
    advice={"data": "replace saturated values by η and 1 − η with a small η > 0 such as 1/512, or use loss squared"},
)
