"""Injectivity profiles: each is the minimum that its proof computes; convex, non-increasing, with its slope (§3.1).

Throughout, w is a unit vector of Im(A), α = ‖Aᵀw‖ ∈ [σ_A, ‖A‖], and t = ‖θ−θ_0‖.
"""

from __future__ import annotations

from itertools import product

import pytest
import sympy as sp

from checks.everywhere import same, sign_on_positive
from checks.registry import proves
from dipproofs.theory import PROFILES, formula
from dipproofs.theory import symbols as s

t = s.t
alpha = sp.Symbol("alpha", positive=True)
above, further = sp.symbols("above further", positive=True)


def F(profile: str) -> sp.Expr:
    return formula(f"profiles.{profile}.F").expr


def active(expr: sp.Expr, *parts: sp.Expr) -> sp.Expr:
    """The expression where exactly these parts are positive and the other positive parts vanish."""
    positive = set(parts)
    return expr.replace(sp.Max, lambda *args: next((a for a in args if a != 0 and a in positive), sp.Integer(0)))


def parts_of(profile: str) -> list[sp.Expr]:
    found = {arg for maximum in F(profile).atoms(sp.Max) for arg in maximum.args if arg != 0}
    return sorted(found, key=str)


@proves("profiles.paper.F")
def test_paper() -> None:
    # σ_A(σ_min(J_0) − ℓt) ≥ half of its value at 0 as long as ℓt ≤ σ_min(J_0)/2, that is t ≤ R
    R = formula("conditions.R").expr
    weyl = s.sigma_A * (s.sigma_min_J - s.lipschitz_J * t)
    assert same(F("paper"), weyl.subs(t, R))
    beyond = sp.simplify((weyl - F("paper")).subs(t, R - above / s.lipschitz_J))
    assert same(beyond, s.sigma_A * above)


@proves("profiles.row-space.F")
def test_row_space() -> None:
    """‖Mᵀw‖ ≥ max(s_A0, s_0α) − ℓtα, least over α where the two lower bounds meet: α = s_A0/s_0."""
    low = s.sigma_AJ - s.lipschitz_J * t * alpha  # for α ≤ s_A0/s_0, decreasing in α
    high = (s.sigma_J - s.lipschitz_J * t) * alpha  # beyond, increasing in α as long as ℓt ≤ s_0
    meet = s.sigma_AJ / s.sigma_J
    assert same(sp.diff(low, alpha), -s.lipschitz_J * t)
    assert same(sp.diff(high, alpha), s.sigma_J - s.lipschitz_J * t)
    worst = sp.simplify(low.subs(alpha, meet))
    assert same(worst, high.subs(alpha, meet))
    assert same(active(F("row-space"), *parts_of("row-space")), worst)
    # it dominates σ_A(s_0−ℓt), because s_A0 ≥ σ_As_0
    more = active(F("row-space"), *parts_of("row-space")).subs(s.sigma_AJ, s.sigma_A * s.sigma_J + above)
    gain = sp.simplify(more - s.sigma_A * (s.sigma_J - s.lipschitz_J * t))
    assert same(gain, above * (s.sigma_J - s.lipschitz_J * t) / s.sigma_J)


@proves("profiles.observation.F")
def test_observation() -> None:
    # Weyl: ‖M(θ)ᵀw‖ ≥ ‖M(θ_0)ᵀw‖ − ‖M(θ)−M(θ_0)‖
    assert same(active(F("observation"), *parts_of("observation")), s.sigma_AJ - s.lipschitz_AJ * t)


def blocks(inner: sp.Expr, outer: sp.Expr, *both: bool) -> sp.Expr:
    return sp.sqrt(sum(part**2 for part, on in zip((inner, outer), both) if on))


@proves("profiles.block.F")
@pytest.mark.parametrize("both", [(True, True), (True, False), (False, True)])
def test_block(both: tuple[bool, bool]) -> None:
    """MMᵀ on Im(A) = A(inner block)Aᵀ + (‖φ(a)‖²/k)AAᵀ, so ‖Mᵀw‖² ≥ α²(s_in(t)² + s_out(t)²) and α ≥ σ_A."""
    inner, outer = s.sigma_in - s.lipschitz_in * t, s.sigma_out - s.lipschitz_out * t
    wanted = s.sigma_A * blocks(inner, outer, *both)
    shown = [part for part, on in zip((inner, outer), both) if on]
    assert same(active(F("block"), *shown), wanted)


