"""The descent theorem as data: what to evaluate, in which order, for a form, a profile and a train mode.

Producer and verifier read the same lists and evaluate them with arithmetics of their own (docs/theory.md §3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import sympy as sp

from . import conditions, forms
from . import symbols as s
from .profiles import PROFILES
from .twolayer import CONSTANTS


@dataclass(frozen=True)
class Theorem:
    """One form of the descent theorem.

    Args:
        constants: (symbol, expression) in the order of evaluation, given the quantities at θ_0, γ and ρ.
        reported: (symbol, expression) that the certificate of form `paper` states besides.
        F: the profile; integrand: what (H) integrates, F or F − x.
        step_size, step_limit, step_closed: γ is admissible if step_size ≤ step_limit (< if not closed).
        conclusions: expression by name of a guarantee, given S and F_∞ as well.
    """

    constants: tuple[tuple[sp.Symbol, sp.Expr], ...]
    F: sp.Expr
    integrand: sp.Expr
    step_size: sp.Expr
    step_limit: int
    step_closed: bool
    conclusions: dict[str, sp.Expr]
    reported: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()


@cache
def theorem(form: str, profile: str, train: str) -> Theorem:
    """Return the theorem for a form ("paper", "integral", "concave", "residual"), a profile and a train mode.

    Notes:
        In form `residual` γ stands for 2cγ, c the scale of the squared loss c‖·‖² (docs/theory.md §3.2).

    Example:
        >>> theorem("concave", "observation", "both").step_limit
        2
    """
    c, F = CONSTANTS[train], PROFILES[profile].F
    constants: list[tuple[sp.Symbol, sp.Expr]] = [
        (s.sigma_out, c.sigma_out),
        (s.lipschitz_J, c.lipschitz_J_full if form == "paper" else c.lipschitz_J),
        (s.lipschitz_AJ, c.lipschitz_AJ),
        (s.lipschitz_in, c.lipschitz_in),
        (s.lipschitz_A_in, c.lipschitz_A_in),
        (s.lipschitz_out, c.lipschitz_out),
        (s.norm_AJ_ball, c.norm_AJ_ball),
    ]
    if form == "residual":
        constants += [
            (s.profile_slope, PROFILES[profile].slope.subs(s.t, s.rho)),
            (s.curvature_drift, conditions.curvature_drift),
            (s.omega, forms.RESIDUAL_OMEGA),
        ]
        size, limit = forms.residual_step.args
        return Theorem(
            tuple(constants), F, F - s.curvature_drift, size, int(limit), True,
            {"distance_to_limit": conditions.distance_to_limit_residual,
             "log_contraction_per_step": sp.log(conditions.residual_contraction)},
        )  # fmt: skip
    factors = forms.FORMS[form]
    constants += [
        (s.lipschitz_grad, conditions.lipschitz_grad),
        (s.q, conditions.normalised_step),
        (s.omega, factors.omega),
        (s.rate, factors.rate),
    ]
    paper = ((s.nu_1, forms.paper_nu_1), (s.nu_2, forms.paper_nu_2), (s.R_prime, conditions.R_prime))
    return Theorem(
        tuple(constants), F, F, s.q, factors.q_max, factors.closed,
        {"distance_to_limit": conditions.distance_to_limit, "rate_exponent": conditions.rate_exponent},
        paper if form == "paper" else (),
    )  # fmt: skip
