"""Adam's metric at an iterate, enclosed: P_0, the state in it, bounds of M P_0^{1/2} (docs/theory-methods.md §3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from dipproofs.certify.methods.adam import AdamOptions, AdamSetting
from dipproofs.certify.methods.setting import Ball, Direction
from dipproofs.enclosures import Bound, IntervalMatrix, IntervalVector
from dipproofs.networks.linearisation import Linearisation

Pair = tuple[np.ndarray, np.ndarray]
#: More than the relative error of a few operations; arrays are moved outward by it after each group of them.
_UP, _DOWN = 1 + 2.0**-48, 1 - 2.0**-48
#: More than what underflow loses in a few operations.
_TINY = 2.0**-1060
#: Second moments below this are not told from 0.
_LEAST = 1e-290


@dataclass(frozen=True)
class AdamBall:
    """Bounds on balls in the metric, from those on Euclidean ones.

    Args:
        ball: Euclidean. root_scale: √(2c), upper end. largest: upper bound of P_0.
        sigma, norm: σ_min and ‖·‖ of √(2c)·M P_0^{1/2}, lower and upper end.
        columns: upper bounds of √(2c)‖M_{:,i}‖. moments: lower bounds of v_i.
    """

    ball: Ball
    root_scale: float
    largest: float
    sigma: float
    norm: float
    columns: np.ndarray
    moments: np.ndarray

    def floats(self, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """As `MetricBall.floats`."""
        radius = math.sqrt(self.largest) * np.asarray(rho)
        injectivity, _, ell = self.ball.floats(radius)
        lipschitz = np.broadcast_to(self.root_scale * self.largest * ell, radius.shape)
        # where the Euclidean ball is too large for its bounds, so is this one
        usable = np.isfinite(lipschitz) & np.isfinite(injectivity)
        with np.errstate(invalid="ignore"):  # 0 times an unknown bound stays unknown
            sigma = np.where(usable, self.sigma - lipschitz * rho, -np.inf)
            ratios = [self._ratio(self.root_scale * e * r) for e, r in zip(np.broadcast_to(ell, radius.shape), radius)]
            return sigma, self.norm + lipschitz * rho, lipschitz, np.array(ratios)

    def _ratio(self, moved: float) -> float:
        with np.errstate(all="ignore"):
            size = (self.columns + moved) / np.sqrt(self.moments) * _UP  # a square of columns alone may vanish
            return float(np.max(size * size, initial=0.0)) * _UP + _TINY

    def balls(self, rho: float) -> tuple[flint.arb, flint.arb, flint.arb, flint.arb]:
        """As `MetricBall.balls`."""
        radius = _upper((flint.arb(self.largest).sqrt() * flint.arb(rho)).upper())
        _, _, ell = self.ball.balls(radius)
        lipschitz = flint.arb(self.root_scale) * flint.arb(self.largest) * ell
        moved = _upper((flint.arb(self.root_scale) * ell * flint.arb(radius)).upper())
        ratio = flint.arb(self._ratio(moved)) if math.isfinite(moved) else flint.arb.nan()
        r = flint.arb(rho)
        return flint.arb(self.sigma) - lipschitz * r, flint.arb(self.norm) + lipschitz * r, lipschitz, ratio


def adam_setting(
    linearisation: Linearisation,
    residual: IntervalVector,
    norm: Bound,
    ball: Ball,
    options: AdamOptions,
    scale: Bound,
    moments: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
) -> AdamSetting | None:
    """Enclose what the theorem about Adam is told at an iterate; None where a second moment may be 0.

    Args:
        linearisation: M. residual: v − y. norm: ‖r‖.
        ball: Euclidean balls. options: of the run. scale: 2c.
        moments: (m, v) by parameter, before the gradient at the iterate, exact floats.
    """
    back = linearisation.backward(residual)
    gradient = {name: g.scale(scale) for name, g in back.items()}
    columns, still = linearisation.column_norms(), linearisation.idle()
    root = scale.sqrt().upper
    metric, largest, lows, sizes, top = {}, 0.0, [], [], 0.0
    for name, g in gradient.items():
        second = _second_moment(moments[1][name].astype(np.float64), g, options.beta_2)
        column = np.broadcast_to(columns[name], g.shape)
        idle = np.broadcast_to(still[name], g.shape)
        if not bool((idle | (second[0] > _LEAST)).all()) or not np.isfinite(second[1]).all():
            return None
        metric[name] = _preconditioner(second, options)
        # an entry whose column vanishes never moves the residual and never moves: its gradient and momentum count for 0
        metric[name] = tuple(np.where(idle, 0.0, part) for part in metric[name])  # type: ignore[assignment]
        largest = max(largest, float(metric[name][1].max(initial=0.0)))
        top = max(top, float(np.where(idle, 0.0, second[1]).max(initial=0.0)))
        lows.append(second[0][~idle].ravel())
        sizes.append((column[~idle] * root * _UP).ravel())
    sigma, size = linearisation.ends_in_metric(metric)
    scaled = scale.sqrt()
    sigma, size = sigma * scaled, size * scaled
    inside = AdamBall(
        ball, root, largest, max(sigma.lower, 0.0), size.upper, np.concatenate(sizes), np.concatenate(lows)
    )
    state = _direction(moments[0], metric, gradient, norm * scaled, sigma, options.learning_rate)
    if state is None:
        return None
    return AdamSetting(norm * scaled, inside, state, Bound(0.0, top), options)


def _second_moment(v: np.ndarray, g: IntervalMatrix, beta_2: float) -> Pair:
    """v⁺ = β₂v + (1−β₂)g², from below and above."""
    rest = Bound.exact(1) - beta_2
    size, radius = np.abs(g.mid), g.radius()
    near, far = np.maximum(size - radius, 0.0) * _DOWN, (size + radius) * _UP
    low = (v * beta_2 + near * near * rest.lower) * _DOWN
    return low, (v * beta_2 + far * far * rest.upper) * _UP + _TINY


def _preconditioner(second: Pair, o: AdamOptions) -> Pair:
    """P_0 = 1/((1−β₁^{t+1})(√(v⁺/(1−β₂^{t+1})) + ε)), from below and above."""
    with flint.ctx.workprec(128):
        t = o.completed + 1
        first = Bound.from_arb(1 - flint.arb(o.beta_1) ** t)
        other = Bound.from_arb(1 - flint.arb(o.beta_2) ** t)
    far = (np.sqrt(second[1] / other.lower * _UP) + o.epsilon) * (first.upper * _UP)
    near = (np.sqrt(second[0] / other.upper * _DOWN) + o.epsilon) * (first.lower * _DOWN)
    return _DOWN / (far * _UP), _UP / (near * _DOWN)


def _direction(
    first: Mapping[str, np.ndarray], metric: Mapping[str, Pair], gradient: Mapping[str, IntervalMatrix],
    norm: Bound, sigma: Bound, learning_rate: float,
) -> Direction | None:  # fmt: skip
    """‖D‖ = lr√⟨m,P_0m⟩, ⟨r,MD⟩ = −lr⟨∇f,P_0m⟩ and |⟨M⁺r,D⟩| ≤ ‖r‖‖D‖/σ, D = −lr·P_0m."""
    square, slope = Bound.exact(0), Bound.exact(0)
    for name, (low, high) in metric.items():
        m = first[name].astype(np.float64)
        terms = m * m  # what underflows here may be large again in the metric
        square = square + _total(np.maximum(terms - _TINY, 0.0) * low, (terms + _TINY) * high)
        g = gradient[name]
        middle = m * g.mid
        spread = np.abs(m) * g.radius() * _UP + _TINY
        down, up = (middle - spread - np.abs(middle) * 2.0**-50), (middle + spread + np.abs(middle) * 2.0**-50)
        slope = slope + _total(np.where(down < 0, down * high, down * low), np.where(up > 0, up * high, up * low))
    if not (square.is_finite and slope.is_finite):
        return None
    size = square.max(0).sqrt() * learning_rate
    away = norm * size / sigma if sigma.lower > 0 else Bound.unknown()
    return Direction(size, -(slope * learning_rate), Bound(-away.upper, away.upper, away.evidence))


def _total(low: np.ndarray, high: np.ndarray) -> Bound:
    """Enclose sums of two arrays whose entries have a few roundings."""
    rounding = (low.size + 16) * 2.0**-52
    below, above = float(low.sum()), float(high.sum())
    slack_low, slack_high = (float(np.abs(a).sum()) * rounding * 1.01 + low.size * _TINY for a in (low, high))
    return Bound(math.nextafter(below - slack_low, -math.inf), math.nextafter(above + slack_high, math.inf))


def _upper(x: Any) -> float:
    value = float(x)
    return math.nextafter(value, math.inf)
