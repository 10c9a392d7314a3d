"""Symbols of the theorems about methods (docs/theory-methods.md §0)."""

from __future__ import annotations

from dipproofs.theory import symbols as s
from dipproofs.theory.core import symbol, symbols

# --- the method
beta = symbol(r"\beta", "momentum; Adam: β₁")
beta_2 = symbol(r"\beta_2", "decay of Adam's second moments")
epsilon = symbol(r"\epsilon", "what Adam adds to the root of a second moment")
learning_rate = symbol("lr", "Adam's learning rate")
completed = symbol("t_0", "steps that Adam has taken already")
horizon = symbol("N", "steps that a statement about Adam covers")

# --- given: on the ball of radius ρ
injectivity = symbol("s", "lower bound of s_A(θ) on the ball: F(ρ)")

# --- given: the state
state_norm = symbol(r"\|D\|", "norm of D, the displacement that momentum multiplies in the next iteration")
state_slope = symbol(r"\langle r,MD\rangle", "upper bound of ⟨r, MD⟩", real=True)
state_newton = symbol(r"\langle M^+r,D\rangle", "upper bound of ⟨M⁺r, D⟩", real=True)
gradient_norm = symbol(r"\|M^\top r\|", "norm of the gradient")

# --- chosen by the search
alpha, delta = symbols(r"\alpha \delta", "weight in the Lyapunov function W")
eta = symbol(r"\eta", "W falls by the factor βη but for the change of M")
zeta = symbol(r"\zeta", "share of ‖v₊‖² that is kept for the path")
nu = symbol(r"\nu", "weight between the two velocities of Nesterov's method")

# --- constants
h = symbol("h", "√γ")
x_s, x_M = symbols("x_s x_M", "bound of the singular values of hM: least (s), largest (M)")
Z_s, Z_M = symbols("Z_s Z_M", "Z, in W = (Z r² + v₊² + c r v₊)/β of one mode, at x_s or x_M")
c_s, c_M = symbols("c_s c_M", "c, in W = (Z r² + v₊² + c r v₊)/β of one mode, at x_s or x_M")
d_R = symbol("d_R", "W bounds the squared residual norm, divided by this", real=True)
d_n = symbol("d_n", "W bounds the squared velocity, divided by this", real=True)
W_0 = symbol("W_0", "W at the certified iterate and its state", real=True)
R_hat = symbol(r"\hat R", "bound of the residual norm along the run")
n_hat = symbol(r"\hat n", "bound of the velocity along the run")
k_hat = symbol(r"\hat k", "ℓR̂/s²")
perturbation = symbol(r"\pi", "what the change of M costs, per squared velocity")
contraction = symbol(r"\rho_2", "factor of W (inexact gradients: of the residual norm) per iteration")
path = s.S
lyapunov = symbol("W", "value of the Lyapunov function")
Z_next, c_next = symbols("Z' c'", "Z or c of another Lyapunov function")
exchange = symbol(r"\lambda_W", "of a Lyapunov function W' in the place of W: W' ≤ λ_W W")
x, X = symbols("x_h X", "singular value of hM (x_h), its square (X)")
