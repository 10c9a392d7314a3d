"""Rules of the operations: bounds of a node from those of its inputs (docs/theory-graphs.md §3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dipproofs.theory.architectures import graph_nodes as t
from dipproofs.verify.arithmetic.floats import SMALLEST, UNIT, frobenius, gamma, lengths, norm
from dipproofs.verify.graph.derivatives import Derivatives, Env, by_block, symbols_of
from dipproofs.verify.graph.point import Point
from dipproofs.verify.graph.scaled import gathered, largest_group, normalised
from dipproofs.verify.graph.torus import convolution_norm
from dipproofs.verify.graph.upper import PUSH, push, times, upper

if TYPE_CHECKING:
    from dipproofs.verify.graph.bounds import Ball


def _linear(ball: Ball, place: int, size: float, one: float, two: float) -> Derivatives:
    env = ball.env(place) | {t.norm_U: size, t.row_one: one, t.row_two: two}
    return by_block(*(upper(f, env) for f in (t.LINEAR_D, t.LINEAR_R, t.LINEAR_E)))


def _contract(ball: Ball, place: int) -> Derivatives:
    matrix = ball.point.graph.constants[ball.point.graph.nodes[place]["matrix"]]
    one = float(push(np.abs(matrix).sum(axis=1).max() * (1 + gamma(matrix.shape[1] + 4))))
    return _linear(ball, place, norm(matrix), one, float(lengths(matrix).max()))


def _sum(ball: Ball, place: int) -> Derivatives:
    node = ball.point.graph.nodes[place]
    count = math.prod(ball.point.graph.nodes[node.inputs[0]].shape[i] for i in node["axes"])
    return _linear(ball, place, math.sqrt(count) * PUSH, count, math.sqrt(count) * PUSH)


def _scale(ball: Ball, place: int) -> Derivatives:
    factor = ball.point.graph.nodes[place]["factor"]
    value = ball.point.graph.constants[factor] if isinstance(factor, str) else np.array(float(factor))
    return _linear(ball, place, *[float(np.abs(value).max())] * 3)


def _shift(ball: Ball, place: int) -> Derivatives:
    return ball.nodes[ball.point.graph.nodes[place].inputs[0]]


def _add(ball: Ball, place: int) -> Derivatives:
    inputs = [ball.nodes[i] for i in ball.point.graph.nodes[place].inputs]
    return Derivatives(push(sum(x.d for x in inputs)), push(sum(x.r for x in inputs)), push(sum(x.E for x in inputs)))


def _frozen(ball: Ball, place: int) -> Derivatives:
    node = ball.point.graph.nodes[place]
    steepest = max(abs(float(s)) for s in node["slopes"]) if node.op == "piecewise" else 1.0
    return _linear(ball, place, steepest, steepest, steepest)


@dataclass(frozen=True)
class Side:
    """One factor of a bilinear map as a map of the other: its norm, the longest and the largest sum of one output."""

    norm: float
    two: float
    one: float
    width: int


def _side(size: float, rows: np.ndarray, away: float, total: float) -> Side:
    """From the midpoints: ``rows`` of coefficients, each off by ``away``, and a map off by ``total``."""
    width = rows.shape[-1]
    two = float(lengths(rows).max()) + math.sqrt(width) * away
    one = float(np.abs(rows).sum(axis=-1).max()) * (1 + gamma(width + 4)) + width * away
    return Side((size + total) * PUSH, two * PUSH, one * PUSH, width)


def kappa_of(point: Point, place: int) -> float:
    """Norm of a bilinear map."""
    return point.windows(place).kappa if point.graph.nodes[place].op == "conv" else 1.0


def _image_side(point: Point, place: int) -> Side:
    """The factor x."""
    x, kappa = point.graph.nodes[place].inputs[0], kappa_of(point, place)
    off = float(point.rad(x).max(initial=0.0)), kappa * frobenius(point.rad(x))
    if point.graph.nodes[place].op == "matmul":
        return _side(_norms(point.mid(x)), point.mid(x).reshape(-1, point.mid(x).shape[-1]), *off)
    view, padded = point.windows(place), np.append(point.mid(x).ravel(), 0.0)
    read = [padded[view.entries(g)] for g in range(view.groups)]
    return _side(max(map(norm, read)), np.concatenate([p.T for p in read]), *off)


def _kernel_side(point: Point, place: int, factors: np.ndarray | None) -> Side:
    """The factor w, its rows times ``factors``, one for each output channel."""
    (x, w), kappa, node = point.graph.nodes[place].inputs, kappa_of(point, place), point.graph.nodes[place]
    off = float(point.rad(w).max(initial=0.0)), kappa * frobenius(point.rad(w))
    if node.op == "matmul":
        turned = point.mid(w).swapaxes(-1, -2)
        return _side(_norms(point.mid(w)), turned.reshape(-1, turned.shape[-1]), *off)
    view = point.windows(place)
    taken = np.concatenate([point.mid(w).ravel()[view.weights(g)] for g in range(view.groups)])
    if factors is not None:
        taken, top = taken * factors[:, None], float(factors.max())
        rounding = 2 * UNIT * float(np.abs(taken).max()) + SMALLEST
        off = (off[0] * top + rounding) * PUSH, (off[1] * top + kappa * rounding * math.sqrt(taken.size)) * PUSH
    space = node.shape[1:] if node["transposed"] else point.mid(x).shape[1:]
    kernels = taken.reshape(view.groups, view.outputs, view.inputs, *view.kernel)
    return _side(max(convolution_norm(kernel, space, node["dilation"]) for kernel in kernels), taken, *off)


def _norms(matrices: np.ndarray) -> float:
    return max(norm(matrix) for matrix in matrices.reshape(-1, *matrices.shape[-2:]))


def bilinear(ball: Ball, place: int, factors: np.ndarray | None = None) -> Derivatives:
    """Bounds of w∗x, or of diag(σ)(w∗x) for one factor σ for each output channel."""
    point, node = ball.point, ball.point.graph.nodes[place]
    top = 1.0 if factors is None else float(factors.max())
    kappa, plain = kappa_of(point, place), point.once(("image side", place), lambda: _image_side(point, place))
    norm_p, two, one = (float(times(top, value)) for value in (plain.norm, plain.two, plain.one))
    image = Side(norm_p, two, one, plain.width)
    key = ("kernel side", place, None if factors is None else factors.tobytes())
    kernel = point.once(key, lambda: _kernel_side(point, place, factors))
    env = ball.env(place) | {t.kappa: times(top, kappa)}
    targets = ((image, t.norm_p, t.two_p, t.one_p), (kernel, t.norm_w, t.two_w, t.one_w))
    for source, (side, whole, row, total) in zip(node.inputs, targets):
        moved = {t.rho: ball.rho, t.kappa: times(top, kappa), t.length_w: times(top, ball.nodes[source].length)}
        moved |= {t.radius_w: times(top, ball.moves(source)), t.row_size: float(side.width)}
        env[whole] = upper(t.BILINEAR_NORM, moved | {t.start: side.norm, t.length_w: ball.nodes[source].length})
        env[row] = upper(t.BILINEAR_TWO, moved | {t.start: side.two})
        env[total] = upper(t.BILINEAR_ONE, moved | {t.start: side.one})
    return by_block(*(upper(f, env) for f in (t.BILINEAR_D, t.BILINEAR_R, t.BILINEAR_E)))


def curvatures(ball: Ball, place: int) -> np.ndarray:
    """sup|φ''| on the box of each entry."""
    mid, rad = ball.point.derivative(place, 2, ball.moves(ball.point.graph.nodes[place].inputs[0]))
    return push(np.abs(mid) + rad)


def _entrywise(ball: Ball, place: int) -> Derivatives:
    source = ball.point.graph.nodes[place].inputs[0]
    mid, rad = ball.point.derivative(place, 1, 0.0)
    curvature = float(curvatures(ball, place).max())
    env = {t.slope: push(np.abs(mid) + rad).max(), t.P_2: curvature, t.radius_x: ball.moves(source)}
    env = ball.env(place) | {t.P_1: upper(t.ENTRYWISE_SLOPE, env), t.P_2: curvature}
    return by_block(*(upper(f, env) for f in (t.ENTRYWISE_D, t.ENTRYWISE_R, t.ENTRYWISE_E)))


def _value(ball: Ball, place: int) -> float:
    return (ball.point.most(place) + ball.moves(place)) * PUSH


def affine_forms(ball: Ball, place: int) -> list[tuple[Env, np.ndarray, int]]:
    """Factors that repeat another node over disjoint groups: symbols of (G w)∘x, what repeats what, the factor."""
    graph, found = ball.point.graph, []
    x, w = graph.nodes[place].inputs
    for moved, fixed in ((w, x), (x, w)):
        node = graph.nodes[moved]
        if node.op != "gather" or len(node.inputs) != 1 or not graph.trained[node.inputs[0]]:
            continue
        indices, size = graph.constants[node["indices"]].ravel(), np.abs(ball.point.mid(fixed)) + ball.point.rad(fixed)
        group = largest_group(indices, size.ravel())
        moving = {t.start: group, t.kappa: 1.0, t.rho: ball.rho, t.length_w: ball.nodes[fixed].length}
        source, other = ball.nodes[node.inputs[0]], ball.nodes[fixed]
        env: Env = {t.d_xj: other.d[:, None], t.d_xk: other.d, t.E_x: other.E, t.d_wj: source.d[:, None]}
        env |= {t.d_wk: source.d, t.E_w: source.E, t.group_x: upper(t.BILINEAR_NORM, moving)}
        found.append((env | {t.value_w: _value(ball, moved)}, indices, moved))
    return found


def _product(ball: Ball, place: int) -> Derivatives:
    """diag(w)D_x and diag(x)D_w with the suprema of the values, entry by entry."""
    x, w = ball.point.graph.nodes[place].inputs
    one: Env = {t.value_x: 1.0, t.value_w: 1.0}
    by_w, by_x = ball.scaled(x, ball.most(w)), ball.scaled(w, ball.most(x))
    sharp = one | symbols_of(by_w, by_x)
    env = ball.env(place)
    d = upper(t.PRODUCT_D, sharp)
    r = upper(t.PRODUCT_R, sharp)
    E = upper(t.PRODUCT_E, env | one | {t.E_x: by_w.E, t.E_w: by_x.E})
    for affine, _, repeats in affine_forms(ball, place):
        fixed, moved = (by_w, by_x) if repeats == w else (by_x, by_w)
        d = np.minimum(d, upper(t.AFFINE_D, affine))
        E = np.minimum(E, upper(t.AFFINE_E, affine))
        one = {t.value_w: 1.0, t.group_x: 1.0, t.E_x: fixed.E, t.E_w: moved.E}
        E = np.minimum(E, upper(t.AFFINE_E, affine | one))
    return by_block(d, r, E)


def _softmax(ball: Ball, place: int) -> Derivatives:
    return by_block(*(upper(f, ball.env(place)) for f in (t.SOFTMAX_D, t.SOFTMAX_R, t.SOFTMAX_E)))


FORWARD: dict[str, Callable[[Ball, int], Derivatives]] = {
    "gather": gathered, "contract": _contract, "sum": _sum, "scale": _scale, "shift": _shift, "add": _add,
    "conv": bilinear, "matmul": bilinear, "product": _product, "entrywise": _entrywise, "piecewise": _frozen,
    "maximum": _frozen, "normalise": normalised, "softmax": _softmax,
}  # fmt: skip
