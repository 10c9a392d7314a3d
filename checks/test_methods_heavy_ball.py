"""The heavy-ball theorem (docs/theory-methods.md §1): its Lyapunov function, constants and inequalities, derived."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from checks.everywhere import same, sign_on_positive
from checks.registry import proves
from dipproofs.certify.methods.floats import chain
from dipproofs.theory import formula
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import HEAVY_BALL, heavy_ball
from dipproofs.theory.methods import symbols as m

al, be, de, x, et, ze, pi = sp.symbols("alpha beta delta x eta zeta pi", positive=True)
r, v, X = sp.symbols("r v X", real=True)
NAMES = {m.alpha: al, m.beta: be, m.delta: de}
Z, c = heavy_ball.weight(x).subs(NAMES), heavy_ball.coupling(x).subs(NAMES)


def W(r: sp.Expr, v: sp.Expr) -> sp.Expr:
    """‖r‖² + ⟨v,v₊⟩ + δh⟨r,Mv⟩ + (α/h)⟨M⁺r,v⟩ on one mode, x = hσ."""
    return r**2 + v * after(r, v) + de * x * r * v + al / x * r * v


def after(r: sp.Expr, v: sp.Expr) -> sp.Expr:
    """v₊ = βv − hMᵀr."""
    return be * v - x * r


def constant(name: str) -> sp.Expr:
    return formula(f"methods.heavy_ball.{name}").expr


def value(expr: sp.Expr, given: dict[sp.Symbol, float]) -> float:
    """An expression in floats."""
    needed, function = chain((), (expr,))
    return float(function(*[np.float64(given[symbol]) for symbol in needed])[0])


@proves("methods.heavy_ball.[hxZc]", "methods.heavy_ball.[xZc]_[sM]")
def test_modes() -> None:
    """βW = Zr² + v₊² + c r v₊ and, M frozen, W₊ = r² + Zv₊² + c r v₊."""
    w = sp.Symbol("v_+", real=True)
    before = be * W(r, (w + x * r) / be)
    assert sp.simplify(before - (Z * r**2 + w**2 + c * r * w)) == 0
    assert sp.simplify(W(r + x * w, w) - (r**2 + Z * w**2 + c * r * w)) == 0
    assert constant("h") == sp.sqrt(s.gamma)
    for end, bound in (("s", m.injectivity), ("M", s.norm_AJ_ball)):
        at = getattr(m, f"x_{end}")
        assert same(constant(f"x_{end}"), m.h * bound)
        assert same(constant(f"Z_{end}"), Z.subs({al: m.alpha, be: m.beta, de: m.delta, x: at}))
        assert same(constant(f"c_{end}"), c.subs({al: m.alpha, be: m.beta, de: m.delta, x: at}))


@proves("methods.heavy_ball.W_0")
def test_start() -> None:
    """From the stored displacement D = hv: ‖D‖ = h|v|, ⟨r,MD⟩ = xrv, ⟨M⁺r,D⟩ = γrv/x on one mode."""
    gamma = sp.Symbol("gamma", positive=True)
    given = {
        s.psi_0: r, m.state_norm: sp.sqrt(gamma) * v, m.state_slope: x * r * v, m.state_newton: gamma * r * v / x,
        s.gamma: gamma, **NAMES,
    }  # fmt: skip
    assert sp.expand(constant("W_0").subs(given, simultaneous=True) - sp.expand(W(r, v))) == 0


@proves("methods.heavy_ball.d_[Rn]", "methods.heavy_ball.positive", "methods.heavy_ball.[Rn]_hat")
def test_residual_and_speed_are_bounded_by_W() -> None:
    # Zr² + v² + crv − d·r² ⪰ 0 iff Z − d ≥ c²/4; − d·v² iff Z(1−d) ≥ c²/4
    d = sp.Symbol("d", real=True)
    assert sp.solve((Z - d) - c**2 / 4, d)[0].equals(Z - c**2 / 4)
    assert sp.solve(Z * (1 - d) - c**2 / 4, d)[0].equals(1 - c**2 / (4 * Z))
    # in X = x² both left sides are concave: the minimum over singular values is at an end
    for side in (Z - d - c**2 / 4, Z * (1 - d) - c**2 / 4):
        curved = sp.diff(
            sp.expand(side).subs(x, sp.sqrt(sp.Symbol("Y", positive=True))), sp.Symbol("Y", positive=True), 2
        )
        assert sign_on_positive(sp.simplify(curved)) == -1
    assert constant("d_R") == sp.Min(m.Z_s - m.c_s**2 / 4, m.Z_M - m.c_M**2 / 4)
    assert constant("d_n") == sp.Min(1 - m.c_s**2 / (4 * m.Z_s), 1 - m.c_M**2 / (4 * m.Z_M))
    assert constant("positive") == sp.Gt(sp.Min(m.d_R, m.d_n), 0)
    assert same(constant("R_hat") ** 2 * m.d_R, m.beta * m.W_0) and same(constant("n_hat") ** 2 * m.d_n, m.beta * m.W_0)


@proves("methods.heavy_ball.slow_*", "methods.heavy_ball.fast_*", "methods.heavy_ball.contraction")
@pytest.mark.parametrize("name", ["slow", "fast"])
def test_inequality_of_a_mode(name: str) -> None:
    """ηβW − W₊ − πv₊² ≥ ζv₊² on one mode is a 2×2 form; concave − convex in X, so that two ends suffice."""
    Zc = (m.Z_s, m.c_s) if name == "slow" else (m.Z_M, m.c_M)
    form = et * (Z * r**2 + v**2 + c * r * v) - (r**2 + Z * v**2 + c * r * v) - (pi + ze) * v**2
    a, b, d = (sp.expand(form).coeff(r, 2), sp.expand(form).coeff(r, 1).coeff(v, 1), sp.expand(form).coeff(v, 2))
    given = {m.eta: et, m.zeta: ze, m.perturbation: pi, Zc[0]: Z, Zc[1]: c}
    weight, kinetic, mode = (constant(f"{name}_{key}") for key in ("weight", "kinetic", "mode"))
    assert same((weight.gts - weight.lts).subs(given), a)
    assert same((kinetic.gts - kinetic.lts).subs(given), d)
    assert sp.simplify((mode.gts - mode.lts).subs(given) - (4 * a * d - b**2)) == 0
    # 4(ηZ−1)(η−Z−π−ζ) is a concave quadratic in X, (η−1)²c² is convex in X
    Y = sp.Symbol("Y", positive=True)
    concave = sp.diff(sp.expand(4 * a * d).subs(x, sp.sqrt(Y)), Y, 2)
    assert sp.simplify(concave + 8 * et * de**2) == 0
    assert sign_on_positive(sp.simplify(sp.diff(sp.expand(c**2).subs(x, sp.sqrt(Y)), Y, 2))) == 1
    # in the kernel of M: ηβW − W₊ = (η − z)v₊², and Z ≥ z
    assert sp.simplify(Z - (al + be) - de * x**2) == 0
    assert constant("contraction") == m.beta * m.eta


@proves("methods.heavy_ball.eta_min", "methods.heavy_ball.zeta")
def test_smallest_eta_of_a_mode() -> None:
    z_, c_, p_ = sp.symbols("Z c pi", positive=True)
    eta = constant("eta_min").subs({m.Z_s: z_, m.c_s: c_, m.perturbation: p_})
    q, D = (1 - z_) ** 2 + z_ * p_, 4 * z_ - c_**2
    gap = sp.simplify(4 * (eta * z_ - 1) * (eta - z_ - p_) - (eta - 1) ** 2 * c_**2)
    assert gap == 0
    # the larger root of a quadratic with leading coefficient 4Z − c² > 0; at Z = 1 it is 1 + 4π/(4 − c²)
    assert sp.simplify(eta.subs(z_, 1) - (1 + 4 * p_ / (4 - c_**2))) == 0
    other = 1 + 2 * (q - sp.sqrt(q**2 + D * (1 - z_) * (1 - z_ - p_))) / D
    E = sp.Symbol("E")
    quadratic = sp.expand(4 * (E * z_ - 1) * (E - z_ - p_) - (E - 1) ** 2 * c_**2)
    assert sp.simplify(sp.expand(D * (E - eta) * (E - other)) - quadratic) == 0
    zeta = constant("zeta").subs({m.eta: et, m.Z_s: z_, m.c_s: c_, m.perturbation: p_})
    assert sp.simplify(4 * (et * z_ - 1) * (et - z_ - p_ - zeta) - (et - 1) ** 2 * c_**2) == 0


@proves("methods.heavy_ball.S", "methods.heavy_ball.contracts", "methods.heavy_ball.ball")
def test_path_is_summed_by_cauchy_schwarz() -> None:
    # Σ ρ₂^{−(i+1)} ζ n_{i+1}² ≤ W_0 and Σ_{i≥0} ρ₂^{i+1} = ρ₂/(1−ρ₂)
    q = sp.Symbol("q", positive=True)
    total = q / (1 - q)
    assert same(total, q + q * total)  # the sum of a geometric series
    weighted = m.W_0 / m.zeta
    assert same(constant("S") ** 2, m.h**2 * weighted * total.subs(q, m.contraction))
    assert constant("contracts") == sp.Lt(m.contraction, 1) and constant("ball") == sp.Le(m.path, s.rho)


@proves("methods.heavy_ball.exchange_*", "methods.heavy_ball.exchange")
def test_another_lyapunov_function_is_bounded_at_both_ends() -> None:
    """λβW − βW' on a mode is a quadratic form of (r, v₊); its determinant is linear minus convex in x²."""
    la, Zn, cn, Zs, cs = sp.symbols("lambda Z_n c_n Z_s c_s", positive=True)
    names = {m.exchange: la, m.Z_next: Zn, m.c_next: cn, m.Z_s: Zs, m.c_s: cs}
    form = sp.Matrix([[la * Zs - Zn, (la * cs - cn) / 2], [(la * cs - cn) / 2, la - 1]])
    first, second, determinant = (expr.subs(names) for expr in heavy_ball.EXCHANGE)
    assert (first, second) == (form[0, 0], form[1, 1])
    assert sp.expand(determinant - 4 * form.det()) == 0
    root = constant("exchange").subs(names)
    assert sp.simplify(determinant.subs(la, root)) == 0
    # in X: (λZ − Z')(λ − 1) is linear, (λc − c')² = (aX + b)²/X convex for whatever a, b
    a, b, Y = sp.symbols("a b Y", positive=True)
    gap = la * heavy_ball.coupling(x) - heavy_ball.coupling(x).subs({m.alpha: sp.Symbol("k"), m.delta: sp.Symbol("d")})
    assert sp.simplify(sp.expand(gap * x) - sp.expand(gap * x).subs(x, 0) - sp.diff(gap * x, x, 2) * x**2 / 2) == 0
    assert sp.simplify(sp.diff((a * Y + b) ** 2 / Y, Y, 2) - 2 * b**2 / Y**3) == 0
    assert sp.diff(heavy_ball.weight(sp.sqrt(Y)), Y, 2) == 0
    # the larger root: beyond it the form stays positive
    rng = np.random.default_rng(0)
    for _ in range(40):
        at = {Zs: rng.uniform(0.5, 2), cs: 0.0, Zn: rng.uniform(0.5, 2), cn: 0.0}
        at[cs], at[cn] = rng.uniform(0, 1.9) * at[Zs] ** 0.5, rng.uniform(0, 1.9) * at[Zn] ** 0.5
        least = float(root.subs(at))
        for share in (1.0, 1.3, 10.0):
            matrix = np.array(form.subs(at).subs(la, max(least, 1.0) * share), float)
            assert np.linalg.eigvalsh(matrix)[0] >= -1e-9
        if least > 1.001:
            assert np.linalg.eigvalsh(np.array(form.subs(at).subs(la, least * 0.999), float))[0] < 0


