"""Form `residual`: the residual of a squared loss contracts (docs/theory.md §3.2; long steps: Lemma e).

Lemma e. For σ² ≤ K ≤ M², g = γM² < 2, g_s = γσ²:  ‖(I − γK)r‖ ≤ ‖r‖ − c_e σγ‖K^{1/2}r‖, with c_e = 1 for g ≤ 1. It is
non-increasing in g and g_s, so that M_ρ and F(0) may be put for M and σ on the ball.
"""

from __future__ import annotations

import sympy as sp
from sympy.codegen.cfunctions import log1p

from dipproofs.theory import conditions
from dipproofs.theory import symbols as s
from dipproofs.theory.core import Section
from dipproofs.theory.extremes import replaced
from dipproofs.theory.forms.base import Chain, Form, Requirement
from dipproofs.theory.hypothesis import Hypothesis
from dipproofs.theory.profiles import Profile
from dipproofs.theory.symbols import gamma, norm_AJ_ball, step_weakening

_define = Section("forms.residual", "§3.2").define
RESIDUAL_OMEGA = _define("omega", sp.Integer(1), "factor of (H), form residual", s.omega)
residual_step = _define("step", sp.Lt(gamma * norm_AJ_ball**2, 2), "step condition of the residual form")
short_step = _define(
    "short_step",
    sp.Le(gamma * norm_AJ_ball**2, 1),
    "steps for which c_e = 1; the step condition of certificates of version 1",
)
_g, _g_s = gamma * norm_AJ_ball**2, gamma * s.F_start**2
long_step_factor = _define(
    "c_e",
    sp.Piecewise(
        (sp.Integer(1), _g <= 1),
        (sp.sqrt(_g * (2 - _g - _g_s) / (1 - _g * _g_s)), _g * (1 + _g_s) <= 2),
        ((2 - _g) / sp.sqrt(_g * _g_s), True),
    ),
    "Lemma e: c_e(γM_ρ², γF(0)²)",
    step_weakening,
)


def _chain(weakening: sp.Expr) -> object:
    def chain(profile: Profile) -> Chain:
        start = profile.F.subs(s.t, 0)
        factor = replaced(weakening, {s.F_start: start})
        slope = replaced(profile.slope, {s.t: s.rho})
        # exactly 0 where the slope is ℓ_A and c_e = 1
        correction = replaced(conditions.curvature_correction, {s.profile_slope: slope})
        return (
            (s.profile_slope, slope),
            (step_weakening, factor),
            (s.curvature_correction, correction),
            (s.omega, RESIDUAL_OMEGA),
        )

    return chain


def _form(step: sp.Rel, weakening: sp.Expr) -> Form:
    return Form(
        id="residual",
        source="§3.2",
        step=Hypothesis(step, step.gts),
        omega=RESIDUAL_OMEGA,
        rate=None,
        H=conditions.hypothesis_H_residual,
        weakening=step_weakening,
        correction=s.curvature_correction,
        chain=_chain(weakening),  # type: ignore[arg-type]
        conclusions={
            "distance_to_limit": conditions.distance_to_limit_residual,
            "log_contraction_per_step": sp.log(conditions.residual_contraction),
        },
        decrease=-log1p(-conditions.residual_fall),
        words={"injective": "c_e*F(rho) > x", "H": "Integral(c_e*F - x, (t, 0, rho)) > R_0"},
        requires=Requirement(
            "squared loss",
            "the loss is c‖v − y‖²",
            "form residual is for the squared loss, not for {kind}",
            lambda loss: bool(loss.projects_data),
        ),
        scaled_step=True,
        short=1,
        step_halvings=5,
    )


RESIDUAL = _form(residual_step, long_step_factor)
#: As certificates of version 1 have it: γM_ρ² ≤ 1.
RESIDUAL_SHORT = _form(short_step, sp.Integer(1))
