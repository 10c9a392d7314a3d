"""Losses: every formula of docs/theory.md §5 proved by symbols, every inequality attacked, every attack controlled."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import flint
import pytest
import sympy as sp

from checks.registry import proves
from dipproofs.enclosures import compile_arb
from dipproofs.theory import LOSSES
from dipproofs.theory.losses.base import curvature_max, m, mu, r, s, scale, v, v_hi, v_lo, y
from dipproofs.theory.losses.cross_entropy import CURVATURE, FLATTEST
from dipproofs.theory.losses.cross_entropy import ENTRY as CROSS_ENTROPY
from dipproofs.theory.losses.huber import POTENTIAL as HUBER
from dipproofs.theory.losses.huber import delta
from dipproofs.theory.losses.log_cosh import POTENTIAL as LOG_COSH
from dipproofs.theory.losses.logit_cross_entropy import ENTRY as LOGIT_ENTRY
from dipproofs.theory.losses.logit_cross_entropy import SLOPE as LOGIT_SLOPE
from dipproofs.theory.losses.lp import POTENTIAL as LP
from dipproofs.theory.losses.lp import p
from dipproofs.theory.losses.norm_power import POTENTIAL as NORM_POWER
from dipproofs.theory.losses.poisson import ENTRY as POISSON_ENTRY
from dipproofs.theory.losses.poisson import background, brightest
from dipproofs.theory.losses.rules import separable
from dipproofs.theory.losses.shape import convex_entry, decide_concave_psi, decide_shape
from dipproofs.theory.losses.squared import POTENTIAL as SQUARED
from dipproofs.theory.symbols import e, loss_0, xi

PROFILES = {"squared": SQUARED, "log-cosh": LOG_COSH, "huber": HUBER, "lp": LP, "norm-power": NORM_POWER}
BITS = 400


def pieces(expr: sp.Expr) -> list[sp.Expr]:
    """The formulas of a Piecewise, or the one formula."""
    return [piece for piece, _ in expr.args] if isinstance(expr, sp.Piecewise) else [expr]


def is_zero(expr: sp.Expr) -> bool:
    """Whether an expression is identically 0: by simplification, in exponentials if need be."""
    if sp.simplify(expr) == 0:
        return True
    return bool(sp.simplify(sp.expand_log(expr.rewrite(sp.exp), force=True)) == 0)


# --- the rules ---------------------------------------------------------------------------------------------
@proves("losses.squared.*", "losses.log-cosh.*", "losses.huber.*", "losses.lp.*", "losses.norm-power.*")
@pytest.mark.parametrize("kind", PROFILES)
def test_profile_closed_forms(kind: str) -> None:
    """h', h'', h⁻¹, √P, T and h∘T⁻¹ belong together, piece by piece."""
    profile = PROFILES[kind]
    slopes = [r, delta] if kind == "huber" else [profile.slope]
    values = [sp.sqrt(2 * e), delta] if kind == "huber" else [profile.slope_of_value]
    count = max(len(pieces(profile.h)), len(pieces(profile.time_of_value)))

    def piece(expr: sp.Expr, i: int) -> sp.Expr:
        parts = pieces(expr)
        return parts[min(i, len(parts) - 1)]

    for i in range(count):
        h, inverse, slope = piece(profile.h, i), piece(profile.inverse, i), slopes[min(i, len(slopes) - 1)]
        special = {p: 2} if kind == "norm-power" and i == 0 else {}
        assert is_zero(sp.diff(h, r) - slope)
        assert is_zero(sp.diff(slope, r) - piece(profile.second_derivative, i))
        assert is_zero(h.subs(r, inverse) - e)
        assert is_zero(sp.powdenest(slope.subs(r, inverse), force=True) - values[min(i, len(values) - 1)])
        level, back = piece(profile.time_of_value, i), piece(profile.value_of_time, i)
        psi_slope = sp.diff(inverse, e)
        assert is_zero((sp.diff(level, e) + psi_slope**2).subs(special))
        assert is_zero(sp.powdenest(sp.expand_log(level.subs(e, back), force=True), force=True) - xi), kind
        if kind != "norm-power":
            assert is_zero(sp.diff(piece(profile.time, i), s) + 1 / slope.subs(r, s))
            assert is_zero(sp.powdenest(piece(profile.time, i).subs(s, inverse) - level, force=True))


