"""The descent theorem as data: what to evaluate, in which order, for a form, a profile and a train mode.

Producer and verifier read the same lists and evaluate them with arithmetics of their own (docs/theory.md §3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import sympy as sp

from dipproofs.theory import conditions, forms
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import CONSTANTS
from dipproofs.theory.losses.base import LossTheory
from dipproofs.theory.losses.shape import decide_concave_psi
from dipproofs.theory.profiles import PROFILES

#: ∫₀^ρ of the integrand, which stands for the integral in (H).
area = sp.Symbol("I", nonnegative=True)


@dataclass(frozen=True)
class Hypothesis:
    """A hypothesis that a relation of scalars states.

    Args:
        relation: what must hold.
        scale: the margin, larger side minus smaller side, is stated relative to this.
    """

    relation: sp.Rel
    scale: sp.Expr

    @property
    def margin(self) -> sp.Expr:
        """What is left, in units of ``scale``; on balls, the scale is met only once."""
        more, less = self.relation.gts, self.relation.lts
        if self.scale in (more, less):
            return 1 - less / more if self.scale == more else more / less - 1
        return (more - less) / self.scale


#: Injectivity where the theorem is about to begin, for certificates that name no radius.
INJECTIVE_AT_START = Hypothesis(sp.Gt(s.sigma_AJ, 0), sp.Integer(1))


@dataclass(frozen=True)
class Theorem:
    """One form of the descent theorem.

    Args:
        constants: (symbol, expression) in the order of evaluation, given the quantities at θ_0, γ and ρ.
        F: the profile; integrand: what (H) integrates, F or F − x: convex and non-increasing.
        hypotheses: by id; those on A (``rank``) and on the domain of the loss (``loss``) are no relations of scalars.
        conclusions: expression by name of a guarantee, given F_∞ as well, in which it is monotone.
        reported: (symbol, expression) that the certificate of form `paper` states besides.
    """

    constants: tuple[tuple[sp.Symbol, sp.Expr], ...]
    F: sp.Expr
    integrand: sp.Expr
    hypotheses: dict[str, Hypothesis]
    conclusions: dict[str, sp.Expr]
    reported: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()


@cache
def theorem(form: str, profile: str, train: str) -> Theorem:
    """Return the theorem for a form ("paper", "integral", "concave", "residual"), a profile and a train mode.

    Raises:
        ValueError: the paper's form with another profile than the paper's, or the reverse.

    Notes:
        In form `residual` γ stands for 2cγ, c the scale of the squared loss c‖·‖² (docs/theory.md §3.2).

    Example:
        >>> theorem("concave", "observation", "both").hypotheses["step"].relation
        q < 2
    """
    if (form == "paper") != (profile == "paper"):
        raise ValueError(f"profile: found {profile!r} with form {form!r}, expected 'paper' for both or neither")
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
        slope = PROFILES[profile].slope.subs(s.t, s.rho)
        drift = conditions.curvature_drift.subs(s.profile_slope, slope)  # exactly 0 where the slope is ℓ_A
        constants += [
            (s.profile_slope, slope),
            (s.curvature_drift, drift),
            (s.omega, forms.RESIDUAL_OMEGA),
        ]
        integrand = F - s.curvature_drift
        return Theorem(
            tuple(constants), F, integrand,
            _hypotheses(forms.residual_step, integrand, conditions.hypothesis_H_residual),
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
    hypotheses = _hypotheses(factors.admissible(), F, conditions.hypothesis_H)
    reported: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    if form == "paper":
        hypotheses["radius"] = Hypothesis(sp.Le(2 * s.rho * s.lipschitz_J, s.sigma_min_J), s.sigma_min_J)  # ρ ≤ R
        reported = ((s.nu_1, forms.paper_nu_1), (s.nu_2, forms.paper_nu_2), (s.R_prime, conditions.R_prime))
    return Theorem(
        tuple(constants), F, F, hypotheses,
        {"distance_to_limit": conditions.distance_to_limit, "rate_exponent": conditions.rate_exponent}, reported,
    )  # fmt: skip


def _hypotheses(step: sp.Rel, integrand: sp.Expr, H: sp.Rel) -> dict[str, Hypothesis]:
    named = H.replace(lambda part: isinstance(part, sp.Integral), lambda part: area)
    return {
        "start": Hypothesis(sp.Gt(s.loss_0, 0), sp.Integer(1)),
        "step": Hypothesis(step, step.gts),
        "injective": Hypothesis(sp.Gt(integrand.subs(s.t, s.rho), 0), sp.Integer(1)),
        "H": Hypothesis(named, s.psi_0),
    }


def applies(form: str, loss: LossTheory) -> bool:
    """Whether what a form assumes on ψ holds: `residual` is for the squared loss, `concave` for concave ψ.

    Example:
        >>> from dipproofs.theory.losses import LOSSES
        >>> applies("residual", LOSSES["huber"]), applies("concave", LOSSES["huber"])
        (False, True)
    """
    return loss.kind == "squared" if form == "residual" else form != "concave" or decide_concave_psi(loss)
