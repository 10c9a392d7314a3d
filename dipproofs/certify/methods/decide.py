"""Decide the hypotheses of a theorem about a method in Arb, at parameters that a search proposed.

Everything here is independent of the network: it enters through bounds of s, M_ρ, ℓ_A on a ball and of the state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import flint
import sympy as sp

from dipproofs.certificate.record import Hypothesis
from dipproofs.certify.methods.polynomial import is_nonnegative
from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.enclosures.evaluate import call
from dipproofs.theory.methods import Condition, MatrixCondition, MethodTheorem
from dipproofs.theory.methods import symbols as m

BITS = 192
#: α = 1 − β exactly, which no float may be.
ONE_MINUS_BETA = "1-beta"

Environment = dict[sp.Symbol, Any]
Parameter = float | str


@dataclass(frozen=True)
class Decision:
    """What was decided about one theorem at one choice of its parameters.

    Args:
        theorem: the theorem.
        parameters: the choice, by symbol; floats, or `ONE_MINUS_BETA` for α.
        hypotheses: with verdicts; proved or undecided, since another choice might do.
        env: every symbol's ball.
        evidence: weakest evidence of what was given.
    """

    theorem: MethodTheorem
    parameters: Mapping[sp.Symbol, Parameter]
    hypotheses: tuple[Hypothesis, ...]
    env: Mapping[sp.Symbol, Any] = field(repr=False)
    evidence: Evidence = Evidence.PROVED

    @property
    def verdict(self) -> Verdict:
        """Proved if every hypothesis is."""
        return Verdict.of_all(hypothesis.verdict for hypothesis in self.hypotheses)

    @property
    def recorded(self) -> dict[str, Parameter]:
        """The parameters of the proof by their keys in certificates."""
        return {key: self.parameters[symbol] for key, symbol in self.theorem.recorded.items()}

    def bound(self, symbol: sp.Symbol) -> Bound:
        """The enclosure of a constant."""
        return Bound.from_arb(self.env[symbol], self.evidence)


def evaluate(
    theorem: MethodTheorem, given: Mapping[sp.Symbol, Any], parameters: Mapping[sp.Symbol, Parameter]
) -> Environment:
    """Extend given balls by the parameters and by every constant of the theorem."""
    env: Environment = dict(given)
    for symbol, value in parameters.items():
        env[symbol] = 1 - env[m.beta] if value == ONE_MINUS_BETA else flint.arb(value)
    for symbol, expr in theorem.constants:
        env[symbol] = call(expr, env)
        if symbol == m.W_0 and not env[symbol].is_nan():
            env[symbol] = flint.arb(env[symbol].upper())  # all that follows only uses that W is at most this
    return env


def decide(
    theorem: MethodTheorem,
    given: Mapping[sp.Symbol, Any],
    parameters: Mapping[sp.Symbol, Parameter],
    evidence: Evidence = Evidence.PROVED,
) -> Decision:
    """Decide every hypothesis of a theorem.

    Args:
        theorem: of the method.
        given: balls by symbol: the method's options, exact, and bounds of what the theorem is given.
        parameters: floats by symbol, or `ONE_MINUS_BETA`.
        evidence: weakest evidence of ``given``.
    """
    with flint.ctx.workprec(BITS):
        env = evaluate(theorem, given, parameters)
        found = [_scalar(condition, env, evidence) for condition in theorem.conditions]
        found += [_hypothesis(x, matrix_holds(x, env), None, evidence) for x in theorem.matrices]
    return Decision(theorem, dict(parameters), tuple(found), env, evidence)


def _scalar(condition: Condition, env: Environment, evidence: Evidence) -> Hypothesis:
    more, less = call(condition.relation.gts, env), call(condition.relation.lts, env)
    strict = isinstance(condition.relation, sp.StrictGreaterThan | sp.StrictLessThan)
    holds = bool(more > less) if strict else bool(more >= less)
    margin = Bound.from_arb(more - less, evidence)
    return _hypothesis(condition, holds, margin, evidence)


def matrix_holds(condition: MatrixCondition, env: Environment) -> bool:
    """Whether a matrix inequality is proved."""
    low, high = (call(end, env) for end in condition.ends)
    ends = flint.arb(low.lower()), flint.arb(high.upper())
    parts = (condition.entries[0], condition.entries[2], condition.determinant)
    return all(is_nonnegative(coefficients(part, condition.variable, env), *ends) for part in parts)


def coefficients(expr: sp.Expr, variable: sp.Symbol, env: Environment) -> list[flint.arb]:
    """Balls of the coefficients of a polynomial, constant term first."""
    return [call(part, env) for part in _parts(expr, variable)]


@cache
def _parts(expr: sp.Expr, variable: sp.Symbol) -> tuple[sp.Expr, ...]:
    return tuple(sp.factor(part) for part in reversed(sp.Poly(sp.expand(expr), variable).all_coeffs()))


def _hypothesis(
    condition: Condition | MatrixCondition, holds: bool, margin: Bound | None, evidence: Evidence
) -> Hypothesis:
    if margin is not None and not (math.isfinite(margin.lower) and math.isfinite(margin.upper)):
        margin = None
    if evidence is not Evidence.PROVED:
        reason = f"{'holds' if holds else 'fails'} for {evidence} values only"
        return Hypothesis(condition.id, condition.statement, Verdict.UNDECIDED, margin, reason)
    if holds:
        return Hypothesis(condition.id, condition.statement, Verdict.PROVED, margin, "")
    shown = "" if margin is None else f", margin {margin.upper:.2g}"
    reason = f"fails at the most promising parameters found{shown}; {condition.cure}"
    return Hypothesis(condition.id, condition.statement, Verdict.UNDECIDED, margin, reason)
