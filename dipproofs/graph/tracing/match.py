"""Recognise the function that a chain of entrywise operations computes, by its values at many points.

Structure varies with framework and version; values do not. Every recognised function is compared at several hundred
points between 1e-6 and 1e6, and the traced graph as a whole with the user's function afterwards. No tolerance tells
x² + 1e-12 from x², or 1/min(x, 1e6) from 1/x: every number in an expression has to matter for what it is taken for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np

from dipproofs.graph.functions import numpy_function
from dipproofs.graph.operations.piecewise import piecewise_values
from dipproofs.graph.tracing.expressions import KINKS, LOGIC, Expr, X, constant, cuts
from dipproofs.theory.elementary import ELEMENTARY, PiecewiseLinear

#: Some dozens of roundings, relative to a value and its argument: sigmoid(x·(1 + 1e-11)) is no sigmoid(x).
TOLERANCE = 1e-14
_FAR = np.geomspace(1e-6, 1e6, 61)
GRID = np.concatenate([np.linspace(-9, 9, 241) + 0.0137, np.linspace(-60, 60, 60), _FAR, -_FAR])


def points(expr: Expr) -> np.ndarray:
    """Return where an expression is compared: the grid, and around its constants."""
    marks = np.array([0.0, *expr.constants()])
    near = np.concatenate([marks + h for h in (-1e-3, -1e-9, 0.0, 1e-9, 1e-3)])
    return np.concatenate([GRID, near, -near])


def _same(expr: Expr, found: np.ndarray, at: np.ndarray) -> bool:
    """Whether an expression has the values that were found for it, and would not with another number in it."""
    return agree(expr(at), found, at) and not any(agree(other(at), found, at) for other in _others(expr))


def _others(expr: Expr) -> Iterator[Expr]:
    """Yield the expression with one number in it halved or doubled, but for those that something is compared with."""
    for part in expr.nodes:
        for i, arg in enumerate(part.args if part.op not in LOGIC else ()):
            if arg.op == "constant" and arg.value and math.isfinite(arg.value):
                for factor in (0.5, 2.0):
                    changed = [*part.args]
                    changed[i] = constant(factor * arg.value)
                    yield _replaced(expr, part, Expr.make(part.op, *changed))


def _replaced(expr: Expr, part: Expr, by: Expr) -> Expr:
    new = {id(part): by}
    for e in expr.nodes:
        if id(e) not in new:
            changed = [new[id(a)] for a in e.args]
            same = all(a is b for a, b in zip(changed, e.args))
            new[id(e)] = e if same else Expr.make(e.op, *changed)
    return new[id(expr)]


def agree(expected: np.ndarray, found: np.ndarray, at: np.ndarray) -> bool:
    """Whether two functions agree wherever the first is finite, at 100 points or more."""
    finite = np.isfinite(expected)
    if finite.sum() < 100:
        return False
    with np.errstate(all="ignore"):
        gap = np.abs(expected - found)[finite]
    return bool((gap <= TOLERANCE * (1 + np.abs(expected) + np.abs(at))[finite]).all())


@lru_cache(maxsize=512)
def elementary(expr: Expr) -> tuple[str, Expr, float, float] | None:
    """Return (name, g, a, d) with expr = a·φ(g) + d for an elementary function φ and a part g, or None."""
    at = points(expr)
    values = expr(at)
    for inner in _inner(expr):
        inside = inner(at)
        for name in ELEMENTARY:
            found = _outer_affine(values, numpy_function(name, 0)(inside), at, expr)
            if found is not None and _counts(expr, name, inner, *found):
                return name, inner, *found
    return None


def _counts(expr: Expr, name: str, inner: Expr, a: float, d: float) -> bool:
    """Whether every number outside of `inner` matters for what was found."""
    outer = _replaced(expr, inner, X) if inner in expr.nodes else expr
    at = points(outer)
    with np.errstate(all="ignore"):
        return _same(outer, a * numpy_function(name, 0)(at if outer is not expr else inner(at)) + d, at)


def _inner(expr: Expr) -> Iterator[Expr]:
    """Candidates for the argument: parts that all ways go through, then the variable times or over a constant."""
    found = [part for part in cuts(expr) if part is not expr]
    yield from sorted(found, key=lambda e: (e is not X, len(e.nodes)))
    for c in expr.constants():
        if c not in (0.0, 1.0, -1.0):
            yield Expr.make("mul", X, constant(c))
            yield Expr.make("div", X, constant(c))
    yield Expr.make("neg", X)


def _outer_affine(values: np.ndarray, phi: np.ndarray, at: np.ndarray, expr: Expr) -> tuple[float, float] | None:
    good = np.flatnonzero(np.isfinite(values) & np.isfinite(phi) & (np.abs(at) < 20))
    if len(good) < 100:
        return None
    low, high = good[np.argmin(phi[good])], good[np.argmax(phi[good])]
    if phi[high] == phi[low]:
        return None
    raw = (values[high] - values[low]) / (phi[high] - phi[low])
    for a in _snapped(float(raw), expr):
        for d in _snapped(float(values[low] - a * phi[low]), expr):
            with np.errstate(all="ignore"):
                if a != 0 and agree(values, a * phi + d, at):
                    return a, d
    return None


def _snapped(value: float, expr: Expr) -> list[float]:
    """A number and those it may stand for: 0, 1, and the constants of the expression."""
    near = [0.0, 1.0, -1.0, *(f for c in expr.constants() if c for f in (c, -c, 1 / c, -1 / c, 1 - c))]
    close = [c for c in near if abs(c - value) <= 1e-9 * (1 + abs(value))]
    return [*close[:2], value]


@lru_cache(maxsize=512)
def piecewise_linear(expr: Expr) -> PiecewiseLinear | None:
    """Return the expression as a continuous piecewise linear function with a knot, or None."""
    if not any(e.op in KINKS for e in expr.nodes):
        return None
    at = points(expr)
    knots = _knots(expr, at)
    if not knots or len(knots) > 40:
        return None
    ends = [knots[0] - 1.0, *knots, knots[-1] + 1.0]
    slopes: list[float] = []
    for start, end in pairwise(ends):
        left, right = start, end
        if len(slopes) == 0:
            left = end - 1.0
        if end == ends[-1]:
            right = start + 1.0
        inside = np.linspace(left, right, 9)[1:-1]
        values = expr(inside)
        rise = (values[-1] - values[0]) / (inside[-1] - inside[0])
        slopes.append(_snapped(float(rise), expr)[0])
    value = float(expr(np.array([knots[0]]))[0])
    kept = [i for i in range(len(knots)) if slopes[i] != slopes[i + 1]]
    if not kept:
        return None
    start = value + sum(slopes[i + 1] * (knots[i + 1] - knots[i]) for i in range(kept[0]))
    result = PiecewiseLinear(
        tuple(knots[i] for i in kept), (slopes[kept[0]], *(slopes[i + 1] for i in kept)), _snapped(start, expr)[0]
    )
    return result if _same(expr, piecewise_values(at, result.knots, result.slopes, result.value), at) else None


def _knots(expr: Expr, at: np.ndarray) -> list[float]:
    """Where a comparison inside may turn: roots of affine differences, and constants."""
    found = set()
    for e in expr.nodes:
        if e.op not in KINKS or e.op == "select":
            continue
        a, b = (e.args[0], e.args[1] if len(e.args) > 1 else constant(0.0))
        difference = Expr.make("sub", a, b)
        if difference.affine is not None:
            slope, offset = difference.affine
            found |= {-offset / slope} if slope else set()
        else:
            found |= {s * c for c in (0.0, *expr.constants()) for s in (1.0, -1.0)}
            found |= _roots(difference, np.unique(at))
    return sorted({k + 0.0 for k in found if np.isfinite(k)})


def _roots(difference: Expr, at: np.ndarray) -> set[float]:
    values = difference(at)
    turns = np.flatnonzero((values[:-1] < 0) != (values[1:] < 0))[:20]
    found = set()
    for i in turns:
        low, high = at[i], at[i + 1]
        below = values[i] < 0
        for _ in range(80):
            middle = (low + high) / 2
            if (difference(np.array([middle]))[0] < 0) == below:
                low = middle
            else:
                high = middle
        found.add(float(high))
    return found


@lru_cache(maxsize=256)
def elu_like(expr: Expr) -> tuple[float, float, float, float] | None:
    """Return (b, s, p, d) with expr(x) = s·elu(b x) + p·relu(x) + d, or None: ELU with any α, SELU, CELU."""
    if not any(e.op in KINKS for e in expr.nodes):
        return None
    at = points(expr)
    d = _snapped(float(expr(np.zeros(1))[0]), expr)[0]
    for b in (1.0, *(f for c in expr.constants() if c > 0 for f in (c, 1 / c))):
        s = (float(expr(np.array([-2.0]))[0]) - d) / np.expm1(-2.0 * b)
        p = float(expr(np.array([2.0]))[0] - d) / 2.0 - s * b
        if _same(expr, s * numpy_function("elu", 0)(b * at) + p * np.maximum(at, 0.0) + d, at):
            return b, s, _snapped(p, expr)[0], d
    return None