@pytest.mark.parametrize("kind", PROFILES)
def test_shape_is_decided(kind: str) -> None:
    """The declared shape of P is the decided one, and the decision sees a wrong sign."""
    profile, loss = PROFILES[kind], LOSSES[kind]
    decided = decide_shape(profile.second_derivative, loss.parameters)
    assert decided == ("convex" if kind == "norm-power" else profile.shape)
    second = profile.second_derivative
    turned = sp.Piecewise(*((-piece, where) for piece, where in second.args)) if kind == "huber" else -second
    opposite = {"linear": "linear", "concave": "convex", "convex": "concave"}
    assert decide_shape(turned, loss.parameters) == opposite[decided]


@pytest.mark.parametrize("kind", LOSSES)
def test_convex_entries_and_concave_psi(kind: str) -> None:
    """Every loss of the table is convex with concave ψ."""
    assert convex_entry(LOSSES[kind])
    assert decide_concave_psi(LOSSES[kind])


@pytest.mark.parametrize("entry", [v**2 / 2 - v**3 / 3, (1 - 2 * y) * v**2 / 2])
def test_convexity_is_decided_on_the_whole_domain(entry: sp.Expr) -> None:
    """Convex for v < ½, or for y < ½, only."""
    half = replace(LOSSES["cross-entropy"], entry=entry, registered=False)
    assert half.domain == (0, 1)
    assert not convex_entry(half)
    assert convex_entry(replace(half, entry=v**2))


@proves("losses.*.psi", "losses.*.G", "losses.*.Lambda")
def test_the_table_is_the_output_of_the_rules() -> None:
    """ψ, Ψ, Ψ⁻¹, G, Λ of §5 as it is printed there, at scale 1 of the table."""
    f = loss_0
    half_squared = {e: 2 * e}
    printed = {
        "squared": (sp.sqrt(2 * e), sp.sqrt(2 * f), 1),
        "log-cosh": (e + sp.log(1 + sp.sqrt(1 - sp.exp(-2 * e))), sp.sqrt(m * (1 - sp.exp(-2 * f / m))), 1),
        "huber": (
            sp.Piecewise((sp.sqrt(2 * e), e <= delta**2 / 2), (delta + (e - delta**2 / 2) / delta, True)),
            sp.Min(delta * sp.sqrt(m), sp.sqrt(2 * f)),
            1,
        ),
        "lp": (
            m ** ((p - 2) / (2 * p)) * (p * e) ** (1 / p),
            (p * f) ** ((p - 1) / p),
            (p - 1) * (p * f) ** ((p - 2) / p),
        ),
        "norm-power": ((p * e) ** (1 / p), (p * f) ** ((p - 1) / p), (p - 1) * (p * f) ** ((p - 2) / p)),
        "cross-entropy": (sp.sqrt(2 * e / mu), sp.sqrt(2 * curvature_max * f), curvature_max),
        "logit-cross-entropy": (sp.sqrt(2 * e / mu), sp.sqrt(f / 2), sp.Rational(1, 4)),
    }
    points = [
        {
            e: sp.Rational(a),
            f: sp.Rational(a),
            m: 7,
            p: sp.Rational(7, 2),
            delta: sp.Rational(3, 4),
            mu: 3,
            curvature_max: 5,
        }
        for a in ("1/1000", "9/10", "4")
    ]
    for kind, (psi, G, curvature) in printed.items():
        loss = LOSSES[kind]
        half = kind == "squared"
        ours = (
            loss.psi.subs(half_squared) if half else loss.psi,
            (loss.gradient_bound / 2).subs(f, 2 * f) if half else loss.gradient_bound,
            loss.curvature / 2 if half else loss.curvature,
        )
        for mine, theirs in zip(ours, (psi, G, sp.sympify(curvature))):
            for point in points:
                assert abs(sp.N((mine - theirs).subs(point), 40)) < 1e-35, kind


