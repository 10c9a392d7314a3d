"""A form of the descent theorem: one proof, as data (docs/theory.md §2, §3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from dipproofs.theory import conditions
from dipproofs.theory import symbols as s
from dipproofs.theory.core import define
from dipproofs.theory.hypothesis import Hypothesis
from dipproofs.theory.profiles import Profile

Chain = tuple[tuple[sp.Symbol, sp.Expr], ...]


@dataclass(frozen=True)
class Requirement:
    """What a form assumes of the loss.

    Args:
        words: for tables, e.g. "ψ concave".
        statement: the hypothesis in words.
        refusal: why the form is excluded; ``{kind}`` stands for the loss.
        met: whether a loss (its `projects_data` and `concave_psi`) has the property.
    """

    words: str
    statement: str
    refusal: str
    met: Callable[[Any], bool]


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form of the descent theorem.

    Args:
        id: JSON name. source: section of the theory.
        step: the step-size hypothesis; its smaller side is proportional to γ.
        omega: factor of hypothesis (H). rate: factor κ̃ of the rate of Ψ, or None where the residual contracts.
        H: hypothesis (H), with the integral over a profile F unevaluated. weakening, correction: (H) integrates
            weakening·F − correction.
        chain: (symbol, expression) that the form defines, given the architecture's constants and the profile.
        conclusions: expression by name of a guarantee, given F_∞.
        decrease: decrease of ln‖r‖ (of −Ψ) by a step, given F_∞; ranks proposals.
        words: what a certificate says by hypothesis id.
        requires: what is assumed of the loss, or None.
        short: a step that is at most this at θ_0 is only used on balls where it stays so; longer ones cost a factor.
        scaled_step: γ stands for 2cγ, c the scale of the squared loss c‖·‖².
        step_halvings: how many shorter steps are tried where the step is free.
        own_profile: the only profile of the form, or None for those that the architecture offers.
        unprojected: ℓ is that of J itself, as σ_min(J_0).
        hypotheses: further ones by id. reported: (symbol, expression) stated besides.
        onto: expressions in S; J is onto along the path if one of them is positive.
        certifies: whether a certificate can have this form.
        searched: whether it is about steps that are searched for; it belongs to such a schedule.
    """

    id: str
    source: str
    step: Hypothesis
    omega: sp.Expr
    rate: sp.Expr | None
    H: sp.Rel = conditions.hypothesis_H
    weakening: sp.Expr = sp.S.One
    correction: sp.Expr = sp.S.Zero
    chain: Callable[[Profile], Chain]
    conclusions: Mapping[str, sp.Expr]
    decrease: sp.Expr
    words: Mapping[str, str] = field(default_factory=dict)
    requires: Requirement | None = None
    scaled_step: bool = False
    short: int | None = None
    step_halvings: int = 0
    own_profile: str | None = None
    unprojected: bool = False
    hypotheses: Mapping[str, Hypothesis] = field(default_factory=dict)
    reported: Chain = ()
    onto: tuple[sp.Expr, ...] = ()
    certifies: bool = True
    searched: bool = False

    def __hash__(self) -> int:
        return hash((self.id, self.step.relation))

    @property
    def limit(self) -> int:
        """The largest normalised step (γL, or γM_ρ²); `closed` says whether it is itself allowed."""
        return int(self.step.relation.gts)

    @property
    def closed(self) -> bool:
        """Whether the limit itself is allowed."""
        return self.step.closed

    @property
    def contracts_residual(self) -> bool:
        """Whether the rate is that of ‖r‖ itself, not of Ψ(f)."""
        return self.rate is None

    def admissible(self) -> sp.Rel:
        """Return the admissible range of the step as a SymPy relation."""
        return self.step.relation

    def admits(self, loss: Any) -> bool:
        """Whether a loss has what the form assumes of it."""
        return self.requires is None or self.requires.met(loss)

    def integrand(self, F: sp.Expr) -> sp.Expr:
        """Return what (H) integrates."""
        return self.weakening * F - self.correction


def factor_form(id: str, omega: sp.Expr, rate: sp.Expr, limit: int, closed: bool, source: str, **options: Any) -> Form:
    """Return a form that rests on two factors ω(q), κ̃(q) of the normalised step q = γL, and register them."""
    define(f"forms.{id}.omega", omega, f"factor of (H), form {id}", source, s.omega)
    define(f"forms.{id}.rate", rate, f"factor of the rate, form {id}", source, s.rate)
    relation = sp.Le(s.q, limit) if closed else sp.Lt(s.q, limit)
    step = Hypothesis(relation, sp.Integer(limit), f"q = gamma*L {'<=' if closed else '<'} {limit}")
    return factored(id, omega, rate, step, source, **options)


def factored(id: str, omega: sp.Expr, rate: sp.Expr, step: Hypothesis, source: str, **options: Any) -> Form:
    """Return a form that rests on registered factors ω, κ̃, with any hypothesis on its steps."""
    chain = (
        (s.lipschitz_grad, conditions.lipschitz_grad),
        (s.q, conditions.normalised_step),
        (s.omega, omega),
        (s.rate, rate),
    )
    return Form(
        id=id,
        source=source,
        step=step,
        omega=omega,
        rate=rate,
        chain=lambda profile: chain,
        conclusions={
            "distance_to_limit": conditions.distance_to_limit,
            "rate_exponent": conditions.rate_exponent,
        },
        decrease=conditions.rate_exponent,
        words={"injective": "F(rho) > 0", "H": "omega*Integral(F, (t, 0, rho)) > psi(f_0)"},
        **options,
    )
