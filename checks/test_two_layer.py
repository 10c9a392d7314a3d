"""Constants of the two-layer network from first principles (docs/theory.md §4).

g(V,W) = k^{-1/2} V φ(Wu). For a direction (H, D) of (V, W), with d = Du, ‖d‖ ≤ ‖u‖‖D‖:

    Dg = k^{-1/2}(Hφ(a) + V(φ'(a)∘d)),    D²g = k^{-1/2}(2H(φ'(a)∘d) + V(φ''(a)∘d∘d)),

so ⟨z, D²g⟩ for unit z ∈ Im(Aᵀ) is at most k^{-1/2}(2·B₁‖u‖·‖H‖‖D‖ + B₂‖u‖²·c·‖D‖²), c ≥ |⟨z, v_j⟩| on the
ball. The norm
of a symmetric bilinear form is the supremum of its quadratic form over unit vectors, an eigenvalue of a 2×2 matrix.
"""

from __future__ import annotations

import pytest
import sympy as sp

from checks.everywhere import same
from checks.registry import proves
from dipproofs.theory import formula
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import ARCHITECTURES, CONSTANTS, TRAIN_MODES

B1u, B2u, k = s.B_1 * s.norm_u, s.B_2 * s.norm_u**2, s.width
root = sp.sqrt(k)
_TRAINS_V, _TRAINS_W = {"both", "outer"}, {"both", "inner"}


def constant(train: str, name: str) -> sp.Expr:
    expr = formula(f"twolayer.{train}.{name}").expr
    field = getattr(CONSTANTS[train], name)
    assert expr == field, "the registry and the object that the code uses differ"
    return expr


def test_second_derivative_of_the_network() -> None:
    """The two displayed derivatives, for k = 2 hidden units and one output, φ arbitrary."""
    phi = sp.Function("phi")
    v1, v2, h1, h2, a1, a2, d1, d2, eps = sp.symbols("v1 v2 h1 h2 a1 a2 d1 d2 epsilon", real=True)
    g = ((v1 + eps * h1) * phi(a1 + eps * d1) + (v2 + eps * h2) * phi(a2 + eps * d2)) / sp.sqrt(2)

    def at(order: int) -> sp.Expr:
        return sp.expand(sp.diff(g, eps, order).doit().subs(eps, 0).doit())

    def value(a: sp.Symbol, order: int) -> sp.Expr:
        return sp.diff(phi(a), a, order) if order else phi(a)

    pairs = ((v1, h1, a1, d1), (v2, h2, a2, d2))
    first = sum(h * value(a, 0) + v * value(a, 1) * d for v, h, a, d in pairs) / sp.sqrt(2)
    second = sum(2 * h * value(a, 1) * d + v * value(a, 2) * d**2 for v, h, a, d in pairs) / sp.sqrt(2)
    assert sp.simplify(at(1) - sp.expand(first)) == 0
    assert sp.simplify(at(2) - sp.expand(second)) == 0


def sup_of_form(cross: sp.Expr, square: sp.Expr) -> sp.Expr:
    """sup of 2·cross·x·y + square·x² over x² + y² = 1: the larger eigenvalue of [[square, cross], [cross, 0]]."""
    first, second = sp.Matrix([[square, cross], [cross, 0]]).eigenvals(multiple=True)
    # their product is −cross² ≤ 0 and their sum square ≥ 0, so the positive one has the larger modulus
    assert sp.simplify(first * second + cross**2) == 0 and sp.simplify(first + second - square) == 0
    return first if (first - second).subs(dict.fromkeys((first - second).free_symbols, 1)) > 0 else second


def columns(train: str, start: sp.Expr, norm: sp.Expr) -> sp.Expr:
    """Bound of ‖X v_j‖ on the ball, X of this norm: V moves by at most ρ, if it is trained."""
    return start + (norm * s.rho if train in _TRAINS_V else 0)


def lipschitz(train: str, start: sp.Expr, norm: sp.Expr) -> sp.Expr:
    b, c = sp.symbols("b c", positive=True)
    cross = b if train == "both" else sp.Integer(0)
    square = c if train in _TRAINS_W else sp.Integer(0)
    form = sup_of_form(cross, square) if square != 0 else sp.Integer(0)
    return form.subs({b: norm * B1u, c: B2u * columns(train, start, norm)}) / root