@proves("methods.heavy_ball.residual_bound")
def test_residual_bound() -> None:
    assert same(constant("residual_bound") ** 2 * m.d_R, m.beta * m.lyapunov)


# --- the perturbation: what the proof adds up, on random matrices ----------------------------------------------------


def pinv(M: np.ndarray) -> np.ndarray:
    return M.T @ np.linalg.inv(M @ M.T)


def lyapunov(rr: np.ndarray, vv: np.ndarray, M: np.ndarray, h: float, beta: float, alpha: float, delta: float) -> float:
    plus = beta * vv - h * M.T @ rr
    return float(rr @ rr + vv @ plus + delta * h * (rr @ (M @ vv)) + alpha / h * ((pinv(M) @ rr) @ vv))


def draw(rng: np.random.Generator, step: float, curved: float) -> tuple[np.ndarray, ...]:
    """M, r, u − hMᵀr, a change E of M of norm ℓh‖u − hMᵀr‖; then u, h, β, ℓ ≤ ``curved``, α; h‖M‖ ≤ ``step``."""
    size = int(rng.integers(1, 5))
    width = size + int(rng.integers(0, 4))
    U, _ = np.linalg.qr(rng.normal(size=(size, size)))
    V, _ = np.linalg.qr(rng.normal(size=(width, width)))
    M = (U * np.exp(np.sort(rng.uniform(0, 2.5, size)))) @ V[:, :size].T
    h, beta, ell = rng.uniform(0.1, step) / np.linalg.norm(M, 2), rng.uniform(0.05, 0.98), rng.uniform(0.05, curved)
    alpha = (1 - beta) * rng.uniform(0.01, 1)
    r, u = rng.normal(size=size) * np.exp(rng.uniform(-3, 0)), rng.normal(size=width) * np.exp(rng.uniform(-3, 0))
    moves = u - h * M.T @ r
    E = np.outer(rng.normal(size=size), rng.normal(size=width)) if rng.random() < 0.7 else rng.normal(size=M.shape)
    if rng.random() < 0.5:  # along what the proof loses most on
        E = np.outer(U[:, 0], moves) * rng.choice([-1, 1])
    E *= ell * h * np.linalg.norm(moves) / np.linalg.norm(E, 2)
    return M, r, moves, E, u, h, beta, ell, alpha


