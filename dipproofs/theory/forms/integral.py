"""Form `integral`: the factors are means over a step (docs/theory.md §3)."""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.forms.base import factor_form
from dipproofs.theory.symbols import q

INTEGRAL = factor_form("integral", 2 * sp.log(1 + q) / q - 1, 2 / (1 + q) - sp.log(1 + q) / q, 1, True, "§3")
