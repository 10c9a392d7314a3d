"""From a scalar profile h to ψ, Ψ, Ψ⁻¹, G and Λ: the rules behind the table of docs/theory.md §5.

Let h be even, convex, C¹ with h(0) = 0 < h(r), and P(e) = h'(h⁻¹(e))², so that P' = 2h''∘h⁻¹: P is concave exactly
when h'' is non-increasing on r > 0, convex when it is non-decreasing. For L = Σ h(r_i), ‖∇L‖² = Σ P(h(r_i)).

* P concave, P(0) = 0: P is subadditive, so ‖∇L‖² ≥ P(L) and **ψ = h⁻¹**; by Jensen ‖∇L‖² ≤ m·P(L/m), so
  G = √m·h'(h⁻¹(f/m)); Λ = h''(0).
* P convex: by Jensen ‖∇L‖² ≥ m·P(L/m), so **ψ(e) = √m·h⁻¹(e/m)**; P is superadditive, so G = h'(h⁻¹(f)) and
  Λ = h''(h⁻¹(f)).
* radial L = h(‖r‖): ‖∇L‖² = P(L), **ψ = h⁻¹**, G = h'(h⁻¹(f)); the Hessian has the eigenvalues h'' and h'/r.

In the coordinate s = h⁻¹(e) (or s = h⁻¹(e/m)) all of them have Ψ = T(s) with T(s) = −∫ ds/h'(s).
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from ..symbols import e, loss_0, xi
from .base import m, r, s


@dataclass(frozen=True)
class ScalarProfile:
    """A scalar profile h with the closed forms that the rules combine.

    Args:
        h: the profile as an expression in `r`.
        inverse: h⁻¹ as an expression in `e`, written so that it loses no digits near 0.
        time: T(s) = −∫ ds/h'(s), as an expression in `s`.
        time_inverse: T⁻¹ as an expression in `xi`.
        shape: "concave", "convex" or "linear": what P is (decided by `decide_shape`, never taken on trust).
        loss_of_time: h(T⁻¹(ξ)), where it has a form that loses fewer digits.
    """

    h: sp.Expr
    inverse: sp.Expr
    time: sp.Expr
    time_inverse: sp.Expr
    shape: str
    loss_of_time: sp.Expr | None = None


@dataclass(frozen=True)
class Derived:
    """What a rule gives: ψ, Ψ, Ψ⁻¹, G, Λ."""

    rule: str
    psi: sp.Expr
    Psi: sp.Expr
    Psi_inv: sp.Expr
    gradient_bound: sp.Expr
    curvature: sp.Expr


def separable(profile: ScalarProfile) -> Derived:
    """Return ψ, Ψ, Ψ⁻¹, G, Λ of Σ h(|r_i|) by the rule that the shape of P selects."""
    slope, bend = sp.diff(profile.h, r), sp.diff(profile.h, r, 2)
    whole, shared = profile.inverse, profile.inverse.subs(e, e / m)
    level = (
        profile.loss_of_time if profile.loss_of_time is not None else profile.h.subs(r, profile.time_inverse)
    )
    at_whole, at_shared = whole.subs(e, loss_0), shared.subs(e, loss_0)
    if profile.shape == "convex":
        return Derived(
            "convex",
            sp.sqrt(m) * shared,
            profile.time.subs(s, shared),
            m * level,
            slope.subs(r, at_whole),
            bend.subs(r, at_whole),
        )
    return Derived(
        profile.shape,
        whole,
        profile.time.subs(s, whole),
        level,
        sp.sqrt(m) * slope.subs(r, at_shared),
        sp.limit(bend, r, 0, "+"),
    )


def radial(profile: ScalarProfile) -> Derived:
    """Return ψ, Ψ, Ψ⁻¹, G, Λ of h(‖r‖); Λ = h''(h⁻¹(f)) needs h'' ≥ h'/r, true when P is convex."""
    slope, bend = sp.diff(profile.h, r), sp.diff(profile.h, r, 2)
    at = profile.inverse.subs(e, loss_0)
    level = (
        profile.loss_of_time if profile.loss_of_time is not None else profile.h.subs(r, profile.time_inverse)
    )
    return Derived(
        "radial",
        profile.inverse,
        profile.time.subs(s, profile.inverse),
        level,
        slope.subs(r, at),
        bend.subs(r, at),
    )


def time_of(h: sp.Expr) -> sp.Expr:
    """Return T(s) = −∫ ds/h'(s), by SymPy's integration."""
    return sp.integrate(-1 / sp.diff(h, r), r).subs(r, s)


__all__ = ["Derived", "ScalarProfile", "radial", "separable", "time_of", "xi"]