def one_step(rng: np.random.Generator, understated: float = 1.0) -> tuple[float, float]:
    """(W₊ − frozen form, π‖v₊‖²) for a worst-ish M₊, e, e' that the constraints allow."""
    M, rr, plus, E, _, h, beta, ell, alpha = draw(rng, 1.5, 0.7)
    delta, n, size = rng.choice([0.0, 0.5]), float(np.linalg.norm(plus)), len(rr)
    moved, half = h * E @ plus, ell * h * h * n * n / 2
    push = rng.normal(size=size) if rng.random() < 0.5 else rr.copy()
    push /= np.linalg.norm(push)
    low, high = 0.0, half
    for _ in range(40):
        t = (low + high) / 2
        fits = max(np.linalg.norm(moved / 2 + t * push), np.linalg.norm(t * push - moved / 2)) <= half
        low, high = (t, high) if fits else (low, t)
    e = moved / 2 + low * push
    new_M, new_r = M + E, rr + h * M @ plus + e
    z = alpha + beta
    frozen = rr @ rr + z * n * n + delta * h * h * np.linalg.norm(M @ plus) ** 2
    frozen += (1 + delta) * h * (rr @ (M @ plus)) + alpha / h * ((pinv(M) @ rr) @ plus)
    least = min(np.linalg.svd(M, compute_uv=False)[-1], np.linalg.svd(new_M, compute_uv=False)[-1])
    most = max(np.linalg.norm(M, 2), np.linalg.norm(new_M, 2))
    residual = max(np.linalg.norm(rr), np.linalg.norm(new_r))
    given = {
        s.lipschitz_AJ: ell, s.gamma: h * h, m.R_hat: residual, m.alpha: alpha, m.k_hat: ell * residual / least**2,
        m.h: h, m.n_hat: n, m.injectivity: least, m.delta: delta, m.x_M: h * most,
    }  # fmt: skip
    allowed = value(constant("perturbation"), given) * understated
    return lyapunov(new_r, plus, new_M, h, beta, alpha, delta) - float(frozen), allowed * n * n


