"""Value and constants of a loss, recomputed from its symbolic description (docs/theory.md §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from dipproofs.theory.losses import SMALLEST_LEVEL
from dipproofs.theory.losses.assumptions import reason
from dipproofs.theory.losses.base import m, r, s, scale, v, v_hi, v_lo, y
from dipproofs.theory.losses.record import loss_of_record, scale_of_record
from dipproofs.theory.losses.shape import decide_concave_psi
from dipproofs.theory.symbols import e, loss_0, loss_curvature, loss_gradient
from dipproofs.verify.arithmetic.expressions import bisect, compiled, evaluate, exact, max_of
from dipproofs.verify.arithmetic.spectra import frobenius
from dipproofs.verify.networks.base import Interpreter
from dipproofs.verify.profiles import Profile


class LossOf:
    """The loss of a record on the stored observations.

    Args:
        record: kind, scale and parameters.
        observations: (m,) exact floats.

    Raises:
        ValueError: an unknown kind, scale or parameter, or one out of its range.
    """

    def __init__(self, record: Mapping[str, Any], observations: np.ndarray) -> None:
        self.y, self.profile = observations.tolist(), Profile(record) if record.get("kind") == "custom" else None
        self.theory, given = loss_of_record(record) if self.profile is None else (self.profile.theory, {})
        self.c = scale_of_record(record, len(self.y), self.theory.default_scale)
        parameters = {p.symbol: given[p.name] for p in self.theory.parameters}
        self.env = {symbol: exact(value) for symbol, value in (parameters | {scale: self.c, m: len(self.y)}).items()}
        if self.profile is not None:
            self.env |= self.profile.env()
        self.squared = self.theory.kind == "squared"  # the projection of y applies
        exactly = {symbol: sp.Rational(value) for symbol, value in parameters.items()}
        self.projects_data = self.squared
        self.minimal_at_y = bool(self.theory.argmin.subs(exactly) == y)  # as §7 needs

    @cached_property
    def concave_psi(self) -> bool:
        """Whether ψ is concave; a profile is convex, so that its ψ is."""
        return self.profile is not None or decide_concave_psi(self.theory)

    def value(self, instance: Interpreter) -> arb:
        """Enclose L_y(Ag) ≥ 0, with y replaced by Πy when A has more rows than columns."""
        entry = compiled(self.theory.entry)
        if self.theory.structure == "entrywise":
            pairs = zip(instance.prediction.entries(), self.y)
            heights = [entry({**self.env, v: value, y: arb(at)}) for value, at in pairs]
        else:
            residual = instance.operator.data(instance.prediction - instance.y)
            radial = self.squared or self.theory.structure == "radial"
            sizes = [frobenius(residual)] if radial else [abs(d) for d in residual.entries()]
            heights = [self._height(entry, size) for size in sizes if not size.is_zero()]
        return (exact(self.c) * sum(heights, arb(0))).nonnegative_part()

    def _height(self, entry: Callable[[Mapping[Any, Any]], arb], size: arb) -> arb:
        """h at the ends of |r|, from 0 on, where it is known to increase; a profile may fall beyond its radius."""
        if self.profile is not None:
            return entry({**self.env, r: size})
        top = entry({**self.env, r: arb(size.upper())})
        return top.union(entry({**self.env, r: arb(size.lower())}) if size > 0 else arb(0))

    def at_value(self, function: sp.Expr, env: Mapping[Any, Any]) -> arb:
        """ψ or Ψ at the ends of a value of the loss, from 0 on: both are monotone in it."""
        value = env[e]
        low, high = (evaluate(function, {**env, e: arb(end).max(arb(0))}) for end in (value.lower(), value.upper()))
        return low.union(high)

    def in_domain(self, instance: Interpreter) -> bool:
        """Whether observations and prediction are proved to lie in the loss's open domains, and in its radius."""
        if self.profile is not None and not self.one_minimum(instance):
            return False
        for values, (low, high) in ((instance.prediction.entries(), self.theory.domain),
                                    ([arb(at) for at in self.y], self.theory.data_domain)):  # fmt: skip
            inside = low == -sp.oo or all(x > evaluate(low, self.env) for x in values)
            if not inside or not (high == sp.oo or all(x < evaluate(high, self.env) for x in values)):
                return False
        return True

    def margin(self, instance: Interpreter) -> arb:
        """How far the largest residual stays below the radius up to which a profile is known; NaN without one."""
        if self.profile is None:
            return arb.nan()
        return self.profile.radius - max_of([abs(d) for d in (instance.prediction - instance.y).entries()])

    def one_minimum(self, instance: Interpreter) -> bool:
        """(A1) and a single minimiser: by the theory's reason, or as no residual leaves the profile's stated radius."""
        return bool(reason(self.theory.kind)) if self.profile is None else bool(self.margin(instance) > 0)

    def constants(self, level: arb) -> None:
        """Enclose the data constants, G and Λ on {L ≤ level}, into ``env``."""
        unit = {**self.env, loss_0: (level / exact(self.c)).max(exact(SMALLEST_LEVEL))}
        if self.profile is not None:
            self.profile.check(unit[loss_0])
        points = [arb(at) for at in sorted(set(self.y))]
        needed = any(c.expr.has(v_lo, v_hi) for c in self.theory.constants)
        ends = [self._bracket({**unit, y: at}) if needed else (at, at) for at in points]
        for constant in self.theory.constants:
            f, sign = compiled(constant.expr), -1 if constant.reduce == "min" else 1
            found = [f({**unit, y: at, v_lo: low, v_hi: high}) for at, (low, high) in zip(points, ends)]
            self.env[constant.symbol] = sign * max_of([sign * value for value in found])
        unit.update(self.env)
        self.env[loss_gradient] = exact(self.c) * evaluate(self.theory.gradient_bound, unit)
        self.env[loss_curvature] = exact(self.c) * evaluate(self.theory.curvature, unit)

    def _bracket(self, unit: Mapping[Any, arb]) -> list[arb]:
        """Both ends of {h(·, y) ≤ f}: along a branch h grows strictly, so a decided point on each side suffices."""
        entry, found = compiled(self.theory.entry), []
        for branch in (self.theory.branch_lower, self.theory.branch_upper):
            end = compiled(branch)

            def at(exponent: float, end: Any = end) -> arb:
                return end({**unit, s: arb(2) ** arb(exponent)})

            def below(exponent: float, at: Any = at) -> bool | None:
                height = entry({**unit, v: at(exponent)}) - unit[loss_0]
                return True if height <= 0 else False if height >= 0 or not height.is_finite() else None

            low, high = bisect(below, -256.0, 64.0)
            found.append(at(low).union(at(high)) if low > -256 and high < 64 else arb.nan())
        return found
