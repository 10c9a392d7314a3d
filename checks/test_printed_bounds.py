"""Formulas that a looser or a negated version could replace unnoticed: each is compared with an independent derivation.

Inequalities alone do not see a bound that is twice too large, and a check of the code's objects does not see the
registered formula; here the registry's own expression is evaluated, at exact points that reach every branch.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
import sympy as sp

from checks.everywhere import same
from checks.registry import proves
from dipproofs.theory import LOSSES, formula
from dipproofs.theory.architectures.two_layer import CONSTANTS
from dipproofs.theory.losses.base import m as observations
from dipproofs.theory.losses.base import v_hi, v_lo, y
from dipproofs.theory.symbols import loss_0, norm_u, q, rho
from dipproofs.theory.width import sparse
from dipproofs.theory.width.logit import margin
from dipproofs.theory.width.paper import order
from dipproofs.theory.width.symbols import column, k, proxy, radius, rank, residual

R = sp.Rational
Point = Mapping[sp.Symbol, sp.Expr]
DIGITS = 40


def equal_at(left: sp.Expr, right: sp.Expr, point: Point) -> bool:
    """Whether two expressions are the same real number at an exact point, to 35 digits."""
    a, b = (sp.N(sp.sympify(side).subs(point), DIGITS) for side in (left, right))
    return bool(a.is_real and b.is_real and abs(a - b) <= abs(b) * sp.Float("1e-35"))


def registered(id: str) -> sp.Expr:
    return formula(id).expr


# --- losses ------------------------------------------------------------------------------------------------
@proves("losses.*.psi", "losses.*.Psi", "losses.*.Psi_inv", "losses.*.G", "losses.*.Lambda", "losses.*.entry")
@pytest.mark.parametrize("kind", LOSSES)
def test_the_registry_holds_the_formulas_in_use(kind: str) -> None:
    """What is printed is what is evaluated, constants such as Λ = 1 included."""
    loss = LOSSES[kind]
    names = {
        "entry": loss.entry,
        "psi": loss.psi,
        "Psi": loss.Psi,
        "Psi_inv": loss.Psi_inv,
        "G": loss.gradient_bound,
        "Lambda": loss.curvature,
    }
    for name, used in names.items():
        assert registered(f"losses.{kind}.{name}") == used
    for constant in loss.constants:
        assert registered(f"losses.{kind}.{constant.name}") == constant.expr


#: Data and sublevel brackets: the flattest point inside, below and above; data near 0 and 1, where 2 is the larger.
BRACKETS = [
    (R(3, 10), R(1, 10), R(6, 10)),
    (R(1, 2), R(1, 5), R(9, 10)),
    (R(1, 10), R(4, 10), R(7, 10)),
    (R(9, 10), R(2, 10), R(5, 10)),
    (R(1, 1000), R(1, 10**6), R(99, 100)),
    (R(998, 1000), R(1, 100), 1 - R(1, 10**6)),
    (R(1, 50), R(1, 100), R(1, 40)),
]


def _second(data: sp.Expr, at: sp.Expr) -> sp.Expr:
    """h'' of y ln(y/v)+(1−y)ln((1−y)/(1−v))."""
    return data / at**2 + (1 - data) / (1 - at) ** 2


@proves("losses.cross-entropy.mu", "losses.cross-entropy.K")
@pytest.mark.parametrize(("data", "low", "high"), BRACKETS)
def test_cross_entropy_curvatures(data: sp.Rational, low: sp.Rational, high: sp.Rational) -> None:
    """h'' is convex: least where ((1−v)/v)³ = (1−y)/y or at the nearer end, largest at an end; μ is never below 2."""
    point = {y: data, v_lo: low, v_hi: high}
    flat = 1 / (1 + ((1 - data) / data) ** R(1, 3))
    at = low if flat < low else high if flat > high else flat
    assert equal_at(registered("losses.cross-entropy.mu"), sp.Max(2, _second(data, at)), point)
    assert equal_at(
        registered("losses.cross-entropy.K"),
        sp.Max(_second(data, low), _second(data, high)),
        point,
    )


@proves("losses.logit-cross-entropy.mu")
def test_logit_curvature_branches() -> None:
    """min{y(1−y), h'(v)²/(2f) at both ends}, h' = σ(v)−y; each of the three is the least at some point."""
    least = set()
    for data, low, high, f in (
        (R(3, 10), R(-1), R(-1, 2), R(1, 100)),
        (R(3, 10), R(-1), R(2), R(1)),
        (R(3, 10), R(-4), R(2), R(3)),
        (R(7, 10), R(-4), R(1), R(1)),
        (R(1, 5), R(-3), R(1), R(1, 1000)),
    ):
        ends = [(1 / (1 + sp.exp(-v)) - data) ** 2 / (2 * f) for v in (low, high)]
        values = [data * (1 - data), *ends]
        least.add(min(range(3), key=lambda i: float(values[i])))
        point = {y: data, v_lo: low, v_hi: high, loss_0: f}
        assert equal_at(registered("losses.logit-cross-entropy.mu"), sp.Min(*values), point)
    assert least == {0, 1, 2}


# --- widths ------------------------------------------------------------------------------------------------
@proves("width.logit.*")
def test_logit_level_and_demand() -> None:
    """m(ln 2−H(η)) + min{(½−η)√m R + R²/8, (1−η)√m R}; √(2f/μ) with μ = min{η(1−η), (η(1−e^{−f/η}))²/(2f)}.

    For η ≤ ½ the second is always the smaller one; η = 9/10 only makes the first branch of the formula visible.
    """
    branches = set()
    for m, eta, size, f in itertools.product(
        (1, 7), (R(1, 20), R(2, 5), R(9, 10)), (R(1, 10), R(3), R(40)), (R(1, 10**4), R(1, 3), R(9))
    ):
        point = {observations: m, margin: eta, residual: size, loss_0: f}
        entropy = -eta * sp.log(eta) - (1 - eta) * sp.log(1 - eta)
        smooth, linear = (R(1, 2) - eta) * sp.sqrt(m) * size + size**2 / 8, (1 - eta) * sp.sqrt(m) * size
        level = m * (sp.log(2) - entropy) + (smooth if smooth < linear else linear)
        assert equal_at(registered("width.logit.level"), level, point)
        centre, end = eta * (1 - eta), (eta * (1 - sp.exp(-f / eta))) ** 2 / (2 * f)
        mu = centre if centre < end else end
        assert equal_at(registered("width.logit.required"), sp.sqrt(2 * f / mu), point)
        branches |= {("level", bool(smooth < linear)), ("required", bool(centre < end))}
    assert len(branches) == 4


@proves("width.sparse.*")
def test_nets_and_counts() -> None:
    """(k choose s) ≤ (ek/s)^s; Gordon's √r+√s plus √(2H); a net of mesh ε has (1+2/ε)^d points and loses 1/(1−ε)²."""
    s, H = sparse.set_size, sparse.entropy_of_sets
    assert same(registered("width.sparse.entropy"), s * sp.log(sp.E * k / s))
    for size, width in ((1, 2), (3, 9), (10, 200)):
        sets = float(registered("width.sparse.entropy").subs({s: size, k: width}))
        assert float(sp.log(sp.binomial(width, size))) <= sets
    # λ_max^{1/2} of an r×s Gaussian matrix exceeds √r+√s+x with probability ≤ e^{−x²/2} = e^{−H}
    x = sp.Symbol("x", positive=True)
    deviation = next(root for root in sp.solve(x**2 / 2 - H, x) if root.is_positive)
    assert same(registered("width.sparse.gaussian"), (sp.sqrt(rank) + sp.sqrt(s) + deviation) ** 2)
    mesh = R(1, 8)
    for name, dimension, degrees in (("rows", rank, s), ("neurons", s, rank)):
        level = H + dimension * sp.log(1 + 2 / mesh)
        chi = proxy * (degrees + 2 * sp.sqrt(degrees * level) + 2 * level)
        assert same(registered(f"width.sparse.net.{name}"), chi / (1 - mesh) ** 2)


@proves("width.lost_area")
def test_registered_lost_area() -> None:
    """d/dρ ∫₀^ρ ℓ(t)t dt = ℓ(ρ)ρ, and 0 at 0."""
    expr = registered("width.lost_area")
    c_0 = next(x for x in CONSTANTS["both"].lipschitz_J.free_symbols if x not in expr.free_symbols | {norm_u, rho, k})
    wanted = CONSTANTS["both"].lipschitz_J.subs({norm_u: 1, rho: radius, c_0: column}) * radius
    symbols = sorted(expr.free_symbols - {radius}, key=str)
    for trial in range(4):
        constants = {x: R(3 + (5 * i + 7 * trial) % 11, 4 + (3 * i + trial) % 5) for i, x in enumerate(symbols)}
        for at in (R(1, 9), R(2), R(17)):
            assert equal_at(sp.diff(expr, radius), wanted, {**constants, radius: at})
        assert abs(sp.N(expr.subs(radius, 0).subs(constants), DIGITS, chop=True)) < sp.Float("1e-30")


FACTORS = {
    "paper": lambda z, c: (1 - z * q) / (1 + c * q),
    "integral": lambda z, c: (1 - z * q) / (1 + c * z * q),
    "concave": lambda z, c: 1 - z * q,
    "flow": lambda z, c: sp.Integer(1),
}


@proves("width.discretisation.*", "width.split.omega.*")
@pytest.mark.parametrize("form", FACTORS)
def test_what_a_step_costs(form: str) -> None:
    """ω is the mean over the segment, ω_s its analogue with 2σq; the width grows as ω^(−p), resp. ω_s^(−2)."""
    z = sp.Symbol("z", positive=True)
    plain, split = (sp.integrate(sp.apart(FACTORS[form](z, c), z), (z, 0, 1)) for c in (1, 2))
    p = order
    for step, power in itertools.product((R(1, 7), R(1, 2), R(1)), (R(2), R(7, 2))):
        point = {q: step, p: power}
        assert equal_at(registered(f"width.discretisation.{form}"), plain**-p, point)
        assert equal_at(registered(f"width.discretisation.split.{form}"), split**-2, point)
        assert equal_at(registered(f"width.split.omega.{form}"), split, point)
    assert registered("width.discretisation.residual") == 1


# --- Poisson -----------------------------------------------------------------------------------------------
@proves("losses.poisson.Y", "losses.poisson.g_max", "losses.poisson.K")
def test_poisson_constants_are_slopes_at_the_lower_end() -> None:
    """With h = y ln(y/w) − y + w, w = v+b: −h' and h'' decrease in w, so both are largest at the lower end."""
    (background,) = (p.symbol for p in LOSSES["poisson"].parameters)
    w = sp.Symbol("w", positive=True)
    entry = y * sp.log(y / w) - y + w
    lower_end = {w: v_lo + background}
    assert registered("losses.poisson.Y") == y
    assert same(registered("losses.poisson.g_max"), -sp.diff(entry, w).subs(lower_end))
    assert same(registered("losses.poisson.K"), sp.diff(entry, w, 2).subs(lower_end))
