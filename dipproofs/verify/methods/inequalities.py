"""Decide the conditions of a theorem about a method on balls; matrix inequalities by subdivision in centred form."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import sympy as sp
from flint import arb

from dipproofs.certificate.read import is_number
from dipproofs.theory.methods import MethodTheorem
from dipproofs.theory.methods import symbols as m
from dipproofs.verify.arithmetic.expressions import decide, evaluate, exact, upper

DEPTH = 60
Env = dict[Any, arb]


def chosen(names: Mapping[str, sp.Symbol], record: Mapping[str, Any], env: Env) -> Env:
    """Read the parameters of the proof: exact numbers, or the tag "1-beta" for α.

    Raises:
        ValueError: one is missing, or no finite number ≥ 0.
    """
    found = dict(env)
    for name, symbol in names.items():
        value = record.get(name)
        if symbol == m.alpha and value == "1-beta":
            found[symbol] = 1 - env[m.beta]
            continue
        found[symbol] = read_size(value, f"method.parameters.{name}")
    return found


def read_size(value: Any, name: str) -> arb:
    """Read a finite number ≥ 0.

    Raises:
        ValueError: something else.
    """
    if not is_number(value) or not value >= 0:
        raise ValueError(f"{name}: found {value!r}, expected a finite number ≥ 0")
    return exact(value)


def constants(theorem: MethodTheorem, env: Env) -> Env:
    """Extend an environment by every constant, in order."""
    found = dict(env)
    for symbol, expr in theorem.constants:
        found[symbol] = evaluate(expr, found)
        if symbol == m.W_0 and not found[symbol].is_nan():
            found[symbol] = upper(found[symbol])  # what follows only uses that W is at most this
    return found


def failing(theorem: MethodTheorem, env: Env) -> list[str]:
    """Conditions that are not proved at these constants."""
    found = [c.id for c in theorem.conditions if decide(c.relation, env) is not True]
    for matrix in theorem.matrices:
        low, high = (evaluate(end, env) for end in matrix.ends)
        parts = (matrix.entries[0], matrix.entries[2], matrix.determinant)
        if not all(nowhere_negative(_coefficients(part, matrix.variable, env), low, high) for part in parts):
            found.append(matrix.id)
    return found


@cache
def _parts(expr: sp.Expr, variable: sp.Symbol) -> tuple[sp.Expr, ...]:
    return tuple(
        sp.collect(sp.expand(expr), variable, evaluate=False).get(variable**i, sp.Integer(0)) for i in range(9)
    )


def _coefficients(expr: sp.Expr, variable: sp.Symbol, env: Env) -> list[arb]:
    parts = [evaluate(part, env) for part in _parts(expr, variable)]
    while len(parts) > 1 and parts[-1].is_zero():
        parts.pop()
    return parts


def nowhere_negative(p: list[arb], low: arb, high: arb) -> bool:
    """Prove p ≥ 0 on [low, high]: p(c) + p'(I)(I − c) on smaller and smaller pieces.

    Example:
        >>> nowhere_negative([arb(1), arb(-2), arb(1.01)], arb(0), arb(2)), nowhere_negative([arb(0)], arb(0), arb(1))
        (True, True)
    """
    if not (low.is_finite() and high.is_finite() and all(c.is_finite() for c in p)):
        return False
    work = [(arb(low.lower()), arb(high.upper()), 0)]
    while work:
        a, b, depth = work.pop()
        middle, piece = arb((a + b).mid() / 2), a.union(b)
        value = _horner(p, middle) + _horner([i * c for i, c in enumerate(p)][1:] or [arb(0)], piece) * (piece - middle)
        if value >= 0 or _horner(p, piece) >= 0:
            continue
        if depth == DEPTH or value < 0:
            return False
        work += [(a, middle, depth + 1), (middle, b, depth + 1)]
    return True


def _horner(p: list[arb], x: arb) -> arb:
    total = arb(0)
    for c in reversed(p):
        total = total * x + c
    return total
