"""The symbols of the width bounds (docs/theory.md §6)."""

from __future__ import annotations

from dipproofs.theory import symbols
from dipproofs.theory.core import quantity, symbol
from dipproofs.theory.gaussian_moments import C_dphi as C_dphi
from dipproofs.theory.gaussian_moments import C_phi as C_phi
from dipproofs.theory.gaussian_moments import fourth_dphi as fourth_dphi
from dipproofs.theory.gaussian_moments import fourth_phi as fourth_phi
from dipproofs.theory.symbols import B_1 as B_1
from dipproofs.theory.symbols import B_2 as B_2
from dipproofs.theory.symbols import d as d
from dipproofs.theory.symbols import m as m
from dipproofs.theory.symbols import n as n
from dipproofs.theory.symbols import norm_A as norm_A
from dipproofs.theory.symbols import omega as omega
from dipproofs.theory.symbols import q as q
from dipproofs.theory.symbols import sigma_A as sigma_A

_SOURCE = "§6"

k, radius = symbols.width, symbols.rho

rank = quantity("rank", "r", "rank of A", _SOURCE)
frobenius2 = quantity("frobenius2", r"\|A\|_F^2", "sum of the squared singular values of A", _SOURCE)
schatten4 = quantity("schatten4", r"\|AA^\top\|_F^2", "sum of their fourth powers", _SOURCE)
y_norm2 = quantity("y_norm2", r"\|y\|^2", "squared norm of the observation", _SOURCE)
delta = symbol("delta", "allowed probability of failure", positive=True)
proxy = quantity("proxy", r"\nu^2", "sub-Gaussian proxy of the entries of V", _SOURCE)
entry_bound = quantity("entry_bound", "D", "bound of |V_ij| (infinite for Gaussian V)", _SOURCE)
oscillation = quantity("oscillation", r"B_1^{\mathrm{osc}}", "sup φ' − inf φ'", _SOURCE)

# --- what the events bound
b_lo = quantity("b_lo", r"b_{\mathrm{lo}}", "lower bound of ‖φ(a)‖/√k", _SOURCE, "lower")
b_hi = quantity("b_hi", r"b_{\mathrm{hi}}", "upper bound of ‖φ(a)‖/√k", _SOURCE)
s_in = quantity("s_in", r"\underline s_{\mathrm{in}}", "lower bound of s_in", _SOURCE, "lower")
s_init = quantity("s_init", r"\underline s", "lower bound of s(θ_0)", _SOURCE, "lower")
column = quantity("column", r"\bar c", "upper bound of max_j ‖P v_j‖", _SOURCE)
column_full = quantity("column_full", r"\bar c_{\mathrm{full}}", "upper bound of max_j ‖v_j‖", _SOURCE)
residual = quantity("residual", r"\bar R", "upper bound of ‖A g_0 − y‖", _SOURCE)
required = quantity("demand", r"\bar\psi", "upper bound of ψ(f_0)", _SOURCE)
