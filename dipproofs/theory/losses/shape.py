"""Deciding the shape of a profile by symbolic signs: which rule applies, and whether ψ is concave (§5).

P' = 2h''∘h⁻¹, so P is concave when h'' is non-increasing and convex when it is non-decreasing. ψ = h⁻¹ (or a
rescaling of it) is concave when h is convex. What symbols cannot decide, `problems.losses.custom` decides by
enclosures on subintervals.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import lru_cache

import sympy as sp

from dipproofs.theory.losses.base import LossTheory, Parameter, r, v, y
from dipproofs.theory.symbols import e

Sign = int | None


def positive_parameters(expr: sp.Expr, parameters: Iterable[Parameter]) -> sp.Expr:
    """Write each parameter as its minimum plus a non-negative symbol, so that signs become visible."""
    exact = {
        q.symbol: sp.Rational(q.minimum)
        + sp.Dummy(f"{q.name}_above", **{"nonnegative" if q.closed else "positive": True})
        for q in parameters
    }
    return expr.subs(exact)


#: Verifying and certifying ask for the same few expressions again and again.
_simplified = lru_cache(maxsize=1024)(sp.simplify)


@lru_cache(maxsize=4096)
def sign_of(expr: sp.Expr) -> Sign:
    """Sign of an expression over the declared ranges of its symbols: 1 (≥ 0), −1 (≤ 0), 0 (zero), None (unknown).

    Example:
        >>> sign_of(-2 * sp.sinh(r) / sp.cosh(r) ** 3), sign_of(r - 1)
        (-1, None)
    """
    for form in (lambda x: x, sp.factor, sp.simplify):
        try:
            shown = form(expr)
        except (TypeError, ValueError, NotImplementedError):
            continue
        if shown == 0:
            return 0
        if shown.is_nonnegative:
            return 1
        if shown.is_nonpositive:
            return -1
    return None


def monotone(expr: sp.Expr) -> Sign:
    """Whether an expression in `r` > 0, perhaps piecewise, is non-decreasing (1), non-increasing (−1), constant (0)."""
    pieces = expr.args if isinstance(expr, sp.Piecewise) else ((expr, sp.true),)
    signs: list[Sign] = [sign_of(sp.diff(piece, r)) for piece, _ in pieces]
    for (left, condition), (right, _) in itertools.pairwise(pieces):
        edge = edge_of(condition)
        if edge is None:
            return None
        signs.append(sign_of(right.subs(r, edge) - left.subs(r, edge)))
    if None in signs:
        return None
    rising, falling = 1 in signs, -1 in signs
    return None if rising and falling else 1 if rising else -1 if falling else 0


def edge_of(condition: sp.Basic) -> sp.Expr | None:
    """Return a for a condition r < a or r ≤ a (however SymPy turns it), else None."""
    strict = sp.StrictLessThan | sp.LessThan | sp.StrictGreaterThan | sp.GreaterThan
    return condition.gts if isinstance(condition, strict) and condition.lts == r else None


def decide_shape(second: sp.Expr, parameters: Iterable[Parameter] = ()) -> str | None:
    """Decide whether P is "linear", "concave" or "convex" from h''; None when symbols do not decide.

    Example:
        >>> decide_shape(1 / sp.cosh(r) ** 2)
        'concave'
    """
    sign = monotone(positive_parameters(second, parameters))
    return None if sign is None else {0: "linear", 1: "convex", -1: "concave"}[sign]


def decide_concave_psi(loss: LossTheory) -> bool:
    """Decide whether ψ is concave: directly for ψ = √(2e/μ), else by the convexity of the entry that it inverts."""
    if loss.rule == "strongly convex":
        return sign_of(sp.diff(loss.psi, e, 2)) in (-1, 0)
    return convex_entry(loss)


def convex_entry(loss: LossTheory) -> bool:
    """Decide whether h is convex on its domain, by the sign of its second derivative."""
    if loss.structure != "entrywise":
        second = positive_parameters(sp.diff(loss.entry, r, 2), loss.parameters)
        pieces = [piece for piece, _ in second.args] if isinstance(second, sp.Piecewise) else [second]
        return all(sign_of(piece) in (0, 1) for piece in pieces)
    inside, data = sp.Dummy("inside", positive=True), sp.Dummy("data", positive=True)
    low, high = loss.domain
    second = _simplified(sp.diff(loss.entry, v, 2))
    if high == sp.oo:
        return sign_of(second.subs({v: inside + (low if low != -sp.oo else 0), y: data})) == 1
    return sign_of(second.subs({v: 1 / (1 + inside), y: 1 / (1 + data)})) == 1
