"""A user's profile h(r): what the rules of docs/theory.md §5 derive from it by symbols alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import sympy as sp

from dipproofs.theory.losses.base import LossNumerics, LossTheory, r, s
from dipproofs.theory.losses.rules import ScalarPotential, separable, strongly_convex
from dipproofs.theory.losses.shape import decide_shape, edge_of, sign_of
from dipproofs.theory.symbols import e, xi

#: Stands for h⁻¹, T∘h⁻¹ and h∘T⁻¹, which are evaluated by enclosed inversion and quadrature.
inverse_profile = sp.Function("h_inverse")
time_of_value = sp.Function("time_of_value")
value_of_time = sp.Function("value_of_time")


@dataclass(frozen=True)
class PotentialFacts:
    """What symbols decide about a profile; None where they do not.

    Args:
        h, slope, second_derivative: h, h', h''.
        shape: "linear", "concave", "convex" or None.
        convex: whether h'' ≥ 0.
    """

    h: sp.Expr
    slope: sp.Expr
    second_derivative: sp.Expr
    shape: str | None
    convex: bool | None


def profile_facts(h: sp.Expr) -> PotentialFacts:
    """Differentiate a profile in `r` and decide what symbols can decide.

    Example:
        >>> facts = profile_facts(sp.sqrt(1 + r**2) - 1)
        >>> facts.shape, facts.convex
        ('concave', True)
    """
    slope = _tidy(sp.diff(h, r))
    second = _tidy(sp.diff(slope, r))
    pieces = [piece for piece, _ in second.args] if isinstance(second, sp.Piecewise) else [second]
    convex = True if all(sign_of(piece) in (0, 1) for piece in pieces) else None
    return PotentialFacts(h, slope, second, decide_shape(second), convex)


def check_smooth(facts: PotentialFacts) -> None:
    """Refuse what symbols do not see to be C¹ as an even function: h and h' vanish at 0, and pieces follow and join.

    Raises:
        ValueError: what was found, and what is allowed.

    Example:
        >>> check_smooth(profile_facts(1 + r**2))
        Traceback (most recent call last):
        ...
        ValueError: found h(0) = 1, expected 0 (h is the loss of one residual of size r ≥ 0, C¹ as an even function)
    """
    for name, expr in (("h(0)", facts.h), ("h'(0)", facts.slope)):
        value = expr.subs(r, 0)
        if value.has(sp.nan, sp.zoo, sp.oo):
            value = sp.limit(expr, r, 0, "+")
        if sp.simplify(value) != 0:
            raise ValueError(
                f"found {name} = {value}, expected 0 (h is the loss of one residual of size r ≥ 0, C¹ as an even "
                "function)"
            )
    kinks = sorted(f.func.__name__ for f in facts.h.atoms(sp.Abs, sp.Min, sp.Max, sp.sign, sp.floor, sp.Heaviside))
    if kinks:
        raise ValueError(f"found {kinks[0]}, expected a smooth formula or a Piecewise of such formulas")
    if facts.h.has(sp.Piecewise) and not all(
        isinstance(x, sp.Piecewise) for x in (facts.h, facts.slope, facts.second_derivative)
    ):
        raise ValueError("found a Piecewise inside a formula, expected one Piecewise as a whole")
    for expr in (facts.h, facts.slope, facts.second_derivative):
        pieces = expr.args if isinstance(expr, sp.Piecewise) else ((expr, sp.true),)
        edges = [sp.Integer(0), *(edge_of(condition) for _, condition in pieces[:-1])]
        ordered = all(edge is not None and edge.is_number for edge in edges) and all(a < b for a, b in pairwise(edges))
        if not ordered or pieces[-1][1] != sp.true:
            found = ", ".join(str(condition) for _, condition in pieces)
            raise ValueError(f"found the conditions {found}, expected r < a, r < b, …, True with numbers 0 < a < b < …")
        for edge, (left, condition), (right, _) in zip(edges[1:], pieces, pieces[1:]):
            if expr is not facts.second_derivative and sp.simplify((left - right).subs(r, edge)) != 0:
                raise ValueError(
                    f"found pieces that do not join C¹ at {condition}, expected pieces whose values and slopes agree"
                )


def _tidy(expr: sp.Expr) -> sp.Expr:
    tidy = sp.simplify(expr) if expr.count_ops() <= 80 else expr
    return tidy if tidy.count_ops() <= expr.count_ops() else expr


def custom_theory(facts: PotentialFacts, shape: str, numerics: LossNumerics) -> LossTheory:
    """Return the loss Σ h(|v_i − y_i|) of a user's profile.

    Args:
        facts: from `profile_facts`.
        shape: "linear", "concave", "convex", or "mixed": then the rule for strongly convex losses applies.
        numerics: floating-point evaluation.
    """
    potential = ScalarPotential(
        h=facts.h,
        slope=facts.slope,
        second_derivative=facts.second_derivative,
        shape=shape,
        inverse=inverse_profile(e),
        slope_of_value=facts.slope.subs(r, inverse_profile(e)),
        time=time_of_value(facts.h.subs(r, s)),
        time_of_value=time_of_value(e),
        value_of_time=value_of_time(xi),
    )
    derived = strongly_convex() if shape == "mixed" else separable(potential)
    return LossTheory(
        kind="custom",
        convention=f"Σ h(|v_i − y_i|), h(r) = {facts.h}",
        structure="separable",
        entry=facts.h,
        **derived.fields(),
        proof={
            "linear": "P_h is linear",
            "concave": "h'' is non-increasing, so P_h is concave",
            "convex": "h'' is non-decreasing, so P_h is convex",
            "mixed": "μ and Λ are bounds of h'' on the sublevel bracket",
        }[shape],
        numerics=numerics,
        registered=False,
    )
