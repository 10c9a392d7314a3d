"""What a node adds to the second derivative of the observation (docs/theory-graphs.md §1, §3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dipproofs.theory.architectures import graph_nodes as t
from dipproofs.verify.arithmetic.floats import lengths, weighted
from dipproofs.verify.graph.derivatives import Env
from dipproofs.verify.graph.node_bounds import affine_forms, curvatures, kappa_of
from dipproofs.verify.graph.normalised import of_normalise
from dipproofs.verify.graph.scaled import largest_group
from dipproofs.verify.graph.upper import times, upper

if TYPE_CHECKING:
    from dipproofs.verify.graph.bounds import Ball

Term = tuple[np.ndarray, list[float]]


def curvature(ball: Ball, place: int, B: np.ndarray) -> tuple[np.ndarray | None, list[float]]:
    """N by blocks (None for linear nodes) and, for each input, how far B̃∂op moves on the ball."""
    node = ball.point.graph.nodes[place]
    rule = CURVED.get(node.op)
    return (None, [0.0] * len(node.inputs)) if rule is None else rule(ball, place, B, ball.env(place))


def _of_bilinear(ball: Ball, place: int, B: np.ndarray, env: Env) -> Term:
    env |= {t.b: ball.measure(B), t.kappa: kappa_of(ball.point, place)}
    x, w = ball.point.graph.nodes[place].inputs
    changes = [float(upper(t.BILINEAR_J, env | {t.length_w: ball.nodes[other].length})) for other in (w, x)]
    return upper(t.BILINEAR_N, env), changes


def _of_entrywise(ball: Ball, place: int, B: np.ndarray, env: Env) -> Term:
    second, source = curvatures(ball, place), ball.point.graph.nodes[place].inputs[0]
    env |= {
        t.b_second: weighted(B, second, ball.measure),
        t.column_second: times(lengths(B.T), second).max(),
        t.radius_x: ball.moves(source),
    }
    return upper(t.ENTRYWISE_N, env), [float(upper(t.ENTRYWISE_J, env))]


def _of_product(ball: Ball, place: int, B: np.ndarray, env: Env) -> Term:
    columns, (x, w), whole = lengths(B.T), ball.point.graph.nodes[place].inputs, ball.measure(B)
    env |= {t.b: whole, t.column: columns.max()}
    N = upper(t.PRODUCT_N, env)
    for affine, indices, _ in affine_forms(ball, place):
        N = np.minimum(N, upper(t.AFFINE_N, affine | {t.b_group: min(whole, largest_group(indices, columns))}))
    return N, [float(upper(t.PRODUCT_J, env | {t.radius_w: ball.moves(other)})) for other in (w, x)]


def _of_softmax(ball: Ball, place: int, B: np.ndarray, env: Env) -> Term:
    env |= {t.b: ball.measure(B)}
    return upper(t.SOFTMAX_N, env), [float(upper(t.SOFTMAX_J, env))]


CURVED: Mapping[str, Callable[[Ball, int, np.ndarray, Env], Term]] = {
    "conv": _of_bilinear, "matmul": _of_bilinear, "product": _of_product, "entrywise": _of_entrywise,
    "normalise": of_normalise, "softmax": _of_softmax,
}  # fmt: skip
