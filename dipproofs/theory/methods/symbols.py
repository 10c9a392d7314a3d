"""Symbols of the theorems about methods (docs/theory-methods.md §0)."""

from __future__ import annotations

import sympy as sp


def _size(latex: str) -> sp.Symbol:
    return sp.Symbol(latex, nonnegative=True)


# --- the method
beta = _size(r"\beta")  # momentum; Adam: β₁
beta_2 = _size(r"\beta_2")  # Adam
epsilon = _size(r"\epsilon")  # Adam
learning_rate = _size("lr")  # Adam
completed = _size("t_0")  # Adam: steps already taken
horizon = _size("N")  # Adam: steps that the statement covers

# --- given: on the ball of radius ρ
injectivity = _size("s")  # s ≤ s_A(θ) on the ball: F(ρ)

# --- given: the state. D is the displacement that momentum multiplies in the next iteration
state_norm = _size(r"\|D\|")
state_slope = sp.Symbol(r"\langle r,MD\rangle", real=True)
state_newton = sp.Symbol(r"\langle M^+r,D\rangle", real=True)
gradient_norm = _size(r"\|M^\top r\|")

# --- chosen by the search
alpha = _size(r"\alpha")
delta = _size(r"\delta")
eta = _size(r"\eta")
zeta = _size(r"\zeta")
nu = _size(r"\nu")

# --- constants
h = _size("h")
x_s, x_M = _size("x_s"), _size("x_M")
Z_s, Z_M = _size("Z_s"), _size("Z_M")
c_s, c_M = _size("c_s"), _size("c_M")
d_R = sp.Symbol("d_R", real=True)
d_n = sp.Symbol("d_n", real=True)
W_0 = sp.Symbol("W_0", real=True)
R_hat, n_hat, k_hat = _size(r"\hat R"), _size(r"\hat n"), _size(r"\hat k")
perturbation = _size(r"\pi")
contraction = _size(r"\rho_2")  # of W, per iteration
path = _size("S")
lyapunov = _size("W")  # bound variable of the scalar recursion
Z_next, c_next = _size("Z'"), _size("c'")  # of another Lyapunov function
exchange = _size(r"\lambda")  # of the function in its place: W' ≤ λW
x, X = _size("x"), _size("X")  # singular value of hM, its square
