"""Logit cross-entropy: ψ̄ for observations in [η, 1−η] (docs/theory.md §6).

The minimiser is logit(y), not y, so the loss at initialisation is bounded from v_0 = A g_0 directly: h is 1/4-smooth,
h(0) = ln 2−H(y), |h'(0)| = |½−y| and |h'| ≤ 1−η. On the sublevel bracket y−σ(v⁻) ≥ y(1−e^{−f/y}) ≥ η(1−e^{−f/η}), since
KL(y‖s) ≤ y ln(y/s); the upper end by symmetry. Hence μ ≥ min{η(1−η), η²(1−e^{−f/η})²/(2f)}, and ψ = √(2f/μ).
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.core import Section, symbol
from dipproofs.theory.losses.base import m as observations
from dipproofs.theory.symbols import loss_0 as _f
from dipproofs.theory.width.symbols import residual

_define = Section("width.logit", "§6").define
margin = symbol("eta", "every y_i lies in [η, 1−η]", positive=True)

_entropy = -margin * sp.log(margin) - (1 - margin) * sp.log(1 - margin)
_at_zero = observations * (sp.log(2) - _entropy)
_root = sp.sqrt(observations) * residual
LEVEL = _define(
    "level",
    _at_zero + sp.Min((sp.Rational(1, 2) - margin) * _root + residual**2 / 8, (1 - margin) * _root),
    "largest logit cross-entropy for ‖A g_0‖ ≤ R̄",
)
REQUIRED = _define(
    "required",
    sp.Max(sp.sqrt(2 * _f / (margin * (1 - margin))), 2 * _f / (margin * (1 - sp.exp(-_f / margin)))),
    "√(2f/μ) at the lower bound of μ",
)
level_symbol = _f
