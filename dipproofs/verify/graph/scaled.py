"""Bounds of diag(σ)z, where a factor goes through a node better than by its largest entry (docs/theory-graphs.md §3).

A normalisation divides every channel by a deviation of its own, an affine layer multiplies it: the factors scale the
rows of the kernel before them, and the norm of the scaled kernel is far below the largest factor times its norm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dipproofs.theory.architectures import graph_nodes as t
from dipproofs.verify.arithmetic.floats import SMALLEST, gamma
from dipproofs.verify.graph.derivatives import Derivatives, Env, by_block, symbols_of
from dipproofs.verify.graph.upper import PUSH, joined, push, times, upper
from dipproofs.verify.graph.values import groups_of

if TYPE_CHECKING:
    from dipproofs.verify.graph.bounds import Ball


def multiple(factor: float, found: Derivatives) -> Derivatives:
    """Bounds of a number times a node."""
    return Derivatives(times(factor, found.d), times(factor, found.r), times(factor, found.E))


def gathered(ball: Ball, place: int, sigma: np.ndarray | None = None) -> Derivatives:
    """Bounds of an index map, its entries times σ: by input the largest root of Σσ² over the copies of an entry."""
    graph, node = ball.point.graph, ball.point.graph.nodes[place]
    indices = graph.constants[node["indices"]].ravel()
    count, first = len(ball.point.blocks), 0
    d, r, E = np.zeros(count), np.zeros(count), np.zeros((count, count))
    for source in node.inputs:
        size, x = math.prod(graph.nodes[source].shape), ball.nodes[source]
        here = (indices >= first) & (indices < first + size)
        read = indices[here] - first
        first += size
        if not len(read):
            continue
        weights, top = np.ones(len(read)), 1.0
        if sigma is not None:
            weights, top = sigma[here], float(sigma[here].max())
        root = largest_group(read, weights)
        d, E = joined(d, times(root, x.d)), joined(E, times(root, x.E))
        r = np.maximum(r, times(top, x.r))
    return Derivatives(d, r, E)


def largest_group(places: np.ndarray, sizes: np.ndarray) -> float:
    """The largest root of a sum of squares over the entries of one place; places below 0 do not count."""
    kept, scale = places >= 0, float(sizes.max(initial=0.0))
    if scale == 0.0 or not math.isfinite(scale):
        return scale
    sums = np.bincount(places[kept], weights=(sizes[kept] / scale) ** 2, minlength=1)
    square = float(sums.max(initial=0.0)) * (1 + gamma(len(places) + 16)) + SMALLEST
    return scale * math.sqrt(square) * PUSH + SMALLEST


def _conv(ball: Ball, place: int, sigma: np.ndarray) -> Derivatives | None:
    """One factor for each output channel belongs to the kernel."""
    from dipproofs.verify.graph.node_bounds import bilinear

    channels = sigma.reshape(ball.point.graph.nodes[place].shape[0], -1)
    return bilinear(ball, place, channels[:, 0]) if (channels == channels[:, :1]).all() else None


def _add(ball: Ball, place: int, sigma: np.ndarray) -> Derivatives:
    parts = [ball.scaled(i, sigma) for i in ball.point.graph.nodes[place].inputs]
    return Derivatives(push(sum(x.d for x in parts)), push(sum(x.r for x in parts)), push(sum(x.E for x in parts)))


def _shift(ball: Ball, place: int, sigma: np.ndarray) -> Derivatives:
    return ball.scaled(ball.point.graph.nodes[place].inputs[0], sigma)


def least_on_ball(ball: Ball, place: int, which: int) -> np.ndarray:
    """Lower bounds on the ball, by group of a normalisation, of s (0) or of ‖x − mean‖ (1)."""
    node = ball.point.graph.nodes[place]
    count = groups_of(node).shape[1]
    moved = ball.nodes[node.inputs[0]].length * ball.rho * PUSH / (math.sqrt(count) if which == 0 else 1.0)
    lower = np.array([float(b.lower()) for b in ball.point.values.spread[place][which]])
    least = np.nan_to_num(lower - moved * PUSH, nan=-math.inf) - np.abs(lower) * 2.0**-50
    return np.asarray(np.maximum(least, math.sqrt(float(node["epsilon"])) * (1 - 2.0**-50) if which == 0 else 0.0))


def over_deviation(ball: Ball, place: int, factors: np.ndarray | None = None) -> Derivatives:
    """Bounds of diag(σ/s)x for the input x of a normalisation, s the least on the ball, σ one factor for each group."""
    node = ball.point.graph.nodes[place]
    with np.errstate(divide="ignore"):
        weights = push(1.0 / least_on_ball(ball, place, 0))
    weights = weights if factors is None else times(weights, factors)
    sigma = np.zeros(math.prod(node.shape))
    sigma[groups_of(node)] = weights[:, None]
    return ball.scaled(node.inputs[0], sigma)


def normalised(ball: Ball, place: int, factors: np.ndarray | None = None) -> Derivatives:
    """Bounds of σn: D(σn) is a contraction of D(σx/s), D²(σn)[u, w] at most 2/√(3P) times |σu/s||w/s| in each group."""
    count = groups_of(ball.point.graph.nodes[place]).shape[1]
    own = over_deviation(ball, place)
    over = own if factors is None else over_deviation(ball, place, factors)
    env: Env = {t.rho: ball.rho, t.deviation: 1.0, t.count: float(count), t.start: ball.point.most(place)}
    env[t.greatest] = upper(t.NORMALISE_VALUE, env | {t.length_x: own.length})
    env[t.curvature] = upper(t.NORMALISE_CURVATURE, env)
    env |= symbols_of(over, over) | {t.d_xk: own.d}
    E = upper(t.NORMALISE_E, env)
    return by_block(upper(t.NORMALISE_D, env), upper(t.NORMALISE_R, env), np.minimum(E, E.T))


def _normalise(ball: Ball, place: int, sigma: np.ndarray) -> Derivatives | None:
    groups = sigma[groups_of(ball.point.graph.nodes[place])]
    return normalised(ball, place, groups[:, 0]) if (groups == groups[:, :1]).all() else None


SCALED: Mapping[str, Callable[[Ball, int, np.ndarray], Derivatives | None]] = {
    "gather": gathered, "conv": _conv, "add": _add, "shift": _shift, "normalise": _normalise,
}  # fmt: skip
