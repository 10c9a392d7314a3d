"""The symbols of the width bounds (docs/theory.md §6)."""

from __future__ import annotations

from dipproofs.theory.core import quantity, symbol
from dipproofs.theory.gaussian_moments import C_dphi, C_phi, fourth_dphi, fourth_phi
from dipproofs.theory.symbols import B_1, B_2, d, m, n, norm_A, omega, q, sigma_A
from dipproofs.theory.symbols import rho as radius
from dipproofs.theory.symbols import width as k

_SOURCE = "§6"

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

__all__ = [
    "B_1",
    "B_2",
    "C_dphi",
    "C_phi",
    "b_hi",
    "b_lo",
    "column",
    "column_full",
    "d",
    "delta",
    "entry_bound",
    "fourth_dphi",
    "fourth_phi",
    "frobenius2",
    "k",
    "m",
    "n",
    "norm_A",
    "omega",
    "oscillation",
    "proxy",
    "q",
    "radius",
    "rank",
    "required",
    "residual",
    "s_in",
    "s_init",
    "schatten4",
    "sigma_A",
    "y_norm2",
]