@proves("losses.*.Psi", "losses.*.Psi_inv")
@pytest.mark.parametrize("kind", LOSSES)
def test_psi_and_primitive(kind: str) -> None:
    """Ψ' = −ψ'² and Ψ∘Ψ⁻¹ = id, at scale c, to 60 digits over many magnitudes (symbolic for profiles above)."""
    loss = LOSSES[kind]
    Psi, slope = loss.Psi_scaled, sp.diff(loss.psi_scaled, e)
    values = {
        m: 5,
        p: sp.Rational(7, 2),
        delta: sp.Rational(3, 4),
        mu: 3,
        brightest: sp.Rational(7, 3),
        scale: sp.Rational(2, 3),
    }
    error = (sp.diff(Psi, e) + slope**2).subs(values)
    relative = compile_arb((e,), error / slope.subs(values) ** 2)
    there, back = compile_arb((e,), Psi.subs(values)), compile_arb((xi,), loss.Psi_inv_scaled.subs(values))
    with flint.ctx.workprec(1200):
        for size in ("1e-30", "1e-12", "0.001", "0.1", "1.5", "30"):
            at = flint.arb(size)
            assert abs(relative(at)) < flint.arb("1e-60"), size
            assert abs(back(there(at)) / at - 1) < flint.arb("1e-60"), size
        wrong = compile_arb((e,), ((sp.diff(Psi, e) + (slope * sp.Rational(9, 10)) ** 2) / slope**2).subs(values))
        assert abs(wrong(flint.arb(1))) > flint.arb("0.1")


# --- the proofs for entrywise losses -------------------------------------------------------------------------
@proves("losses.cross-entropy.mu", "losses.cross-entropy.K")
def test_cross_entropy_constants() -> None:
    """The flattest point, the curvature there, and h'² ≥ 4h from KL ≤ χ²."""
    inside, data = sp.symbols("inside data", positive=True)
    assert is_zero(sp.diff(CROSS_ENTROPY, v, 2) - CURVATURE)
    third = sp.Rational(1, 3)
    cubes = {y: data**3 / (1 + data**3)}  # y and 1 − y as cubes over their sum
    third_derivative = sp.diff(CURVATURE, v).subs(cubes).subs(v, data / (1 + data))
    assert is_zero(third_derivative)
    assert is_zero(sp.powdenest(FLATTEST.subs(cubes), force=True) - data / (1 + data))
    least = CURVATURE.subs(cubes).subs(v, data / (1 + data))
    assert is_zero(least - (1 + data) ** 3 / (1 + data**3))
    value = (y**third + (1 - y) ** third) ** 3
    assert is_zero(sp.powdenest(value.subs(cubes), force=True) - (1 + data) ** 3 / (1 + data**3))
    convex = sp.diff(CURVATURE, v, 2).subs({v: 1 / (1 + inside), y: 1 / (1 + data)})
    assert sp.simplify(convex).is_positive
    # h = ∫ (v−y)/(v(1−v)) dv; KL ≤ χ²: ln x ≤ x − 1 at x = y/v and x = (1−y)/(1−v)
    chi = (v - y) ** 2 / (v * (1 - v))
    assert is_zero(y * (y / v - 1) + (1 - y) * ((1 - y) / (1 - v) - 1) - chi)
    assert is_zero(sp.diff(CROSS_ENTROPY, v) ** 2 - chi / (v * (1 - v)))


@proves("losses.poisson.Y", "losses.poisson.g_max", "losses.poisson.K")
def test_poisson_proof() -> None:
    """h' and h'' on both branches, and P larger for smaller y and on the lower branch."""
    w, Y = sp.symbols("w Y", positive=True)
    entry = POISSON_ENTRY.subs({v: w - background, y: Y})
    assert is_zero(sp.diff(entry, w) - (1 - Y / w))
    assert is_zero(sp.diff(entry, w, 2) - Y / w**2)
    # at equal error the lower branch is steeper: with u = w/Y = exp(±t), h/Y = u − 1 − ln u is larger on the upper
    # branch at equal |1 − 1/u|
    a = sp.Symbol("a", positive=True)  # a = |1 − 1/u| < 1: upper u = 1/(1−a), lower u = 1/(1+a)
    gap = (1 / (1 - a) - 1 + sp.log(1 - a)) - (1 / (1 + a) - 1 + sp.log(1 + a))
    slope = sp.simplify(sp.diff(gap, a))
    assert is_zero(slope - 4 * a**2 / (1 - a**2) ** 2)  # ≥ 0 and gap(0) = 0
    assert gap.subs(a, 0) == 0


