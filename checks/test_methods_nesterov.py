"""The theorem about Nesterov's method (docs/theory-methods.md §2), derived mode by mode and attacked on matrices."""

from __future__ import annotations

import numpy as np
import sympy as sp

from checks.everywhere import same, sign_on_positive
from checks.registry import proves
from checks.test_methods_heavy_ball import draw, pinv, value
from dipproofs.theory import formula
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import nesterov
from dipproofs.theory.methods import symbols as m

al, be, x, et, ze, nu, A, B = sp.symbols("alpha beta x eta zeta nu A B", positive=True)
q, w, u = sp.symbols("q w u", real=True)
X = x**2
f = (1 - X) / x


def constant(name: str) -> sp.Expr:
    return formula(f"methods.nesterov.{name}").expr


def W(q: sp.Expr, w: sp.Expr) -> sp.Expr:
    """‖q‖² − γ‖Mᵀq‖² + β‖w‖² + (α/h)⟨(M⁺ − γMᵀ)q, w⟩ on one mode."""
    return q**2 - X * q**2 + be * w**2 + al * f * q * w


def frozen(q: sp.Expr, u: sp.Expr) -> sp.Expr:
    """W₊ with M frozen: q₊ = q + hMb, b = u − hMᵀq, w₊ = u − hMᵀq₊."""
    after = q + x * (u - x * q)
    return W(after, u - x * after)


NAMES = {m.alpha: al, m.beta: be, m.eta: et, m.zeta: ze, m.nu: nu, nesterov.A: A, nesterov.B: B, m.X: X}


@proves("methods.nesterov.P*")
def test_matrix_of_a_mode() -> None:
    form = et * be * W(q, u / be) - frozen(q, u) - (A + B * nu / 2 + ze) * (u - x * q) ** 2 - B / (2 * nu) * u**2
    p = sp.Symbol("p", real=True)  # q = x·p
    expanded = sp.expand(sp.simplify(form.subs(q, x * p)))
    entries = [constant(f"P{place}").subs(NAMES) for place in ("11", "12", "22")]
    rebuilt = entries[0] * p**2 + 2 * entries[1] * p * u + entries[2] * u**2
    assert sp.simplify(sp.expand(rebuilt) - expanded) == 0
    # with α = 1 − β the frozen W falls by β(1 − γσ²) exactly
    assert sp.simplify((frozen(q, be * w) - be * (1 - X) * W(q, w)).subs(al, 1 - be)) == 0
    assert sp.degree(sp.expand(nesterov.matrix.determinant), m.X) == 4


@proves("methods.nesterov.W_0")
def test_start() -> None:
    """From D = hv: w = βv − hMᵀq; a mode of M, where ‖Mᵀr‖ = σ|r|."""
    gamma, v = sp.Symbol("gamma", positive=True), sp.Symbol("v", real=True)
    given = {
        s.psi_0: q, m.gradient_norm: x * q / sp.sqrt(gamma), m.state_norm: sp.sqrt(gamma) * v,
        m.state_slope: x * q * v, m.state_newton: gamma * q * v / x, s.gamma: gamma, m.alpha: al, m.beta: be,
    }  # fmt: skip
    found = constant("W_0").subs(given, simultaneous=True)
    assert sp.simplify(sp.expand(found) - sp.expand(W(q, be * v - x * q))) == 0


@proves(
    "methods.nesterov.d_[Rn]", "methods.nesterov.[hXx]*", "methods.nesterov.[Rn]_hat", "methods.nesterov.needs_lyapunov"
)
def test_residual_and_speed_are_bounded_by_W() -> None:
    form = sp.Matrix([[1 - X, al * f / (2 * be)], [al * f / (2 * be), 1 / be]])  # in (q, u)
    speed = sp.Matrix([[X, -x], [-x, 1]])
    det = form.det()
    Y = sp.Symbol("Y", positive=True)
    residual = nesterov.residual_weight(Y).subs(NAMES).subs(Y, X)
    assert sp.simplify(det / form[1, 1] - residual) == 0
    ratio = det / (speed.adjugate() * form).trace()
    assert sp.simplify(ratio - nesterov.speed_weight(Y).subs(NAMES).subs(Y, X)) == 0
    # form − d·nnᵀ is singular first at d = 1/(nᵀ form⁻¹ n) = det/tr(adj(nnᵀ)form)
    n = sp.Matrix([-x, 1])
    assert sp.simplify((n.T * form.inv() * n)[0] - 1 / ratio) == 0
    # concave in Y: −α²/(4β)·∂²(1/Y) < 0; over an affine positive function, so quasi-concave: two ends suffice
    second = sp.simplify(sp.diff(nesterov.residual_weight(Y).subs(NAMES), Y, 2))
    assert sign_on_positive(second) == -1
    affine = sp.cancel(nesterov.residual_weight(Y) / nesterov.speed_weight(Y))
    assert sp.degree(sp.expand(affine), Y) == 1
    ends = (nesterov.X_s, nesterov.X_M)
    assert constant("d_R") == sp.Min(*(nesterov.residual_weight(end) for end in ends))
    assert constant("d_n") == sp.Min(1 / m.beta, *(nesterov.speed_weight(end) for end in ends))  # kernel: W = ‖u‖²/β
    assert same(constant("X_s"), s.gamma * m.injectivity**2) and same(constant("X_M"), s.gamma * s.norm_AJ_ball**2)
    assert constant("h") == sp.sqrt(s.gamma) and constant("x_M") == m.h * s.norm_AJ_ball
    assert same(constant("R_hat") ** 2 * m.d_R, m.W_0) and same(constant("n_hat") ** 2 * m.d_n, m.W_0)
    assert constant("needs_lyapunov") == sp.Gt(sp.Min(m.d_R, m.d_n), 0)