@proves("twolayer.*.lipschitz_J", "twolayer.*.lipschitz_AJ", "twolayer.*.lipschitz_J_full")
@pytest.mark.parametrize("train", TRAIN_MODES)
def test_lipschitz_constants(train: str) -> None:
    one = sp.Integer(1)
    assert same(constant(train, "lipschitz_J"), lipschitz(train, s.c_0, one))
    assert same(constant(train, "lipschitz_J_full"), lipschitz(train, s.c_full, one))
    # M = AJ: ⟨w, A·⟩ has |⟨Aᵀw, v_j⟩| = |⟨w, Av_j⟩| ≤ c_A and ‖Aᵀw‖ ≤ ‖A‖ in front of H
    assert same(constant(train, "lipschitz_AJ"), lipschitz(train, s.c_A0, s.norm_A))


@proves("twolayer.*.lipschitz_in", "twolayer.*.lipschitz_A_in")
@pytest.mark.parametrize("train", TRAIN_MODES)
def test_inner_block_alone(train: str) -> None:
    """(‖u‖/√k)φ'(a)∘(Vᵀz) moves by at most (‖u‖/√k)(B₁‖Hᵀz‖ + B₂‖d‖max_j|⟨z, v_j⟩|): Cauchy–Schwarz."""
    H, D, norm, c = sp.symbols("H D X c", positive=True)
    change = (B1u * norm * H + B2u * c * D) / root
    if train == "both":
        # the maximum of pH + qD over H² + D² = 1 is √(p²+q²)
        p, q = sp.Poly(change, H, D).coeff_monomial(H), sp.Poly(change, H, D).coeff_monomial(D)
        largest = sp.sqrt(p**2 + q**2)
    else:
        largest = sp.Poly(change, H, D).coeff_monomial(D) if train == "inner" else sp.Integer(0)
    for name, start, size in (("lipschitz_in", s.c_0, sp.Integer(1)), ("lipschitz_A_in", s.c_A0, s.norm_A)):
        wanted = sp.sympify(largest).subs({norm: size, c: columns(train, start, size)})
        assert same(constant(train, name) ** 2, wanted**2)
        assert constant(train, name).subs(dict.fromkeys(constant(train, name).free_symbols, 1)) >= 0


@proves("twolayer.*.sigma_out", "twolayer.*.lipschitz_out")
@pytest.mark.parametrize("train", TRAIN_MODES)
def test_outer_block(train: str) -> None:
    """(J_Vᵀz) = zφ(a)ᵀ/√k has norm ‖φ(a)‖/√k for every unit z; ‖φ(a+d)−φ(a)‖ ≤ B₁‖d‖ ≤ B₁‖u‖‖D‖."""
    outer = s.norm_phi / root if train in _TRAINS_V else sp.Integer(0)
    slope = B1u / root if train == "both" else sp.Integer(0)
    assert same(constant(train, "sigma_out"), outer)
    assert same(constant(train, "lipschitz_out"), slope)
    # three hidden units: ‖zφᵀ‖_F² = ‖z‖²‖φ‖²
    z, f = sp.Matrix(sp.symbols("z1:3", real=True)), sp.Matrix(sp.symbols("f1:4", real=True))
    assert sp.expand((z * f.T).norm() ** 2 - z.norm() ** 2 * f.norm() ** 2) == 0


@proves("twolayer.*.norm_AJ_ball")
@pytest.mark.parametrize("train", TRAIN_MODES)
def test_norm_on_the_ball(train: str) -> None:
    """‖M(θ)‖ ≤ ‖M_0‖ + ℓ_Aρ, and ‖MMᵀ‖ ≤ (‖u‖²/k)‖AV‖²B₁² + (‖φ(a)‖²/k)‖A‖² with V, a anywhere on the ball."""
    outer_norm = s.norm_V + (s.norm_A * s.rho if train in _TRAINS_V else 0)
    hidden = s.norm_phi + (B1u * s.rho if train in _TRAINS_W else 0)
    square = sp.Integer(0)
    if train in _TRAINS_W:
        square += (s.norm_u * s.B_1 * outer_norm) ** 2 / k
    if train in _TRAINS_V:
        square += (hidden * s.norm_A) ** 2 / k
    perturbed = s.norm_AJ + s.lipschitz_AJ * s.rho
    found = constant(train, "norm_AJ_ball")
    assert found.func is sp.Min and len(found.args) == 2
    wanted = [perturbed, sp.sqrt(square)]
    for bound in found.args:
        assert any(same(bound**2, other**2) for other in wanted), bound
    assert not same(found.args[0] ** 2, found.args[1] ** 2)


@pytest.mark.parametrize("train", TRAIN_MODES)
def test_the_outer_block_stays_onto_by_weyl(train: str) -> None:
    """σ_min of φ(a)/√k times the identity falls by at most ℓ_out S; where V is fixed nothing is claimed."""
    onto = ARCHITECTURES[train].onto
    if train == "inner":
        assert onto == ()
        return
    (least,) = onto
    assert least.subs(s.S, 0) == s.sigma_out and sp.diff(least, s.S) == -s.lipschitz_out
