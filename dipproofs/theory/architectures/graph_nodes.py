"""What one node of a computation graph contributes to the bounds of a network (docs/theory-graphs.md §1–§3).

Every symbol is an upper bound, ≥ 0, over the ball of radius ρ around θ_0, except `deviation` and `least_centred`, which
are lower bounds and stand in denominators. For the blocks j and k of parameters, d_j bounds ‖D_j‖, r_j the largest row
norm of D_j, E the norm of the second derivative with arguments in the blocks j and k; |d|² = Σ d_j².
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import Section, symbol, symbols
from dipproofs.theory.extremes import minimum

_node = Section("graph.node", "graphs §3").define

# of the node's inputs x and w, for the blocks j and k
d_xj, d_xk, d_wj, d_wk = symbols("d_xj d_xk d_wj d_wk", "‖D_j‖ or ‖D_k‖ of the input x or w")
r_xj, r_xk, r_wj, r_wk = symbols("r_xj r_xk r_wj r_wk", "largest row norm of D_j or D_k of the input x or w")
E_x, E_w = symbols("E_x E_w", "norm of the second derivative of the input x or w")
length_x, length_w, row_length_x = symbols("|d_x| |d_w| |r_x|", "root of the sum of squares over all blocks")
rho = s.rho
b = symbol("|B|", "norm of the adjoint Jacobian B")
column = symbol("b_col", "largest column of B")
b_second, column_second = symbols("b_P2 b_colP2", "norm (b_P2) or largest column (b_colP2) of B diag(P_2)")


_cross = d_wj * d_xk + d_xj * d_wk

# --- what every node knows -------------------------------------------------------------------------------------
row_size = symbol("n_row", "number of entries of one output's row")
RADIUS = _node("radius", rho * minimum(row_length_x, length_x), "how far an entry moves on the ball")

# --- bilinear maps: convolution, matrix product ----------------------------------------------------------------
norm_w, norm_p = symbols("|w| |p|", "norm of x ↦ w∗x (w) or w ↦ w∗x (p) on the ball")
kappa = symbol("kappa", "norm of the bilinear map (w, x) ↦ w∗x")
two_w, two_p = symbols("w_2 p_2", "Euclidean length of the coefficients of one output of x ↦ w∗x (w) or w ↦ w∗x (p)")
one_w, one_p = symbols("w_1 p_1", "sum of the absolute coefficients of one output of x ↦ w∗x (w) or w ↦ w∗x (p)")
start = symbol("w_0", "at θ_0, what the formula bounds on the ball")
radius_w, radius_x = symbols("rad_w rad_x", "how far an entry of the input w or x moves on the ball")
BILINEAR_NORM = _node("bilinear.norm", start + kappa * rho * length_w, "norm of x ↦ w∗x for w on the ball")
BILINEAR_TWO = _node(
    "bilinear.two",
    start + minimum(rho * length_w, sp.sqrt(row_size) * radius_w),
    "Euclidean length of the coefficients of one output on the ball",
)
BILINEAR_ONE = _node(
    "bilinear.one",
    start + minimum(sp.sqrt(row_size) * rho * length_w, row_size * radius_w),
    "sum of the absolute coefficients of one output on the ball",
)
BILINEAR_D = _node("bilinear.d", norm_w * d_xj + norm_p * d_wj, "‖D_j‖ of w∗x, p = ‖w ↦ w∗x‖")
BILINEAR_R = _node(
    "bilinear.r",
    minimum(two_w * d_xj, one_w * r_xj) + minimum(two_p * d_wj, one_p * r_wj),
    "largest row of D_j of w∗x",
)
BILINEAR_E = _node("bilinear.E", norm_w * E_x + norm_p * E_w + kappa * _cross, "second derivative of w∗x")
BILINEAR_N = _node("bilinear.N", b * kappa * _cross, "curvature term of w∗x")
BILINEAR_J = _node("bilinear.J", b * kappa * rho * length_w, "change of B∂op/∂x on the ball")

# --- entrywise functions ---------------------------------------------------------------------------------------
P_1, P_2 = symbols("P_1 P_2", "sup|φ'| (P_1), sup|φ''| (P_2) on the box of an entry")
slope = symbol("P_0", "|φ'| in the middle of the box")
_rows = minimum(r_xj * d_xk, d_xj * r_xk)
ENTRYWISE_SLOPE = _node("entrywise.slope", slope + P_2 * radius_x, "sup|φ'| on a box, P_2 ≥ sup|φ''| there")
ENTRYWISE_D = _node("entrywise.d", P_1 * d_xj, "‖D_j‖ of φ(x)")
ENTRYWISE_R = _node("entrywise.r", P_1 * r_xj, "largest row of D_j of φ(x)")
ENTRYWISE_E = _node("entrywise.E", P_1 * E_x + P_2 * _rows, "second derivative of φ(x)")
ENTRYWISE_N = _node("entrywise.N", minimum(column_second * d_xj * d_xk, b_second * _rows), "curvature term of φ(x)")
ENTRYWISE_J = _node("entrywise.J", b_second * radius_x, "change of B diag(φ'(x)) on the ball")

# --- entrywise products ----------------------------------------------------------------------------------------
value_w, value_x = symbols("v_w v_x", "largest absolute entry of the input w or x on the ball")
_T = minimum(r_wj * d_xk, d_wj * r_xk) + minimum(r_wk * d_xj, d_wk * r_xj)
PRODUCT_D = _node("product.d", value_w * d_xj + value_x * d_wj, "‖D_j‖ of w∘x")
PRODUCT_R = _node("product.r", value_w * r_xj + value_x * r_wj, "largest row of D_j of w∘x")
PRODUCT_E = _node("product.E", value_w * E_x + value_x * E_w + _T, "second derivative of w∘x")
PRODUCT_N = _node("product.N", minimum(column * _cross, b * _T), "curvature term of w∘x")
PRODUCT_J = _node("product.J", b * radius_w, "change of B diag(w) on the ball")
group_x = symbol("g_x", "largest norm of x on a group of equal factors")
b_group = symbol("b_grp", "largest norm of B on a group of equal factors")
AFFINE_D = _node("affine.d", value_w * d_xj + group_x * d_wj, "‖D_j‖ of (Gw)∘x, G repeats w over disjoint groups")
AFFINE_E = _node("affine.E", value_w * E_x + group_x * E_w + _cross, "second derivative of (Gw)∘x")
AFFINE_N = _node("affine.N", b_group * _cross, "curvature term of (Gw)∘x, b_grp the largest norm of B on a group")

# --- normalisation ---------------------------------------------------------------------------------------------
deviation = symbol("s_c", "lower bound of the root of the variance of a group plus ε, on the ball")
count = symbol("P_c", "number of entries of a group")
greatest = symbol("n_max", "largest |n_i| of a group on the ball")
curvature = symbol("kappa_c", "‖D²n‖ of a group on the ball")
b_curvature = symbol("b_kappa", "max over groups of ‖D²n‖·‖B_c‖")
least_centred = symbol("c_min", "lower bound of the norm of a centred group on the ball")
functional = symbol("f_x", "‖x̂ᵀD_j‖ of one group at θ_0")
b_left, b_right = symbols("b_fj b_fk", "‖B diag(k_c f_c)‖, f_c of the block j or k")
b_direction = symbol("b_dir", "max over groups of k_c‖B_c x̂_c‖ on the ball")
direction = symbol("b_dir0", "‖B x̂‖ of one group at θ_0")
NORMALISE_CURVATURE = _node(
    "normalise.curvature", 2 / (sp.sqrt(3) * sp.sqrt(count) * deviation**2), "‖D²n‖ of one group"
)
NORMALISE_D = _node("normalise.d", d_xj / deviation, "‖D_j‖ of n(x)")
NORMALISE_R = _node(
    "normalise.r", (r_xj + d_xj * (1 + greatest) / sp.sqrt(count)) / deviation, "largest row of D_j of n(x)"
)
NORMALISE_VALUE = _node("normalise.value", start + rho * length_x / deviation, "largest |n_i| on the ball")
NORMALISE_E = _node("normalise.E", E_x / deviation + curvature * d_xj * d_xk, "second derivative of n(x)")
NORMALISE_N = _node(
    "normalise.N", b_curvature * d_xj * d_xk, "curvature term of n(x), b_kappa = max of curvature·‖B_c‖"
)
NORMALISE_J = _node("normalise.J", b * curvature * length_x * rho, "change of B∂n/∂x on the ball")
NORMALISE_WEIGHT = _node("normalise.weight", 1 / (sp.sqrt(count) * deviation**2), "1/(√P s²), P entries in a group")
row_E = symbol("|E_j|", "root of the sum over all blocks k of E²")
NORMALISE_FUNCTIONAL = _node(
    "normalise.functional",
    functional + rho * (row_E + length_x * d_xj / least_centred),
    "‖x̂ᵀD_j‖ of one group on the ball",
)
NORMALISE_DIRECTION = _node(
    "normalise.direction", direction + b * rho * length_x / least_centred, "‖B x̂‖ of one group on the ball"
)
NORMALISE_STRUCTURED = _node(
    "normalise.structured",
    b_left * d_xk + b_right * d_xj + 2 * b_direction * d_xj * d_xk,
    "curvature term of n(x) through x̂: b_fj = ‖B diag(k_c f_cj)‖, b_dir = max of k_c‖B_c x̂_c‖",
)

# --- linear maps, softmax --------------------------------------------------------------------------------------
norm_U = symbol("U", "norm of the matrix U")
row_one, row_two = symbols("U_1 U_2", "largest sum (U_1) or Euclidean length (U_2) of a row of U")
LINEAR_D = _node("linear.d", norm_U * d_xj, "‖D_j‖ of Ux")
LINEAR_R = _node("linear.r", minimum(row_one * r_xj, row_two * d_xj), "largest row of D_j of Ux")
LINEAR_E = _node("linear.E", norm_U * E_x, "second derivative of Ux")
SOFTMAX_D = _node("softmax.d", d_xj / 2, "‖D_j‖ of softmax x")
SOFTMAX_R = _node("softmax.r", r_xj / 2, "largest row of D_j of softmax x")
SOFTMAX_E = _node("softmax.E", E_x / 2 + d_xj * d_xk / sp.sqrt(2), "second derivative of softmax x")
SOFTMAX_N = _node("softmax.N", b * d_xj * d_xk / sp.sqrt(2), "curvature term of softmax x")
SOFTMAX_J = _node("softmax.J", b * length_x * rho / sp.sqrt(2), "change of B∂softmax/∂x on the ball")

stacked_a, stacked_b = symbols("q_1 q_2", "d or E of the first or second of two stacked nodes")
STACKED = _node("stacked", sp.sqrt(stacked_a**2 + stacked_b**2), "d or E of two nodes stacked")

# --- restarts, approximate adjoints ----------------------------------------------------------------------------
exact, error = symbols("D_0 err", "‖D_j‖ at θ_0 as computed (D_0), error of it (err)")
defect = symbol("R_def", "norm of the defect of a computed adjoint at a node")
own_E = symbol("E", "second derivative of the node itself")
change = symbol("dJ", "change of B∂op/∂x on the ball")
RESTART = _node("restart", exact + error + rho * row_E, "‖D_j‖ on the ball from the Jacobian at θ_0")
DEFECT_D = _node("defect.d", defect * d_xj, "error of a computed Jacobian from the defect at one node")
DEFECT_N = _node("defect.N", (defect + change) * own_E, "curvature from the defect of the adjoints at one node")
