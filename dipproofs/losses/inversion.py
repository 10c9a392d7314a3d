"""Inverting monotone functions with enclosures: h⁻¹, and primitives known only through quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable

import flint
import sympy as sp

from dipproofs.enclosures import compile_arb
from dipproofs.losses.analytic import holomorphic, integral

_MARGINS = [2.0**k for k in (-48, -40, -30, -20, -10, -3, 0, 3, 6)]
_BITS = 192


def invert_increasing(
    function: Callable[[flint.arb], flint.arb], value: flint.arb, guess: float, largest: float
) -> flint.arb:
    """Enclose the root s of function(s) = value for a function that increases on ]0, largest].

    Args:
        function: enclosures for ball arguments.
        value: a ball.
        guess: where to start.
        largest: right end of the interval.

    Returns:
        A ball that contains the root for every value in `value`; NaN when none could be proved.
    """
    low, high = _bracket(function, value, min(guess, largest), flint.arb(largest))
    if low is None or high is None:
        return flint.arb.nan()
    for _ in range(60):
        middle = (low * high).sqrt().mid()
        at = function(middle)
        if at <= value:
            low = middle
        elif at >= value:
            high = middle
        else:
            break
        if (high - low) * flint.arb(2) ** 56 < high:
            break
    return low.union(high)


def _bracket(
    function: Callable[[flint.arb], flint.arb], value: flint.arb, guess: float, largest: flint.arb
) -> tuple[flint.arb | None, flint.arb | None]:
    low: flint.arb | None = None
    high: flint.arb | None = None
    for power in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
        step = flint.arb(2) ** power
        if low is None and function(flint.arb(guess) / step) <= value:
            low = flint.arb(guess) / step
        if high is None:
            above = flint.arb(guess) * step
            above = above if above < largest else largest
            high = above if function(above) >= value else None
        if low is not None and high is not None:
            break
    return low, high


class DecreasingPrimitive:
    """T(u) = −∫ w from `origin` to u, for a weight w > 0 on the real line, by enclosed quadrature.

    Args:
        pieces: [(edge, weight up to it), …, (oo, weight)], each weight positive and holomorphic near its part.
        variable: the symbol of the weights.
        origin: where T vanishes.
    """

    def __init__(self, pieces: list[tuple[sp.Expr, sp.Expr]], variable: sp.Symbol, origin: float = 0.0) -> None:
        self._origin = flint.arb(origin)
        self._pieces = [(edge, holomorphic(expr, variable)) for edge, expr in pieces]
        self._floats = [(edge, compile_arb((variable,), expr)) for edge, expr in pieces]
        self._anchors: dict[int, flint.arb] = {0: flint.arb(0)}

    def __call__(self, u: flint.arb) -> flint.arb:
        """Enclose T(u) at a ball u: T is decreasing, so its ends decide."""
        with flint.ctx.workprec(_BITS):
            if not u.is_finite():
                return flint.arb.nan()
            if not u.is_exact():
                return self._at(u.lower()).union(self._at(u.upper()))
            return self._at(u)

    def _at(self, u: flint.arb) -> flint.arb:
        """T at an exact point: from the nearest anchor, so that only short integrals are computed."""
        steps = math.floor(float(u - self._origin))  # any whole number nearby will do
        anchor = self._origin + steps
        return self._anchor(steps) - self._integral(anchor, u)

    def _anchor(self, steps: int) -> flint.arb:
        """T at origin + steps, by adding integrals over unit intervals (kept for later calls)."""
        sign = 1 if steps > 0 else -1
        known = self._anchors
        for k in range(0, steps, sign):
            if k + sign not in known:
                low, high = sorted((k, k + sign))
                piece = self._integral(self._origin + low, self._origin + high)
                known[k + sign] = known[k] - sign * piece
        return known[steps]

    def _integral(self, low: flint.arb, high: flint.arb) -> flint.arb:
        """∫ of the weight over [low, high], split at the edges."""
        total, start = flint.arb(0), low
        for edge, piece in self._pieces:
            stop = high
            if edge != sp.oo:
                at = compile_arb((), edge)()
                stop = at if at < high else high
            if stop > start:
                total, start = total + integral(piece, start, stop), stop
        return total

    def weight(self, u: float) -> float:
        """The weight at a float, for proposals only."""
        for edge, piece in self._floats:
            if edge == sp.oo or u <= float(edge):
                return float(piece(flint.arb(u)).mid())
        return 1.0

    def inverse(self, level: flint.arb) -> flint.arb:
        """Enclose the u with T(u) = level (NaN when none could be proved): Newton's method, then a proof."""
        guess, target = float(self._origin), float(level.mid())
        for _ in range(60):
            value = self(flint.arb(guess))
            if value.is_nan():
                return flint.arb.nan()
            step = (float(value.mid()) - target) / max(self.weight(guess), 1e-300)
            step = max(min(step, 8.0), -8.0)
            guess += step
            if abs(step) < 1e-12:
                break
        low = high = None
        for margin in _MARGINS:
            if low is None and self(flint.arb(guess) - margin) >= level:
                low = flint.arb(guess) - margin
            if high is None and self(flint.arb(guess) + margin) <= level:
                high = flint.arb(guess) + margin
        return low.union(high) if low is not None and high is not None else flint.arb.nan()
