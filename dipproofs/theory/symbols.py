"""The symbols, with their JSON names and meanings (docs/theory.md §1, §3, §4)."""

from __future__ import annotations

from dipproofs.theory.core import quantity, symbol

# --- the run at its certified iterate θ_0 (§1)
sigma_A = quantity("sigma_A", r"\sigma_A", "smallest non-zero singular value of A", "§1", "lower")
norm_A = quantity("norm_A", r"\|A\|", "operator norm of A", "§1")
sigma_J = quantity("sigma_J", "s_0", "s(θ_0): injectivity of J(θ_0)ᵀ on Im(Aᵀ)", "§1", "lower")
sigma_AJ = quantity("sigma_AJ", "s_{A0}", "s_A(θ_0): injectivity of M(θ_0)ᵀ on Im(A)", "§1", "lower")
sigma_min_J = quantity(
    "sigma_min_J", r"\sigma_{\min}(J_0)", "n-th singular value of J(θ_0), unprojected", "§2", "lower"
)
norm_AJ = quantity("norm_AJ", r"\|M_0\|", "operator norm of M(θ_0) = A J(θ_0)", "§1")
norm_AJ_ball = quantity("norm_AJ_ball", r"M_\rho", "upper bound of ‖M(θ)‖ over B(θ_0,ρ)", "§1")
lipschitz_J = quantity("lipschitz_J", r"\ell", "Lipschitz constant of PJ over B(θ_0,ρ)", "§1")
lipschitz_AJ = quantity("lipschitz_AJ", r"\ell_A", "Lipschitz constant of M over B(θ_0,ρ)", "§1")
lipschitz_grad = quantity("lipschitz_grad", "L", "Lipschitz constant of ∇f along segments in D_ρ", "§1")
loss_0 = quantity("loss_0", "f_0", "loss at the certified iterate", "§1")
psi_0 = quantity("psi_0", r"\psi_0", "ψ(f_0), the desingularized loss; for the squared loss ½‖·‖² it is ‖r_0‖", "§1")
loss_gradient = quantity("G", "G", "bound of ‖∇L_y‖ on the sublevel set {L_y ≤ f_0}", "§5")
loss_curvature = quantity("Lambda", r"\Lambda", "Lipschitz constant of ∇L_y on the sublevel set", "§5")

# --- step size and descent (§3)
gamma = quantity("gamma", r"\gamma", "step size: the largest γ_τ from the certified iterate on", "§1")
q = quantity("q", "q", "normalised step γL(ρ)", "§1")
decrease = quantity("decrease", "c", "sufficient decrease of a step that is searched for", "methods §9", "lower")
shrink = quantity("shrink", r"\beta_{\mathrm{bt}}", "factor between one trial step and the next", "methods §9", "lower")
omega = quantity("omega", r"\omega", "step-size factor of (H)", "§3", "lower")
rate = quantity("rate", r"\tilde\kappa", "step-size factor of the rate", "§3", "lower")
rho = quantity("rho", r"\rho", "radius of the ball on which the constants hold", "§3")
S = quantity("S", "S", "bound of the path length: the root of ω∫₀^S F = ψ(f_0)", "§3")
F_inf = quantity("F_inf", r"F_\infty", "F(S): injectivity that is left along the whole path", "§3", "lower")
curvature_correction = quantity("x", "x", "loss of descent by curvature, residual form", "§3.2")
step_weakening = quantity(
    "c_e", "c_e", "what a long step, γM_ρ² > 1, leaves of injectivity (1 for γM_ρ² ≤ 1)", "§3.2", "lower"
)
profile_slope = quantity("slope_e", r"\ell_e", "slope that the profile surely has", "§3.2", "lower")

# --- networks whose constants are enclosed for one ball (computation graphs)
ball_radius = quantity("ball_radius", r"\rho_{\max}", "radius of the ball for which ℓ_A was enclosed", "§10", "lower")
kink_margin = quantity(
    "kink_margin", "m_{kink}", "least |a_i|/(radius·Lipschitz) where there are kinks", "§10", "lower"
)

# --- the paper's own theorem (§2)
R = quantity("R", "R", "the paper's radius σ_min(J_0)/(2 Lip(J))", "§2", "lower")
R_prime = quantity("R_prime", "R'", "the paper's R' = 2ν₁ψ(f_0)/(σ_A σ_min(J_0))", "§2")
nu_1 = quantity("nu_1", r"\nu_1", "the paper's ν₁ = (1+q)/(1−q/2)", "§2")
nu_2 = quantity("nu_2", r"\nu_2", "the paper's ν₂ = (1+q)²/(γ(1−q/2))", "§2")

# --- the problem (§6)
n = quantity("n", "n", "length of the signal", "§6")
m = quantity("m", "m", "number of observations", "§6")

# --- two-layer network (§4)
d = quantity("d", "d", "length of the network's input", "§6")
width = quantity("width", "k", "number of hidden units", "§4")
norm_u = quantity("norm_u", r"\|u\|", "norm of the network's fixed input", "§4")
B_1 = quantity("B_1", "B_1", "bound of |φ'|", "§4")
B_2 = quantity("B_2", "B_2", "Lipschitz constant of φ'", "§4")
c_0 = quantity("c_0", "c_0", "max_j ‖P v_j‖ over the columns of V", "§4")
c_A0 = quantity("c_A0", "c_{A0}", "max_j ‖A v_j‖ over the columns of V", "§4")
c_full = quantity("c_full", r"c_{\mathrm{full}}", "max_j ‖v_j‖, unprojected", "§2")
norm_V = quantity("norm_V", r"\|AV\|", "operator norm of A V", "§4")
norm_phi = quantity("norm_phi", r"\|\varphi(a)\|", "Euclidean norm of the hidden layer", "§4")
sigma_in = quantity("sigma_in", r"s_{\mathrm{in}}", "injectivity of the inner block on Im(Aᵀ)", "§4", "lower")
sigma_A_in = quantity(
    "sigma_A_in", r"s_{A,\mathrm{in}}", "injectivity of the inner block of Mᵀ on Im(A)", "§3.1", "lower"
)
sigma_out = quantity("sigma_out", r"s_{\mathrm{out}}", "‖φ(a)‖/√k: injectivity of the outer block", "§4", "lower")
lipschitz_in = quantity("lipschitz_in", r"\ell_{\mathrm{in}}", "Lipschitz constant of the inner block", "§4")
lipschitz_A_in = quantity("lipschitz_A_in", r"\ell_{A,\mathrm{in}}", "the same for A times the inner block", "§3.1")
lipschitz_out = quantity("lipschitz_out", r"\ell_{\mathrm{out}}", "Lipschitz constant of ‖φ(Wu)‖/√k in W", "§4")

# --- bound variables
t = symbol("t", "length of the path so far")
tau = symbol("tau", "iteration", integer=True, nonnegative=True)
e = symbol("e", "value of the loss", positive=True)
F_start = symbol("F_0", "F(0)")
xi = symbol("xi", "argument of Ψ⁻¹", real=True)