def test_projection_of_the_velocity_costs_its_worst_case() -> None:
    """k n(y + x) − y² with x ≤ n is largest at y = kn/2 (proof of Theorem HB); with n = 1, times α."""
    k, y = m.k_hat, sp.Symbol("y", real=True)
    cost = k * (y + 1) - y**2
    (worst,) = sp.solve(sp.diff(cost, y), y)
    assert sp.diff(cost, y, 2) < 0
    assert same(constant("perturbation").subs(s.lipschitz_AJ, 0), m.alpha * sp.expand(cost.subs(y, worst)))


@proves("methods.heavy_ball.perturbation", "methods.heavy_ball.k_hat")
def test_perturbation_bounds_what_the_change_of_M_costs() -> None:
    rng = np.random.default_rng(7)
    largest = max(cost / allowed for cost, allowed in (one_step(rng) for _ in range(1500)))
    assert 0.2 < largest <= 1 + 1e-9
    assert same(constant("k_hat"), s.lipschitz_AJ * m.R_hat / m.injectivity**2)
    assert HEAVY_BALL.kind == "heavy-ball"


def test_frozen_identity_holds_for_matrices() -> None:
    """W₊ = frozen form exactly when M does not change, kernel of M included."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        M = rng.normal(size=(3, 5))
        h, beta, alpha, delta = 0.1, rng.uniform(0.1, 0.9), rng.uniform(0, 0.5), rng.uniform(0, 1)
        rr, vv = rng.normal(size=3), rng.normal(size=5)
        plus = beta * vv - h * M.T @ rr
        frozen = rr @ rr + beta * (plus @ plus) + delta * h * h * np.linalg.norm(M @ plus) ** 2
        frozen += (1 + delta) * h * (rr @ (M @ plus)) + alpha / h * ((pinv(M) @ rr) @ plus)
        frozen += alpha * np.linalg.norm(pinv(M) @ (M @ plus)) ** 2
        got = lyapunov(rr + h * M @ plus, plus, M, h, beta, alpha, delta)
        assert abs(got - frozen) <= 1e-10 * (1 + abs(frozen))