@proves("profiles.block-observation.F")
@pytest.mark.parametrize("both", [(True, True), (True, False), (False, True)])
def test_block_observation(both: tuple[bool, bool]) -> None:
    """The same split with w itself: the inner block of M, measured on Im(A), and (‖φ(a)‖²/k)α² with α ≥ σ_A."""
    inner = s.sigma_A_in - s.lipschitz_A_in * t
    outer = s.sigma_A * s.sigma_out - s.sigma_A * s.lipschitz_out * t
    wanted = blocks(inner, outer, *both)
    shown = [part for part, on in zip((inner, outer), both) if on]
    assert same(active(F("block-observation"), *shown), wanted)
    # never below `block`: s_{A,in} ≥ σ_As_in and, for the same α, the outer part is the same
    squared = active(F("block-observation"), inner, outer) ** 2 - active(F("block"), *_block_parts()) ** 2
    at_start = sp.expand(squared.subs(t, 0).subs(s.sigma_A_in, s.sigma_A * s.sigma_in + above))
    assert sign_on_positive(at_start.subs({s.sigma_A: alpha, s.sigma_in: further})) == 1


def _block_parts() -> tuple[sp.Expr, sp.Expr]:
    return s.sigma_in - s.lipschitz_in * t, s.sigma_out - s.lipschitz_out * t


@proves("profiles.*.slope")
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_slopes(profile: str) -> None:
    """slope = −F' wherever the same parts are positive (so on each piece), written as the code evaluates it."""
    slope = formula(f"profiles.{profile}.slope").expr
    assert (PROFILES[profile].F, PROFILES[profile].slope) == (F(profile), slope), "the code uses another profile"
    parts = parts_of(profile)
    if not parts:
        assert sp.diff(F(profile), t) == 0 and slope == 0
        return
    for on in product([True, False], repeat=len(parts)):
        if not any(on):
            continue
        shown = [part for part, positive in zip(parts, on) if positive]
        value = active(F(profile), *shown)
        # (F²)' = 2FF' is free of roots; where one part alone is positive it is F up to a factor
        if len(parts) > 1:
            assert same(sp.simplify(active(slope, *shown) * value), -sp.diff(value**2, t) / 2)
        else:
            assert same(-sp.diff(value, t), slope)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_convex_and_non_increasing(profile: str) -> None:
    """Hence midpoint ≤ ∫ ≤ trapezoid, and the slope on [0, ρ] is least at ρ.

    Each part (a−bt)₊ is convex and non-increasing; on a piece with two of them p, q, F = √(p²+q²) and
    F'' = (p'q−q'p)²/F³ ≥ 0; where a part vanishes F stays C¹ (its square does), so pieces join convexly.
    """
    parts = parts_of(profile)
    for part in parts:
        assert sp.diff(part, t, 2) == 0
        assert sp.diff(part, t).is_nonpositive
    if len(parts) < 2:
        return
    scale = sp.simplify((active(F(profile), parts[0]) / parts[0]) ** 2)
    assert not scale.has(t) and scale.is_nonnegative
    assert same(active(F(profile), *parts) ** 2, scale * sum(part**2 for part in parts))
    p, q = (sp.Function(name)(t) for name in "pq")
    norm = sp.sqrt(p**2 + q**2)
    second = sp.diff(norm, t, 2).subs({sp.diff(p, t, 2): 0, sp.diff(q, t, 2): 0})
    identity = (sp.diff(p, t) * q - sp.diff(q, t) * p) ** 2 / norm**3
    assert sp.simplify(second - identity) == 0
    # joining: F of both parts and F of the first alone have the same derivative where the second vanishes
    first, last = parts
    both, alone = active(F(profile), *parts), active(F(profile), first)
    zero = sp.solve(last, t)[0]
    assert sp.simplify((sp.diff(both**2, t) - sp.diff(alone**2, t)).subs(t, zero)) == 0


def test_quadrature_bounds_for_convex_functions() -> None:
    """Midpoint ≤ mean ≤ trapezoid on one panel, from the tangent at the middle and the chord."""
    x, h, slope = sp.symbols("x h slope", real=True)
    tangent = sp.Function("f")(0) + slope * x
    assert sp.integrate(tangent, (x, -h, h)) == 2 * h * sp.Function("f")(0)
    a, b = sp.symbols("a b", real=True)
    chord = a + (b - a) * (x + h) / (2 * h)
    assert sp.simplify(sp.integrate(chord, (x, -h, h)) - (a + b) * h) == 0
