"""Cross-entropy on probabilities, Σ y ln(y/v) + (1−y) ln((1−y)/(1−v)), for y and v in ]0,1[."""

from __future__ import annotations

from typing import Any

import sympy as sp

from dipproofs.theory.extremes import maximum, minimum
from dipproofs.theory.losses.base import DataConstant, LossNumerics, LossTheory, curvature_max, mu, s, v, v_hi, v_lo, y
from dipproofs.theory.losses.numerics import difference, x_minus_log1p
from dipproofs.theory.losses.rules import strongly_convex

ENTRY = y * sp.log(y / v) + (1 - y) * sp.log((1 - y) / (1 - v))
CURVATURE = y / v**2 + (1 - y) / (1 - v) ** 2
FLATTEST = y ** sp.Rational(1, 3) / (y ** sp.Rational(1, 3) + (1 - y) ** sp.Rational(1, 3))


def _entry(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return y * x_minus_log1p(xp, d / y) + (1 - y) * x_minus_log1p(xp, -d / (1 - y))


def _slope(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    value = y + d
    return d / (value * (1 - value))


def _branch(xp: Any, s: Any, y: Any, parameters: Any, side: int) -> Any:
    return xp.expm1(-s) * (y if side < 0 else y - 1)


CROSS_ENTROPY = LossTheory(
    kind="cross-entropy",
    convention="Σ y_i ln(y_i/v_i) + (1−y_i) ln((1−y_i)/(1−v_i))",
    structure="entrywise",
    entry=ENTRY,
    **strongly_convex().fields(),
    proof="μ: the curvature on the sublevel box, and 2 from KL ≤ χ² with v(1−v) ≤ ¼",
    numerics=LossNumerics(difference, _entry, _slope, _branch),
    constants=(
        DataConstant(
            mu,
            "min",
            maximum(2, CURVATURE.subs(v, minimum(maximum(FLATTEST, v_lo), v_hi))),
            "least curvature on the sublevel bracket (it is convex in v, minimal at FLATTEST), at least 2",
        ),
        DataConstant(
            curvature_max,
            "max",
            maximum(CURVATURE.subs(v, v_lo), CURVATURE.subs(v, v_hi)),
            "largest curvature on the sublevel bracket: at one of its ends",
        ),
    ),
    domain=(sp.Integer(0), sp.Integer(1)),
    data_domain=(sp.Integer(0), sp.Integer(1)),
    branch_lower=y * sp.exp(-s),
    branch_upper=1 - (1 - y) * sp.exp(-s),
    advice={
        "data": "replace saturated values by η and 1 − η with a small η > 0 such as 1/512, or use loss squared",
        "start": "shift the output into the domain (network.output_offset, 0.5 where the rows of A sum to 1) and start "
        "with smaller V, or use loss logit-cross-entropy",
    },
)
