"""Reading a user's profile h(r) and refusing what the rules of docs/theory.md §5 do not cover."""

from __future__ import annotations

import math
from typing import Any

import flint
import sympy as sp

from dipproofs.enclosures import compile_arb
from dipproofs.errors import InputError
from dipproofs.losses.signs import defined_on, nonnegative_on
from dipproofs.theory.losses.base import r
from dipproofs.theory.losses.custom import PotentialFacts, check_smooth
from dipproofs.theory.losses.shape import edge_of
from dipproofs.theory.losses.text import exact, read_formula


def read_potential(profile: Any) -> sp.Expr:
    """Return h(r) with exact numbers, from a SymPy expression in one symbol or from text."""
    if isinstance(profile, str):
        try:
            return read_formula(profile, {"r": r})
        except ValueError as error:
            raise InputError(f"loss.profile: {error}") from None
    if not isinstance(profile, sp.Expr) or len(profile.free_symbols) != 1:
        raise InputError(
            f"loss.profile: found {profile!r}, expected a SymPy expression in one symbol, or text such as "
            "'sqrt(1 + r**2) - 1'"
        )
    return exact(profile.subs(next(iter(profile.free_symbols)), r))


def check_potential(facts: PotentialFacts, radius: float) -> None:
    """Refuse what is no convex C¹ profile on [0, radius]."""
    if not (isinstance(radius, int | float) and 0 < radius < math.inf):
        raise InputError(f"loss.radius: found {radius!r}, expected a finite number > 0")
    if not facts.h.has(r):
        raise InputError(f"loss.profile: found the constant {facts.h}, expected an expression in r")
    try:
        check_smooth(facts)
    except ValueError as error:
        raise InputError(f"loss.profile: {error}") from None
    for name, expr in (("h", facts.h), ("h''", facts.second_derivative)):
        if not defined_on(expr, r, float(radius)):
            raise InputError(
                f"loss.profile: {name} is not shown to be finite on [0, {radius:g}], expected a smooth profile there; "
                "give a smaller radius"
            )
    if facts.convex is None:
        convex = nonnegative_on(facts.second_derivative, r, float(radius))
        if convex is not True:
            found = "is negative somewhere" if convex is False else "has no decided sign"
            raise InputError(
                f"loss.profile: h'' {found} on ]0, {radius:g}], expected a convex profile; give a smaller radius, or "
                "use Loss.custom(value=…, psi=…)"
            )
    # a convex profile with h(0) = 0 that is positive inside its first (analytic) piece is positive from there on
    edge = edge_of(facts.h.args[0][1]) if isinstance(facts.h, sp.Piecewise) else None
    inside = radius / 2 if edge is None else min(radius, float(edge)) / 2
    if not compile_arb((r,), facts.h)(flint.arb(inside)) > 0:
        raise InputError(f"loss.profile: found h({inside:g}) = 0, expected h(r) > 0 for r > 0")


def shape_by_enclosure(facts: PotentialFacts, radius: float) -> str:
    """Decide "concave", "convex" or "mixed" on [0, radius] by ball arithmetic."""
    if isinstance(facts.second_derivative, sp.Piecewise):
        return "mixed"
    change = sp.diff(facts.second_derivative, r)
    if nonnegative_on(-change, r, radius):
        return "concave"
    return "convex" if nonnegative_on(change, r, radius) else "mixed"
