"""From a scalar potential h to ψ, Ψ, Ψ⁻¹, G and Λ: the rules behind the table of docs/theory.md §5.

Let h be even, convex, C¹ with h(0) = 0 < h(r), and P(e) = h'(h⁻¹(e))², so that P' = 2h''∘h⁻¹: P is concave exactly
when h'' is non-increasing on r > 0, convex when it is non-decreasing. For L = Σ h(r_i), ‖∇L‖² = Σ P(h(r_i)).

* P concave, P(0) = 0: P is subadditive, so ‖∇L‖² ≥ P(L) and **ψ = h⁻¹**; by Jensen ‖∇L‖² ≤ m·P(L/m), so
  G = √(m·P(f/m)); Λ = h''(0⁺).
* P convex: by Jensen ‖∇L‖² ≥ m·P(L/m), so **ψ(e) = √m·h⁻¹(e/m)**; P is superadditive, so G = √P(f) and
  Λ = h''(h⁻¹(f)).
* radial L = h(‖r‖): ‖∇L‖² = P(L), **ψ = h⁻¹**, G = √P(f); the Hessian has the eigenvalues h'' and h'/r ≤ h''
  when h'' is non-decreasing, so Λ = h''(h⁻¹(f)).
* strongly convex: ‖∇L‖² ≥ 2μL on the sublevel set gives **ψ(e) = √(2e/μ)**; Λ bounds h'' there and
  P' = 2h'' ≤ 2Λ gives G = √(2Λf).

In the coordinate s = h⁻¹(e) (or s = h⁻¹(e/m)) the first three have Ψ = T(s) with T(s) = −∫ ds/h'(s).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from dipproofs.theory.losses.base import curvature_max, m, mu, r
from dipproofs.theory.symbols import e, loss_0, xi


@dataclass(frozen=True)
class ScalarPotential:
    """A scalar potential h with the closed forms that the rules combine; the checks prove that they fit together.

    Args:
        h: the potential as an expression in `r`.
        slope: h'.
        second_derivative: h''.
        shape: "linear", "concave" or "convex": what P is (`decide_shape` decides, the checks compare).
        inverse: h⁻¹ as an expression in `e`, written so that it loses no digits near 0.
        slope_of_value: √P(e) = h'(h⁻¹(e)).
        time: T(s) = −∫ ds/h'(s), as an expression in `s`.
        time_of_value: T(h⁻¹(e)).
        value_of_time: h(T⁻¹(ξ)).
    """

    h: sp.Expr
    slope: sp.Expr
    second_derivative: sp.Expr
    shape: str
    inverse: sp.Expr
    slope_of_value: sp.Expr
    time: sp.Expr
    time_of_value: sp.Expr
    value_of_time: sp.Expr


@dataclass(frozen=True)
class Derived:
    """What a rule gives: ψ, Ψ, Ψ⁻¹, G, Λ."""

    rule: str
    psi: sp.Expr
    Psi: sp.Expr
    Psi_inv: sp.Expr
    gradient_bound: sp.Expr
    curvature: sp.Expr

    def fields(self) -> dict[str, Any]:
        """Return them as keyword arguments of `LossTheory`."""
        return dict(vars(self))


def separable(potential: ScalarPotential) -> Derived:
    """Return ψ, Ψ, Ψ⁻¹, G, Λ of Σ h(|r_i|) by the rule that the shape of P selects.

    Example:
        >>> from dipproofs.theory.losses.squared import POTENTIAL
        >>> separable(POTENTIAL).psi
        sqrt(e)
    """
    if potential.shape == "convex":
        return Derived(
            "convex",
            sp.sqrt(m) * potential.inverse.subs(e, e / m),
            potential.time_of_value.subs(e, e / m),
            m * potential.value_of_time,
            potential.slope_of_value.subs(e, loss_0),
            _second_derivative_at(potential),
        )
    return Derived(
        potential.shape,
        potential.inverse,
        potential.time_of_value,
        potential.value_of_time,
        sp.sqrt(m) * potential.slope_of_value.subs(e, loss_0 / m),
        _first_piece(potential.second_derivative).subs(r, 0),
    )


def radial(potential: ScalarPotential) -> Derived:
    """Return ψ, Ψ, Ψ⁻¹, G, Λ of h(‖r‖), for P convex or linear."""
    return Derived(
        "radial",
        potential.inverse,
        potential.time_of_value,
        potential.value_of_time,
        potential.slope_of_value.subs(e, loss_0),
        _second_derivative_at(potential),
    )


def strongly_convex(curvature: sp.Expr = curvature_max) -> Derived:
    """Return ψ, Ψ, Ψ⁻¹, G, Λ of a loss with ‖∇L‖² ≥ 2μL and entries of curvature at most Λ."""
    return Derived(
        "strongly convex",
        sp.sqrt(2 * e / mu),
        -sp.log(e) / (2 * mu),
        sp.exp(-2 * mu * xi),
        sp.sqrt(2 * curvature * loss_0),
        curvature,
    )


def _second_derivative_at(potential: ScalarPotential) -> sp.Expr:
    found = potential.second_derivative.subs(r, potential.inverse.subs(e, loss_0))
    return sp.powdenest(found, force=True) if potential.inverse.is_Pow else found


def _first_piece(expr: sp.Expr) -> sp.Expr:
    return expr.args[0][0] if isinstance(expr, sp.Piecewise) else expr


def separable_fields(potential: ScalarPotential) -> dict[str, Any]:
    """Return everything that a separable `LossTheory` takes from its potential."""
    return {"structure": "separable", "entry": potential.h, **separable(potential).fields()}
