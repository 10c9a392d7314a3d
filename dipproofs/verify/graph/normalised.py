"""The curvature of a normalisation n = (x − mean)/s as a function of x/s, s the least on the ball.

‖D²n_c‖ ≤ 2/√(3P) in each group; through x̂ = (x − mean)/‖x − mean‖ its terms have a factor ⟨x̂, ·⟩, which is small.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dipproofs.theory.architectures import graph_nodes as t
from dipproofs.verify.arithmetic.floats import SMALLEST, frobenius, gamma, lengths, weighted
from dipproofs.verify.graph.derivatives import Derivatives, Env, symbols_of
from dipproofs.verify.graph.point import Point
from dipproofs.verify.graph.scaled import least_on_ball, over_deviation
from dipproofs.verify.graph.upper import PUSH, push, times, upper
from dipproofs.verify.graph.values import groups_of

if TYPE_CHECKING:
    from dipproofs.verify.graph.bounds import Ball

#: Multiplications that norms of their own for every block may cost; beyond, one norm serves for all.
_WORK = 1e10


def of_normalise(ball: Ball, place: int, B: np.ndarray, env: Env) -> tuple[np.ndarray, list[float]]:
    """N by blocks, and how far B̃∂n/∂x moves on the ball."""
    groups = groups_of(ball.point.graph.nodes[place])
    s, count, whole = least_on_ball(ball, place, 0), float(groups.shape[1]), ball.measure(B)
    change = {t.deviation: s, t.count: count, t.b: whole, t.rho: ball.rho, t.length_x: env[t.length_x]}
    change[t.curvature] = upper(t.NORMALISE_CURVATURE, change).max()
    over, parts = over_deviation(ball, place), np.array([min(whole, ball.measure(B[:, group])) for group in groups])
    unit = {t.deviation: 1.0, t.count: count, **symbols_of(over, over)}
    N = upper(t.NORMALISE_N, unit | {t.b_curvature: times(upper(t.NORMALISE_CURVATURE, unit), parts.max())})
    if (structured := _structured(ball, place, B, over, parts, unit)) is not None:
        N = np.minimum(N, structured)
    return N, [float(upper(t.NORMALISE_J, change))]


def _structured(
    ball: Ball, place: int, B: np.ndarray, over: Derivatives, parts: np.ndarray, unit: Env
) -> np.ndarray | None:
    """N through x̂; None where a group may have no variance on the ball."""
    point, node = ball.point, ball.point.graph.nodes[place]
    source, groups, least = node.inputs[0], groups_of(node), least_on_ball(ball, place, 1)
    directions, slack = point.once(("directions", place), lambda: _directions(point, place))
    if not ((least > 0).all() and np.isfinite(slack).all()):
        return None
    given = np.zeros((len(groups), math.prod(node.shape)))
    np.put_along_axis(given, groups, directions, axis=1)
    x, weight = ball.nodes[source], upper(t.NORMALISE_WEIGHT, unit)
    rows = push(ball.rows_of(source, ("directions", place), lambda: given)[0] + slack[:, None] * x.d)
    moving = {t.rho: ball.rho, t.length_x: x.length, t.least_centred: least[:, None], t.functional: rows}
    f = np.minimum(upper(t.NORMALISE_FUNCTIONAL, moving | {t.row_E: lengths(x.E), t.d_xj: x.d}), x.d)
    with np.errstate(divide="ignore", invalid="ignore"):
        f = np.minimum(push(f / least_on_ball(ball, place, 0)[:, None]), over.d)
    along = np.array([frobenius(B[:, group] @ direction) for group, direction in zip(groups, directions)])
    rounding = gamma(groups.shape[1] + 8) * math.sqrt(min(len(B), groups.shape[1]))
    lost = SMALLEST * groups.shape[1] * math.sqrt(len(B))
    moving |= {t.least_centred: least, t.direction: push(along + (rounding + slack) * parts + lost), t.b: parts}
    b_direction = times(weight, upper(t.NORMALISE_DIRECTION, moving)).max()
    second = _weighted_second(B, groups, times(weight, f), parts, ball.coarse)
    return upper(
        t.NORMALISE_STRUCTURED, unit | {t.b_left: second[:, None], t.b_right: second, t.b_direction: b_direction}
    )


def _weighted_second(B: np.ndarray, groups: np.ndarray, f: np.ndarray, parts: np.ndarray, coarse: bool) -> np.ndarray:
    """‖B̃ diag(f_j)‖ for every block j, f (groups, J): from the norms of the groups, from one norm, or one by one."""
    if not np.isfinite(f).all():
        return np.full(f.shape[1], math.inf)
    from_groups = lengths(times(f, parts[:, None]).T)
    if coarse:
        return from_groups
    spread, whole = np.zeros(B.shape[1]), lengths(f)
    spread[groups] = whole[:, None]
    share = (f / np.where(whole > 0, whole, 1.0)[:, None]).max(axis=0) * PUSH
    second: np.ndarray = np.minimum(times(share, weighted(B, spread)), from_groups)
    if B.size * min(B.shape) * f.shape[1] <= _WORK:
        for j in np.flatnonzero(second):
            spread[groups] = f[:, j][:, None]
            second[j] = min(second[j], weighted(B, spread))
    return second


def _directions(point: Point, place: int) -> tuple[np.ndarray, np.ndarray]:
    """x̂ in floats, (groups, P), and how far each is from the exact one."""
    source, node = point.graph.nodes[place].inputs[0], point.graph.nodes[place]
    rows, away = [], []
    for group, ball in zip(groups_of(node), point.values.spread[place][1]):
        x = point.mid(source).ravel()[group]
        centred = x - x.mean() if node["centre"] else x
        length, least = frobenius(centred), float(ball.lower())
        rows.append(centred / length if length > 0 else centred)
        error = 2 * frobenius(point.rad(source).ravel()[group]) + 2 * gamma(len(group) + 8) * frobenius(x)
        away.append(2 * error / least * PUSH + 2.0**-48 * len(group) if least > 0 else math.inf)
    return np.array(rows), np.array(away)
