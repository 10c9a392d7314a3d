"""The descent theorem as data: what to evaluate, in which order, for a form, a profile and an architecture.

Producer and verifier read the same lists and evaluate them with arithmetics of their own (docs/theory.md §3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import SimpleNamespace

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.base import Architecture
from dipproofs.theory.core import symbol
from dipproofs.theory.forms import FORMS, SEARCHED, Form
from dipproofs.theory.hypothesis import GO_ON, INJECTIVE_AT_START, Hypothesis
from dipproofs.theory.losses.base import LossTheory
from dipproofs.theory.losses.shape import decide_concave_psi
from dipproofs.theory.profiles import PROFILES, Profile

__all__ = ["INJECTIVE_AT_START", "Hypothesis", "Theorem", "applies", "area", "theorem"]

#: ∫₀^ρ of the integrand, which stands for the integral in (H).
area = symbol("I", "∫F over the ball")


@dataclass(frozen=True, eq=False)
class Theorem:
    """One form of the descent theorem, for a profile and an architecture.

    Args:
        form, profile, architecture: what it is made of.
        constants: (symbol, expression) in the order of evaluation, given the quantities at θ_0, γ and ρ.
        integrand: what (H) integrates, F or c_e F − x: convex and non-increasing.
        hypotheses: by id; those on A (``rank``) and on the domain of the loss (``loss``) are no relations of scalars.
    """

    form: Form
    profile: Profile
    architecture: Architecture
    constants: tuple[tuple[sp.Symbol, sp.Expr], ...]
    integrand: sp.Expr
    hypotheses: Mapping[str, Hypothesis]

    @property
    def F(self) -> sp.Expr:
        """The profile's lower bound of s_A(θ), as an expression in t."""
        return self.profile.F

    @property
    def conclusions(self) -> Mapping[str, sp.Expr]:
        """Expression by name of a guarantee, given F_∞ as well, in which it is monotone."""
        return self.form.conclusions

    @property
    def reported(self) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
        """(symbol, expression) that the certificate states besides."""
        return self.form.reported

    @property
    def onto(self) -> tuple[sp.Expr, ...]:
        """Expressions in S: J is onto along the path if one of them is positive."""
        return self.architecture.onto + self.form.onto

    @cached_property
    def radius(self) -> sp.Expr | None:
        """2ρℓ(ρ) in ρ and the base quantities, which ρ = R makes equal to σ_min(J_0); None without such a radius."""
        if "radius" not in self.form.hypotheses:
            return None
        relation = self.form.hypotheses["radius"].relation
        return relation.lts.subs(s.lipschitz_J, dict(self.constants)[s.lipschitz_J])


@cache
def theorem(form: str | Form, profile: str, architecture: Architecture) -> Theorem:
    """Return the theorem for a form, a profile and an architecture.

    Args:
        form: "paper", "integral", "concave" or "residual", or a `Form`.
        profile: id of a profile that both offer. architecture: of `theory.architectures`.

    Raises:
        ValueError: a profile that is not the form's, or that the architecture does not have.

    Notes:
        In form `residual` γ stands for 2cγ, c the scale of the squared loss c‖·‖² (docs/theory.md §3.2).

    Example:
        >>> from dipproofs.theory.architectures import ARCHITECTURES
        >>> theorem("concave", "observation", ARCHITECTURES["graph"]).hypotheses["step"].relation
        q < 2
    """
    chosen = (FORMS | SEARCHED)[form] if isinstance(form, str) else form
    if profile not in offered(chosen, architecture.profiles):
        valid = ", ".join(map(repr, offered(chosen, architecture.profiles))) or "another form"
        raise ValueError(f"profile: found {profile!r} with form {chosen.id!r}, expected {valid}")
    known = PROFILES[profile]
    integrand = chosen.integrand(known.F)
    return Theorem(
        chosen,
        known,
        architecture,
        architecture.chain(unprojected=chosen.unprojected) + chosen.chain(known),
        integrand,
        _hypotheses(chosen, integrand, architecture),
    )


def offered(form: Form, profiles: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of an architecture's profiles that a form can be had with."""
    if form.own_profile is not None:
        return tuple(p for p in profiles if p == form.own_profile)
    own = {other.own_profile for other in FORMS.values()}
    return tuple(p for p in profiles if p not in own)


def _hypotheses(form: Form, integrand: sp.Expr, architecture: Architecture) -> dict[str, Hypothesis]:
    H = form.H.replace(lambda part: isinstance(part, sp.Integral), lambda part: area)
    return {
        "start": Hypothesis(sp.Gt(s.loss_0, 0), sp.Integer(1)),
        "step": form.step,
        "injective": Hypothesis(
            sp.Gt(integrand.subs(s.t, s.rho), 0),
            sp.Integer(1),
            form.words["injective"],
            f"injectivity is lost inside the ball; {GO_ON}, or {architecture.cure}",
        ),
        "H": Hypothesis(
            H,
            s.psi_0,
            form.words["H"],
            f"{GO_ON}, or {architecture.cure}",
        ),
        **form.hypotheses,
        **architecture.hypotheses,
    }


def applies(form: str, loss: LossTheory) -> bool:
    """Whether what a form assumes on ψ holds: `residual` is for the squared loss, `concave` for concave ψ.

    Example:
        >>> from dipproofs.theory.losses import LOSSES
        >>> applies("residual", LOSSES["huber"]), applies("concave", LOSSES["huber"])
        (False, True)
    """
    facts = SimpleNamespace(projects_data=loss.kind == "squared", concave_psi=None)
    chosen = (FORMS | SEARCHED)[form]
    if chosen.requires is None:
        return True
    facts.concave_psi = decide_concave_psi(loss)
    return chosen.admits(facts)
