"""Enclosures that a certificate needs of a loss: its value, ψ's constants, G and Λ (docs/theory.md §5, §8)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import flint
import numpy as np
import sympy as sp

from dipproofs.enclosures import Bound, Evidence, compile_arb
from dipproofs.losses.brackets import sublevel_brackets
from dipproofs.losses.evaluation import exact_arb, lower_of, tight, upper_of
from dipproofs.theory.losses import SMALLEST_LEVEL, DataConstant, resolve_scale
from dipproofs.theory.losses.base import m as m_symbol
from dipproofs.theory.losses.base import r as r_symbol
from dipproofs.theory.losses.base import scale as scale_symbol
from dipproofs.theory.losses.base import v as v_symbol
from dipproofs.theory.losses.base import v_hi, v_lo
from dipproofs.theory.losses.base import y as y_symbol
from dipproofs.theory.symbols import loss_0 as f_symbol
from dipproofs.theory.symbols import loss_curvature, loss_gradient

if TYPE_CHECKING:
    from dipproofs.losses.base import Loss

_BITS = 192


def known_values(loss: Loss, observations: int) -> dict[sp.Symbol, float | Fraction]:
    """Parameters, m and scale as exact numbers."""
    values: dict[sp.Symbol, float | Fraction] = {p.symbol: loss.parameters[p.name] for p in loss.theory.parameters}
    values[m_symbol] = float(observations)
    values[scale_symbol] = resolve_scale(loss.scale, observations)
    return values


def sublevel_height(loss: Loss, observations: int, loss_0: Bound) -> Fraction | None:
    """The height of the sublevel set {L ≤ upper(loss_0)} of the loss without its scale; None for all of R^m."""
    if not math.isfinite(loss_0.upper):
        return None
    return max(Fraction(loss_0.upper) / resolve_scale(loss.scale, observations), SMALLEST_LEVEL)


def constants(loss: Loss, y: np.ndarray, loss_0: Bound) -> dict[sp.Symbol, Bound]:
    """Enclose the symbols of ψ, Ψ, Ψ⁻¹ and G, Λ on {L ≤ upper(loss_0)}; see `Loss.constants`."""
    theory, exact = loss.theory, known_values(loss, y.size)
    evidence = max(loss_0.evidence, Evidence.ASSUMED) if loss.assumed else loss_0.evidence
    result = {symbol: Bound.exact(value) for symbol, value in exact.items()}
    height = sublevel_height(loss, y.size, loss_0)
    if height is None:
        unknown = Bound(0.0, math.inf, evidence)
        names = [c.symbol for c in theory.constants] + [loss_gradient, loss_curvature]
        return result | dict.fromkeys(names, unknown)
    scale, data = resolve_scale(loss.scale, y.size), _data_constants(loss, y, height)
    values: dict[sp.Symbol, Any] = {**exact, f_symbol: height, **data}
    for symbol, expr in ((loss_gradient, theory.gradient_bound), (loss_curvature, theory.curvature)):
        result[symbol] = Bound.from_arb(exact_arb(scale) * tight(expr, values), evidence).nonnegative()
    return result | {symbol: bound.with_evidence(evidence) for symbol, bound in data.items()}


def _data_constants(loss: Loss, y: np.ndarray, level: Fraction) -> dict[sp.Symbol, Bound]:
    used = set().union(*(c.expr.free_symbols for c in loss.theory.constants))
    points = np.unique(np.asarray(y, dtype=np.float64))
    with flint.ctx.workprec(_BITS):
        wanted = tuple(side for side, symbol in ((-1, v_lo), (1, v_hi)) if symbol in used)
        brackets = sublevel_brackets(loss, points, level, wanted)
        return {c.symbol: _reduced(c, loss, points, brackets, level) for c in loss.theory.constants}


def _reduced(
    constant: DataConstant,
    loss: Loss,
    points: np.ndarray,
    brackets: dict[int, list[flint.arb]],
    level: Fraction,
) -> Bound:
    parameters: list[tuple[Any, float | Fraction]] = [
        (p.symbol, loss.parameters[p.name]) for p in loss.theory.parameters
    ]
    function = compile_arb((y_symbol, v_lo, v_hi, f_symbol, *(symbol for symbol, _ in parameters)), constant.expr)
    zeros = [flint.arb(0)] * points.size
    columns = [[flint.arb(float(p)) for p in points], brackets.get(-1, zeros), brackets.get(1, zeros)]
    tail = [[exact_arb(value)] * points.size for value in [level, *(value for _, value in parameters)]]
    bounds = [Bound.from_arb(ball) for ball in function.batch(*columns, *tail)]
    choose = min if constant.reduce == "min" else max
    return Bound(choose(b.lower for b in bounds), choose(b.upper for b in bounds))


# --- the value of the loss --------------------------------------------------------------------------------
def ends(v: Any) -> tuple[np.ndarray, np.ndarray]:
    """Midpoints and radii of an enclosed vector; exact floats have radius 0."""
    mid = np.asarray(getattr(v, "mid", v), dtype=np.float64).ravel()
    rad = getattr(v, "rad", None)
    return mid, np.zeros_like(mid) if rad is None else np.broadcast_to(np.asarray(rad), mid.shape).ravel()


def loss_value(loss: Loss, v: Any, y: np.ndarray) -> Bound:
    """Enclose L(v): on each entry the loss is unimodal, so the two ends of the interval decide."""
    mid, rad = ends(v)
    target = np.asarray(y, dtype=np.float64).ravel()
    theory, scale = loss.theory, resolve_scale(loss.scale, target.size)
    with flint.ctx.workprec(_BITS):
        if theory.structure == "entrywise":
            low, high = _entrywise(loss, mid, rad, target)
        elif theory.structure == "radial":
            distance = _distance(mid, rad, target)
            low, high = (_profile(loss, [end])[0] for end in distance)
        else:
            near, far = _sizes(mid, rad, target)
            low, high = (sum(_profile(loss, sizes), flint.arb(0)) for sizes in (near, far))
        factor = exact_arb(scale)
        low, high = factor * low, factor * high
        return Bound(max(lower_of(low), 0.0), upper_of(high))


def residual_sizes(v: Any, y: np.ndarray) -> tuple[list[flint.arb], list[flint.arb]]:
    """Smallest and largest |v_i − y_i|."""
    mid, rad = ends(v)
    with flint.ctx.workprec(_BITS):
        return _sizes(mid, rad, np.asarray(y, dtype=np.float64).ravel())


def _sizes(mid: np.ndarray, rad: np.ndarray, y: np.ndarray) -> tuple[list[flint.arb], list[flint.arb]]:
    """Smallest and largest |v_i − y_i|."""
    near, far = [], []
    for center, radius, target in zip(mid.tolist(), rad.tolist(), y.tolist()):
        size, spread = abs(flint.arb(center) - flint.arb(target)), flint.arb(radius)
        near.append((size - spread).nonnegative_part() if size > spread else flint.arb(0))
        far.append(size + spread)
    return near, far


def _distance(mid: np.ndarray, rad: np.ndarray, y: np.ndarray) -> tuple[flint.arb, flint.arb]:
    near, far = _sizes(mid, rad, y)
    near_square, far_square = (sum((x * x for x in sizes), flint.arb(0)) for sizes in (near, far))
    return near_square.nonnegative_part().sqrt(), far_square.nonnegative_part().sqrt()


def _profile(loss: Loss, sizes: list[flint.arb]) -> list[flint.arb]:
    theory = loss.theory
    function = compile_arb((r_symbol, *(p.symbol for p in theory.parameters)), theory.entry)
    tail = [exact_arb(loss.parameters[p.name]) for p in theory.parameters]
    return [flint.arb(0) if x.is_zero() else function(x, *tail) for x in sizes]


def _entrywise(loss: Loss, mid: np.ndarray, rad: np.ndarray, y: np.ndarray) -> tuple[flint.arb, flint.arb]:
    theory = loss.theory
    parameters = tuple(p.symbol for p in theory.parameters)
    entry = compile_arb((v_symbol, y_symbol, *parameters), theory.entry)
    argmin = compile_arb((y_symbol, *parameters), theory.argmin)
    tail = [exact_arb(loss.parameters[p.name]) for p in theory.parameters]
    lows, highs = [], []
    for center, radius, target in zip(mid.tolist(), rad.tolist(), y.tolist()):
        at, spread = flint.arb(target), flint.arb(radius)
        left, right = flint.arb(center) - spread, flint.arb(center) + spread
        centre = argmin(at, *tail)
        values = [_value_at(entry, end, at, tail) for end in ((left, right) if radius else (left,))]
        highs.append(values[0] if len(values) == 1 else values[0].max(values[1]))
        outside = left > centre or right < centre
        lows.append(values[0] if len(values) == 1 else values[0].min(values[1]) if outside else flint.arb(0))
    return sum((x.nonnegative_part() for x in lows), flint.arb(0)), sum(highs, flint.arb(0))


def _value_at(entry: Any, v: flint.arb, y: flint.arb, tail: list[flint.arb]) -> flint.arb:
    value = entry(v, y, *tail)
    return value if not value.is_nan() else flint.arb(0, math.inf)
