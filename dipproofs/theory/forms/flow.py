"""Gradient flow, the limit of small steps: for tables, no certificate has it (docs/theory.md §3)."""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.forms.base import factor_form

FLOW = factor_form("flow", sp.Integer(1), sp.Integer(1), 0, True, "§3", certifies=False)
