"""What `dipproofs explain` says about the methods besides gradient descent (docs/theory-methods.md)."""

from __future__ import annotations

import importlib

from dipproofs.theory.core import Formula, formulas

_HEAVY_BALL = """θ_{τ+1} = θ_τ + D_{τ+1}, D_{τ+1} = βD_τ − γ∇f(θ_τ), from any stored displacement D.
If for some α > 0, δ ≥ 0, η and ζ the conditions below hold (slow: at the smallest singular value, fast: at the
largest), then
  1. the Lyapunov function W falls by the factor βη with every iteration, and ‖r‖² ≤ βW/d_R;
  2. the path has length at most S ≤ ρ;
  3. θ_τ converges to a zero-loss point within S.
Needs: squared loss, constant γ and β."""

_NESTEROV = """The gradient is taken at the point to which momentum leads, and that point is what is stored (as in torch
and Optax with nesterov=True).
If for some α, η, ζ and ν the conditions below hold, then W falls by the factor βη + κ₂ with every iteration,
‖r‖² ≤ W/d_R, the path has length at most S ≤ ρ, and its limit is a zero-loss point.
Needs: squared loss, constant γ and β, γM_ρ² < 1."""

_ADAM = """Heavy ball in a metric that moves, every coordinate with a step of its own.
If the conditions below hold, then for the next N iterations ‖r‖ ≤ R̂ρ₂^{τ/2}, and the path has length at most S.
Convergence is not claimed: Adam need not converge. That an exact fit exists nearby is a claim about the point alone.
Needs: squared loss, constant learning rate."""

#: Text, module and start of the formulas' ids, proof idea, section of the manual.
METHOD_TOPICS: dict[str, tuple[str, str, str, str]] = {
    "heavy-ball": (
        _HEAVY_BALL,
        "heavy_ball",
        "ηβW − W₊ is a quadratic form of residual and displacement; it is decided at both ends of the spectrum.",
        "§1",
    ),
    "nesterov": (
        _NESTEROV,
        "nesterov",
        "as for heavy ball; the matrix inequality is polynomial in x² and decided between both ends of the spectrum.",
        "§2",
    ),
    "adam": (
        _ADAM,
        "adam",
        "the inequality of heavy ball in the frozen metric, and a bound of what the change of the metric costs.",
        "§3",
    ),
}


def items_of(name: str) -> list[Formula]:
    """Return the formulas of a method.

    Example:
        >>> items_of("heavy-ball")[0].id
        'methods.heavy_ball.h'
    """
    module = METHOD_TOPICS[name][1]
    importlib.import_module(f"dipproofs.theory.methods.{module}")
    return list(formulas(f"methods.{module}."))