@proves("methods.nesterov.kernel", "methods.nesterov.needs_*", "methods.nesterov.contraction", "methods.nesterov.S")
def test_kernel_and_summation() -> None:
    # in the kernel of M: b = u, W = β‖w‖² = ‖u‖²/β, W₊ = β‖u‖²
    left = et * be * (1 / be) - be - (A + B * nu / 2 + ze) - B / (2 * nu)
    assert sp.simplify(et - constant("kernel").subs(NAMES) - left) == 0
    assert constant("needs_kernel") == sp.Ge(m.eta, nesterov.kernel)
    assert constant("needs_step") == sp.Lt(nesterov.X_M, 1)
    assert constant("needs_weights") == sp.Le(m.alpha + m.beta, 1)  # so that −(1−z)γ‖Mᵀq‖² has the sign that W_0 uses
    assert constant("needs_contraction") == sp.Lt(m.contraction, 1) and constant("needs_ball") == sp.Le(m.path, s.rho)
    assert constant("contraction") == m.beta * m.eta + nesterov.kappa_2
    assert same(constant("S") ** 2, m.h**2 * m.W_0 / m.zeta * m.contraction / (1 - m.contraction))


@proves("methods.nesterov.residual_bound")
def test_residual_bound() -> None:
    assert same(constant("residual_bound") ** 2 * m.d_R, m.lyapunov)


def lyapunov(qq: np.ndarray, ww: np.ndarray, M: np.ndarray, h: float, beta: float, alpha: float) -> float:
    g = M.T @ qq
    return float(
        qq @ qq - h * h * (g @ g) + beta * (ww @ ww) + alpha / h * ((pinv(M) @ qq) @ ww) - alpha * h * (g @ ww)
    )


def one_step(rng: np.random.Generator) -> tuple[float, float]:
    """(W₊ − frozen W₊, what A, B, κ₂ allow) for a change of M that the constraints allow."""
    M, qq, b, E, uu, h, beta, ell, alpha = draw(rng, 0.9, 0.5)
    n = float(np.linalg.norm(b))
    new_M, tilde = M + E, qq + h * M @ b
    new_q = tilde + h * E @ b / 2
    after = lyapunov(new_q, uu - h * new_M.T @ new_q, new_M, h, beta, alpha)
    still = lyapunov(tilde, uu - h * M.T @ tilde, M, h, beta, alpha)
    least = min(np.linalg.svd(M, compute_uv=False)[-1], np.linalg.svd(new_M, compute_uv=False)[-1])
    most = max(np.linalg.norm(M, 2), np.linalg.norm(new_M, 2))
    if h * most >= 1:
        return 0.0, 1.0
    residual = max(np.linalg.norm(v) for v in (qq, new_q, tilde))
    given = {
        s.lipschitz_AJ: ell, s.gamma: h * h, m.R_hat: residual, m.alpha: alpha, m.beta: beta, m.h: h, m.n_hat: n,
        m.k_hat: ell * residual / least**2, m.injectivity: least, m.x_M: h * most,
        m.d_n: 1, m.d_R: 1,
    }  # fmt: skip
    a, c, k = (value(constant(name), given) for name in ("A", "B", "kappa_2"))
    # κ₂W bounds 2(1−z)x_Mℓγ R̂ n R₊ through n ≤ √(W/d_n), R₊ ≤ √(W/d_R): here with n·R₊ itself
    return after - still, a * n * n + c * n * float(np.linalg.norm(uu)) + k * n * residual


@proves("methods.nesterov.A", "methods.nesterov.B", "methods.nesterov.kappa_2", "methods.nesterov.k_hat")
def test_perturbation_bounds_what_the_change_of_M_costs() -> None:
    rng = np.random.default_rng(11)
    largest = max(cost / allowed for cost, allowed in (one_step(rng) for _ in range(1500)))
    assert 0.1 < largest <= 1 + 1e-9
    assert same(constant("k_hat"), s.lipschitz_AJ * m.R_hat / m.injectivity**2)