@proves("losses.logit-cross-entropy.mu")
def test_logit_proof() -> None:
    """The slope, the curvature ≤ ¼, and h'²/(2h) ≥ its values at the centre and the ends, on a fine grid."""
    logistic = 1 / (1 + sp.exp(-v))
    assert is_zero(sp.diff(LOGIT_ENTRY, v) - LOGIT_SLOPE)
    assert is_zero(sp.diff(LOGIT_ENTRY, v, 2) - logistic * (1 - logistic))
    quotient = compile_arb((v, y), LOGIT_SLOPE**2 / (2 * LOGIT_ENTRY))
    with flint.ctx.workprec(BITS):
        for target in ("0.02", "0.3", "0.5", "0.71", "0.97"):
            at = flint.arb(target)
            centre = (at / (1 - at)).log()
            for side in (-1, 1):
                values = [quotient(centre + side * flint.arb(k) / 20, at) for k in range(1, 240)]
                best = at * (1 - at)
                for k, value in enumerate(values):
                    assert value >= best.min(values[-1]) or k == len(values) - 1
                    assert all(value >= best.min(values[j]) for j in range(k + 1, len(values), 37))


# --- limits ---------------------------------------------------------------------------------------------------
def test_limits_agree_with_squared() -> None:
    """p = 2, δ → ∞ and small errors give ½‖r‖²."""
    half = separable(SQUARED).psi.subs(e, 2 * e)
    assert LOSSES["norm-power"].psi.subs(p, 2) == half
    assert is_zero(LOSSES["norm-power"].Psi.subs(p, 2) + sp.log(2 * e) / 2)
    assert is_zero(LOSSES["norm-power"].Psi_inv.subs(p, 2) - sp.exp(-2 * xi) / 2)
    assert is_zero(LOSSES["lp"].psi.subs(p, 2) - half)
    assert is_zero(LOSSES["lp"].gradient_bound.subs(p, 2) - sp.sqrt(2 * loss_0))
    assert LOSSES["lp"].curvature.subs(p, 2) == 1
    assert sp.limit(sp.diff(LOSSES["lp"].Psi, e), p, 2) == sp.simplify(-1 / (2 * e))
    huber = LOSSES["huber"]
    corner = delta**2 / 2
    assert all(getattr(huber, name).args[0][1] == sp.Le(e, corner) for name in ("psi", "Psi"))
    assert pieces(huber.psi)[0] == half
    assert sp.limit(corner, delta, sp.oo) == sp.oo
    assert huber.gradient_bound.subs(delta, sp.oo) == sp.sqrt(2 * loss_0)
    assert sp.limit(LOSSES["log-cosh"].psi / half, e, 0, "+") == 1
    assert sp.limit(LOSSES["log-cosh"].gradient_bound / sp.sqrt(2 * loss_0), loss_0, 0, "+") == 1
    growth = sp.simplify(sp.diff(LOSSES["log-cosh"].Psi_inv, xi) / LOSSES["log-cosh"].Psi_inv)
    assert sp.limit(growth, xi, sp.oo) == -2


def test_pieces_of_huber_join() -> None:
    """ψ, Ψ and Ψ⁻¹ are C¹ at the corner."""
    loss, corner = LOSSES["huber"], delta**2 / 2
    for expr, variable, edge in (
        (loss.psi, e, corner), (loss.Psi, e, corner), (loss.Psi_inv, xi, -sp.log(delta)), (HUBER.h, r, delta),
    ):  # fmt: skip
        left, right = pieces(expr)
        assert is_zero((left - right).subs(variable, edge))
        assert is_zero(sp.diff(left - right, variable).subs(variable, edge))


def test_brackets_contain_the_sublevel_set() -> None:
    """v_lo and v_hi of the theory are the ends of {h(·, y) ≤ f}: h there is f."""
    for kind in ("cross-entropy", "poisson", "logit-cross-entropy"):
        theory = LOSSES[kind]
        b = {q.symbol: sp.Rational(1, 4) for q in theory.parameters}
        for branch, end in ((theory.branch_lower, v_lo), (theory.branch_upper, v_hi)):
            assert end in (v_lo, v_hi)
            path = compile_arb((s, y), theory.entry.subs(v, branch).subs(b))
            with flint.ctx.workprec(200):
                values = [path(flint.arb(2) ** k, flint.arb("0.3")) for k in range(-30, 6)]
                assert all(low < high for low, high in pairwise(values))
                assert abs(path(flint.arb(2) ** -40, flint.arb("0.3"))) < flint.arb("1e-20")
