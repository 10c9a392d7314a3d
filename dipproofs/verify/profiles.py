"""A loss of the user's own, given by its profile h(r): h⁻¹ and the time ∫ds/h'(s), enclosed (docs/theory.md §5)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from flint import acb, arb

from dipproofs.certificate.read import is_number
from dipproofs.theory.losses.base import LossTheory, r
from dipproofs.theory.losses.custom import custom_theory, inverse_profile, time_of_value
from dipproofs.theory.losses.record import potential_of_record
from dipproofs.theory.losses.shape import edge_of
from dipproofs.verify.arithmetic.expressions import bisect, compiled
from dipproofs.verify.arithmetic.signs import nonnegative

_LOWEST, _HIGHEST = -2000.0, 1000.0  # powers of two between which residuals are looked for
_log_r = sp.Symbol("log_r", real=True)


class Profile:
    """What symbols, and else subdivision, decide about a recorded profile, and enclosures of what they do not.

    Args:
        record: with the profile as text; nothing in it is evaluated as code.

    Raises:
        ValueError: h is not seen to be a convex C¹ profile with h(0) = h'(0) = 0 < h(r) and monotone h''.

    Notes:
        Subdivision decides on [0, radius], which no residual may leave (`check`, `LossOf.one_minimum`).
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        facts = self.facts = potential_of_record(record)
        radius = record.get("radius", 64.0)
        if not is_number(radius) or not radius > 0:
            raise ValueError(f"loss.radius: found {radius!r}, expected a number > 0")
        self.radius = arb(radius)
        self._highest = min(math.log2(radius) + 2.0**-40, _HIGHEST)  # beyond the radius h may fall again
        shape = facts.shape or self._shape()
        if shape is None or not (facts.convex or nonnegative(facts.second_derivative, r, arb(0), self.radius)):
            raise ValueError(f"loss.profile: found {facts.h}, expected h'' ≥ 0, shown to be monotone on [0, {radius}]")
        self.theory: LossTheory = custom_theory(facts, shape, None)  # type: ignore[arg-type]
        self.h = compiled(facts.h)
        self.origin = arb(1)

    def _shape(self) -> str | None:
        """Whether h'' falls or rises on [0, radius]; None where neither is shown, or pieces follow each other."""
        if self.facts.second_derivative.has(sp.Piecewise):
            return None
        change = sp.diff(self.facts.second_derivative, r)
        for shape, sign in (("concave", -1), ("convex", 1)):
            if nonnegative(sign * change, r, arb(0), self.radius):
                return shape
        return None

    def env(self) -> dict[Any, Callable[[arb], arb]]:
        """What stands for the functions in the theory's expressions."""
        return {inverse_profile: self.inverse, time_of_value: lambda value: self._time(self.inverse(value))}

    def inverse(self, value: arb) -> arb:
        """h⁻¹ at a ball: h increases from 0."""
        least = self._inverse(arb(value.lower())) if value > 0 else arb(0)
        return least.union(self._inverse(arb(value.upper())))

    def _inverse(self, value: arb) -> arb:
        def below(exponent: float) -> bool | None:
            height = self.h({r: arb(2) ** arb(exponent)}) - value
            return True if height <= 0 else False if height >= 0 or not height.is_finite() else None

        low, high = bisect(below, _LOWEST, self._highest)
        if not (value > 0 and low > _LOWEST and high < self._highest):
            return arb.nan()
        size, slope = (arb(2) ** arb(low)).union(arb(2) ** arb(high)), compiled(self.facts.slope)
        for _ in range(3):  # interval Newton steps keep the root and square the width
            size = size.mid() - (self.h({r: size.mid()}) - value) / slope({r: size})
        return size

    def check(self, value: arb) -> None:
        """Refuse a profile that is not finite on {h ≤ value}, or not positive there; start the time at its end.

        Raises:
            ValueError: as said.
        """
        largest = self._inverse(arb(value.upper()))
        end = arb(largest.upper())
        if not end < self.radius:
            raise ValueError(f"loss.radius: found residuals up to {end.str(5)} on the sublevel set, expected less")
        for expr in (self.facts.h, self.facts.slope, self.facts.second_derivative):
            if not end.is_finite() or not _finite(compiled(expr), arb(0), end, 12):
                raise ValueError(f"loss.profile: {expr} is not shown to be finite on [0, {end.str(5)}]")
        edge = edge_of(self.facts.h.args[0][1]) if isinstance(self.facts.h, sp.Piecewise) else None
        inside = end if edge is None else end.min(compiled(edge)({}))
        # positive inside its first, analytic piece, and convex with h(0) = 0: positive from there on
        if not self.h({r: inside / 2}) > 0:
            raise ValueError(f"loss.profile: found {self.facts.h}, expected h(r) > 0 for r > 0")
        self.origin = end

    def _time(self, size: arb) -> arb:
        """T(s) = ∫ dt/h'(t) from s to the origin, in the coordinate ln t, piece by piece; T decreases."""
        return self._integral(arb(size.lower())).union(self._integral(arb(size.upper())))

    def _integral(self, size: arb) -> arb:
        slope = self.facts.slope
        pieces = slope.args if isinstance(slope, sp.Piecewise) else ((slope, sp.true),)
        low, top = size.log(), self.origin.log()
        total = arb(0) if low <= top else arb.nan()
        for piece, condition in pieces:
            f = compiled(sp.exp(_log_r) / piece.subs(r, sp.exp(_log_r)))
            high = top if condition == sp.true else top.min(compiled(sp.log(edge_of(condition)))({}))
            if high > low:
                total += acb.integral(lambda z, on, f=f: acb(f({_log_r: z, "analytic": on})), acb(low), acb(high)).real
                low = high
        return total


def _finite(f: Callable[[Any], arb], low: arb, high: arb, depth: int) -> bool:
    """Whether an expression is finite on an interval, by subdivision."""
    if f({r: low.union(high)}).is_finite():
        return True
    middle = ((low + high) / 2).mid()
    return depth > 0 and _finite(f, low, middle, depth - 1) and _finite(f, middle, high, depth - 1)
