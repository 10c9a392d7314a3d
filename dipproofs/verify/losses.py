"""Value and constants of a loss, recomputed from its symbolic description (docs/theory.md §5)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from ..theory.losses import LOSSES, SMALLEST_LEVEL, resolve_scale
from ..theory.losses.base import m as m_symbol
from ..theory.losses.base import r, s, scale, v, v_hi, v_lo, y
from ..theory.symbols import loss_0, loss_curvature, loss_gradient
from .instance import Instance, norm
from .walker import compiled, evaluate, exact

_LOWEST, _HIGHEST, _HALVINGS = -256.0, 64.0, 72


class LossOf:
    """The loss of a record on m observations.

    Args:
        record: kind, scale and parameters.
        observations: (m,) exact floats.

    Raises:
        ValueError: an unknown kind, scale or parameter, or one out of its range.
    """

    def __init__(self, record: Mapping[str, Any], observations: np.ndarray) -> None:
        kind = record.get("kind")
        if kind not in LOSSES:
            raise ValueError(f"loss.kind: found {kind!r}, expected one of {', '.join(LOSSES)}")
        self.theory, self.y = LOSSES[kind], [float(value) for value in observations.ravel()]
        factor = record.get("scale", self.theory.default_scale)
        try:
            self.c = resolve_scale(factor, len(self.y))
        except (KeyError, ValueError, TypeError, OverflowError):
            raise ValueError(f"loss.scale: found {factor!r}, expected a number or a named scale") from None
        if not self.c > 0:
            raise ValueError(f"loss.scale: found {factor!r}, expected a number > 0")
        self.env: dict[Any, arb] = {m_symbol: arb(len(self.y)), scale: exact(self.c)}
        self.parameters: dict[str, float] = {}
        for p in self.theory.parameters:
            value = record.get(p.name, p.default)
            number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
            if not number or not (value >= p.minimum if p.closed else value > p.minimum):
                raise ValueError(f"loss.{p.name}: found {value!r}, expected a number above {p.minimum:g}")
            self.env[p.symbol], self.parameters[p.name] = exact(value), value

    @property
    def minimal_at_y(self) -> bool:
        """Whether L_y is minimal exactly at y, as §7 needs."""
        values = {p.symbol: sp.Rational(Fraction(self.parameters[p.name])) for p in self.theory.parameters}
        return bool(self.theory.argmin.subs(values) == y)

    @property
    def squared(self) -> bool:
        """Whether form `residual` and the projection of y apply."""
        return self.theory.kind == "squared"

    def value(self, instance: Instance) -> arb:
        """Enclose L_y(Ag), with y replaced by Πy when A has more rows than columns."""
        entry, env, c = compiled(self.theory.entry), self.env, exact(self.c)
        if self.theory.structure == "entrywise":
            pairs = zip(instance.prediction, self.y)
            return c * sum((entry({**env, v: value, y: arb(at)}) for value, at in pairs), arb(0))
        residual = instance.residual()
        if self.squared or self.theory.structure == "radial":
            size = norm(residual)
            size = size / instance.range.sqrt() if instance.left is not None else size
            return c * entry({**env, r: size})
        sizes = [abs(d) for d in residual if not d.is_zero()]
        return c * sum((entry({**env, r: size}) for size in sizes), arb(0))

    def in_domain(self, instance: Instance) -> bool:
        """Whether observations and prediction are proved to lie in the loss's open domains."""

        def inside(values: list[arb], interval: tuple[sp.Expr, sp.Expr]) -> bool:
            low, high = (None if end in (sp.oo, -sp.oo) else evaluate(end, self.env) for end in interval)
            return all((low is None or x > low) and (high is None or x < high) for x in values)

        prediction = inside(instance.prediction, self.theory.domain)
        return prediction and inside([arb(value) for value in self.y], self.theory.data_domain)

    def constants(self, level: arb) -> None:
        """Enclose the data constants, G and Λ on {L ≤ level}, into ``env``."""
        unit = {**self.env, loss_0: (level / exact(self.c)).max(exact(SMALLEST_LEVEL))}
        points = [arb(value) for value in np.unique(self.y).tolist()]
        needed = any(c.expr.has(v_lo, v_hi) for c in self.theory.constants)
        ends = [self._bracket(at, unit) if needed else (at, at) for at in points]
        for constant in self.theory.constants:
            expr = compiled(constant.expr)
            found = [expr({**unit, y: at, v_lo: low, v_hi: high}) for at, (low, high) in zip(points, ends)]
            self.env[constant.symbol] = reduce(arb.min if constant.reduce == "min" else arb.max, found)
        unit.update(self.env)
        self.env[loss_gradient] = exact(self.c) * evaluate(self.theory.gradient_bound, unit)
        self.env[loss_curvature] = exact(self.c) * evaluate(self.theory.curvature, unit)

    def _bracket(self, at: arb, unit: Mapping[Any, arb]) -> tuple[arb, arb]:
        """Both ends of {h(·, y) ≤ f}: along a branch h grows strictly, so a decided point on each side suffices."""
        entry, found = compiled(self.theory.entry), []
        for branch in (self.theory.branch_lower, self.theory.branch_upper):
            point = compiled(branch)
            low, high = _LOWEST, _HIGHEST  # exponents of two
            inside = outside = arb.nan()
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                end = point({**unit, y: at, s: arb(2) ** arb(middle)})
                value = entry({**unit, y: at, v: end})
                if value <= unit[loss_0]:
                    low, inside = middle, end
                elif value >= unit[loss_0]:
                    high, outside = middle, end
                elif value.is_finite():
                    break
                else:
                    high = middle
            found.append(inside.union(outside))
        return found[0], found[1]
