"""First and second derivatives of all nodes on a ball, and what they add to the curvature (docs/theory-graphs.md §3).

d_j bounds ‖D_j‖, r_j the largest row of D_j, E the second derivative by blocks; the formulas are those of `theory`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.theory.architectures import graph_nodes as t
from dipproofs.verify.arithmetic.floats import SMALLEST, UNIT, frobenius, gamma, lengths, norm
from dipproofs.verify.graph.adjoint import reverse
from dipproofs.verify.graph.point import Point
from dipproofs.verify.graph.torus import convolution_norm
from dipproofs.verify.graph.upper import PUSH, joined, push, times, upper
from dipproofs.verify.graph.values import groups_of

Env = dict[Any, Any]


@dataclass(frozen=True)
class Derivatives:
    """Bounds of one node, J blocks: d (J,), r (J,), E (J, J)."""

    d: np.ndarray
    r: np.ndarray
    E: np.ndarray

    @property
    def length(self) -> float:
        """|d|."""
        return frobenius(self.d)

    @property
    def row(self) -> float:
        """|r|."""
        return frobenius(self.r)


class Ball:
    """Bounds of the nodes on a ball around θ_0.

    Args:
        point: the graph. rho: radius. entries: nodes with at most so many entries restart from their exact Jacobian.
        budget: bytes for the adjoints of one reverse pass.
    """

    def __init__(self, point: Point, rho: float, entries: int, budget: float = 2.0**29) -> None:
        self.point, self.rho, self.entries, self.budget = point, rho, entries, budget
        self.nodes: dict[int, Derivatives] = {}
        graph, count = point.graph, len(point.blocks)
        zero = Derivatives(np.zeros(count), np.zeros(count), np.zeros((count, count)))
        for place, node in enumerate(graph.nodes[: graph.output + 1]):
            if not graph.trained[place]:
                self.nodes[place] = zero
            elif place in point.blocks:
                own = (np.arange(count) == point.blocks[place]).astype(float)
                self.nodes[place] = Derivatives(own, own, np.zeros((count, count)))
            else:
                found = _FORWARD[node.op](self, place)
                if place in point.read and math.prod(node.shape) <= entries:
                    found = self._restarted(place, found)
                self.nodes[place] = Derivatives(found.d, np.minimum(found.r, found.d), found.E)

    def moves(self, place: int) -> float:
        """How far an entry of a node moves on the ball."""
        node = self.nodes[place]
        return float(upper(t.RADIUS, {t.rho: self.rho, t.row_length_x: node.row, t.length_x: node.length}))

    def env(self, place: int) -> Env:
        """Symbols of the inputs x and w of a node, for blocks j (down) and k (across)."""
        inputs = self.point.graph.nodes[place].inputs
        x, w = self.nodes[inputs[0]], self.nodes[inputs[-1]]
        return {
            t.rho: self.rho, t.d_xj: x.d[:, None], t.d_xk: x.d, t.r_xj: x.r[:, None], t.r_xk: x.r, t.E_x: x.E,
            t.length_x: x.length, t.d_wj: w.d[:, None], t.d_wk: w.d, t.r_wj: w.r[:, None], t.r_wk: w.r, t.E_w: w.E,
            t.length_w: w.length, t.row_length_x: x.row,
        }  # fmt: skip

    def rows_of(self, start: int, key: object, make: Callable[[], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Norms by block of functionals of a node: of each row, (R, J), and of all together, (J,), errors included."""
        rows, norms, defects = self.point.once(("rows", start, key), lambda: self._reduced(start, make()))
        error = np.zeros(len(norms))
        for place, defect in defects.items():
            error = push(error + upper(t.DEFECT_D, {t.defect: defect, t.d_xj: self.nodes[place].d}))
        return push(rows + error), push(norms + error)

    def _reduced(self, start: int, given: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[int, float]]:
        chunk = max(1, int(self.budget / (8 * self.point.peak(start))))
        rows, norms = np.zeros((len(given), len(self.point.blocks))), np.zeros(len(self.point.blocks))
        defects: dict[int, float] = {}
        for first in range(0, len(given), chunk):
            for place, B, defect in reverse(self.point, start, given[first : first + chunk]):
                defects[place] = (defects.get(place, 0.0) + defect) * (1 + 4 * UNIT)
                if place in self.point.blocks:
                    block = self.point.blocks[place]
                    rows[first : first + chunk, block] = lengths(B)
                    norms[block] = joined(norms[block], norm(B))
        return rows, norms, defects

    def _restarted(self, place: int, found: Derivatives) -> Derivatives:
        """At small nodes the exact Jacobian, and what it changes by on the ball."""
        size = math.prod(self.point.graph.nodes[place].shape)
        if found.d.max(initial=0.0) == 0.0:
            return found
        self.nodes[place] = found
        rows, norms = self.rows_of(place, "all", lambda: np.eye(size))
        env = {t.error: 0.0, t.rho: self.rho, t.row_E: lengths(found.E)}
        d = upper(t.RESTART, env | {t.exact: norms})
        r = upper(t.RESTART, env | {t.exact: rows.max(axis=0)})
        live = found.d > 0
        return Derivatives(
            np.where(live, np.minimum(found.d, d), 0.0), np.where(live, np.minimum(found.r, r), 0.0), found.E
        )


# --- first and second derivatives of a node ----------------------------------------------------------------------
def _columns(ball: Ball, d: np.ndarray, r: np.ndarray, E: np.ndarray) -> Derivatives:
    count = len(E)
    whole, row = (np.broadcast_to(x, (count, 1))[:, 0] for x in (d, r))
    return Derivatives(whole, row, E)


def _linear(ball: Ball, place: int, size: float, one: float, two: float) -> Derivatives:
    env = ball.env(place) | {t.norm_U: size, t.row_one: one, t.row_two: two}
    return _columns(ball, *(upper(f, env) for f in (t.LINEAR_D, t.LINEAR_R, t.LINEAR_E)))


def _gather(ball: Ball, place: int) -> Derivatives:
    graph, node = ball.point.graph, ball.point.graph.nodes[place]
    indices = graph.constants[node["indices"]].ravel()
    count, first, rows = len(ball.point.blocks), 0, list[np.ndarray]()
    d, E = np.zeros(count), np.zeros((count, count))
    for source in node.inputs:
        size, x = math.prod(graph.nodes[source].shape), ball.nodes[source]
        read = indices[(indices >= first) & (indices < first + size)] - first
        copies = int(np.bincount(read, minlength=1).max(initial=0))
        root = math.sqrt(copies) * PUSH
        d, E = joined(d, times(root, x.d)), joined(E, times(root, x.E))
        rows += [x.r] if copies else []
        first += size
    r = np.max(rows, axis=0) if rows else np.zeros(count)
    return Derivatives(d, r, E)


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


def _side(point: Point, source: int, kappa: float, size: float, rows: np.ndarray) -> tuple[float, float, float, int]:
    """One factor as a map of the other: its norm, the longest and the largest sum of one output's coefficients."""
    width, away = rows.shape[-1], float(point.rad(source).max(initial=0.0))
    two = float(lengths(rows).max()) + math.sqrt(width) * away
    one = float(np.abs(rows).sum(axis=-1).max()) * (1 + gamma(width + 4)) + width * away
    return size + kappa * frobenius(point.rad(source)), two * PUSH, one * PUSH, width


def _sides(ball: Ball, place: int) -> tuple[list[tuple[float, float, float, int]], float]:
    """The factors x and w of a bilinear node, and its norm κ."""
    point, node = ball.point, ball.point.graph.nodes[place]

    def make() -> tuple[list[tuple[float, float, float, int]], float]:
        x, w = node.inputs
        if node.op == "matmul":
            a, b = point.mid(x), point.mid(w)
            sizes = [max(norm(m) for m in f.reshape(-1, *f.shape[-2:])) for f in (a, b)]
            rows = [f.reshape(-1, f.shape[-1]) for f in (a, b.swapaxes(-1, -2))]
            return [_side(point, i, 1.0, s, r) for i, s, r in zip((x, w), sizes, rows)], 1.0
        view, padded, flat = point.windows(place), np.append(point.mid(x).ravel(), 0.0), point.mid(w).ravel()
        read = [padded[view.entries(g)] for g in range(view.groups)]
        taken = [flat[view.weights(g)] for g in range(view.groups)]
        space = node.shape[1:] if node["transposed"] else point.mid(x).shape[1:]
        kernels = [m.reshape(view.outputs, view.inputs, *view.kernel) for m in taken]
        size = max(convolution_norm(kernel, space, node["dilation"]) for kernel in kernels)
        side_x = _side(point, x, view.kappa, max(norm(p) for p in read), np.concatenate([p.T for p in read]))
        return [side_x, _side(point, w, view.kappa, size, np.concatenate(taken))], view.kappa

    return point.once(("sides", place), make)


def _bilinear(ball: Ball, place: int) -> Derivatives:
    node, (sides, kappa) = ball.point.graph.nodes[place], _sides(ball, place)
    env = ball.env(place) | {t.kappa: kappa}
    targets = ((t.norm_p, t.two_p, t.one_p), (t.norm_w, t.two_w, t.one_w))
    for source, (size, two, one, width), (whole, row, total) in zip(node.inputs, sides, targets):
        moved = {t.rho: ball.rho, t.kappa: kappa, t.length_w: ball.nodes[source].length}
        moved |= {t.radius_w: ball.moves(source), t.row_size: float(width)}
        env[whole] = upper(t.BILINEAR_NORM, moved | {t.start: size})
        env[row] = upper(t.BILINEAR_TWO, moved | {t.start: two})
        env[total] = upper(t.BILINEAR_ONE, moved | {t.start: one})
    return _columns(ball, *(upper(f, env) for f in (t.BILINEAR_D, t.BILINEAR_R, t.BILINEAR_E)))


def _source(ball: Ball, place: int) -> int:
    return ball.point.graph.nodes[place].inputs[0]


def _bends(ball: Ball, place: int) -> np.ndarray:
    """sup|φ''| on the box of each entry."""
    mid, rad = ball.point.derivative(place, 2, ball.moves(ball.point.graph.nodes[place].inputs[0]))
    return push(np.abs(mid) + rad)


def _entrywise(ball: Ball, place: int) -> Derivatives:
    source = ball.point.graph.nodes[place].inputs[0]
    mid, rad = ball.point.derivative(place, 1, 0.0)
    bend = float(_bends(ball, place).max())
    env = {t.slope: push(np.abs(mid) + rad).max(), t.P_2: bend, t.radius_x: ball.moves(source)}
    env = ball.env(place) | {t.P_1: upper(t.ENTRYWISE_SLOPE, env), t.P_2: bend}
    return _columns(ball, *(upper(f, env) for f in (t.ENTRYWISE_D, t.ENTRYWISE_R, t.ENTRYWISE_E)))


def _value(ball: Ball, place: int) -> float:
    return (ball.point.most(place) + ball.moves(place)) * PUSH


def _affine(ball: Ball, place: int) -> list[tuple[Env, np.ndarray]]:
    """Factors that repeat another node over disjoint groups: symbols of (G w)∘x, and which entries repeat which."""
    graph, found = ball.point.graph, []
    x, w = graph.nodes[place].inputs
    for moved, fixed in ((w, x), (x, w)):
        node = graph.nodes[moved]
        if node.op != "gather" or len(node.inputs) != 1 or not graph.trained[node.inputs[0]]:
            continue
        indices, size = graph.constants[node["indices"]].ravel(), np.abs(ball.point.mid(fixed)) + ball.point.rad(fixed)
        group = _largest_group(indices, size.ravel())
        moving = {t.start: group, t.kappa: 1.0, t.rho: ball.rho, t.length_w: ball.nodes[fixed].length}
        source, other = ball.nodes[node.inputs[0]], ball.nodes[fixed]
        env: Env = {t.d_xj: other.d[:, None], t.d_xk: other.d, t.E_x: other.E, t.d_wj: source.d[:, None]}
        env |= {t.d_wk: source.d, t.E_w: source.E, t.group_x: upper(t.BILINEAR_NORM, moving)}
        found.append((env | {t.value_w: _value(ball, moved)}, indices))
    return found


def _largest_group(indices: np.ndarray, sizes: np.ndarray) -> float:
    """The largest root of a sum of squares over the entries that repeat one place."""
    kept, scale = indices >= 0, float(sizes.max(initial=0.0))
    if scale == 0.0 or not math.isfinite(scale):
        return scale
    sums = np.bincount(indices[kept], weights=(sizes[kept] / scale) ** 2, minlength=1)
    square = float(sums.max(initial=0.0)) * (1 + gamma(len(indices) + 16)) + SMALLEST
    return scale * math.sqrt(square) * PUSH + SMALLEST


def _product(ball: Ball, place: int) -> Derivatives:
    x, w = ball.point.graph.nodes[place].inputs
    env = ball.env(place) | {t.value_x: _value(ball, x), t.value_w: _value(ball, w)}
    d, r, E = (upper(f, env) for f in (t.PRODUCT_D, t.PRODUCT_R, t.PRODUCT_E))
    for affine, _ in _affine(ball, place):
        d, E = np.minimum(d, upper(t.AFFINE_D, affine)), np.minimum(E, upper(t.AFFINE_E, affine))
    return _columns(ball, d, r, E)


def _least(ball: Ball, place: int, which: int) -> np.ndarray:
    """Lower bounds on the ball, by group, of s (0) or of ‖x − mean‖ (1)."""
    node = ball.point.graph.nodes[place]
    count = groups_of(node).shape[1]
    moved = ball.nodes[node.inputs[0]].length * ball.rho * PUSH / (math.sqrt(count) if which == 0 else 1.0)
    lower = np.array([float(b.lower()) for b in ball.point.values.spread[place][which]])
    least = np.nan_to_num(lower - moved * PUSH, nan=-math.inf) - np.abs(lower) * 2.0**-50
    return np.asarray(np.maximum(least, math.sqrt(float(node["epsilon"])) * (1 - 2.0**-50) if which == 0 else 0.0))


def _normalise(ball: Ball, place: int) -> Derivatives:
    s, count = float(_least(ball, place, 0).min()), groups_of(ball.point.graph.nodes[place]).shape[1]
    env = ball.env(place) | {t.deviation: s, t.count: float(count), t.start: ball.point.most(place)}
    env[t.greatest] = upper(t.NORMALISE_VALUE, env)
    env[t.bend] = upper(t.NORMALISE_BEND, env)
    return _columns(ball, *(upper(f, env) for f in (t.NORMALISE_D, t.NORMALISE_R, t.NORMALISE_E)))


def _softmax(ball: Ball, place: int) -> Derivatives:
    return _columns(ball, *(upper(f, ball.env(place)) for f in (t.SOFTMAX_D, t.SOFTMAX_R, t.SOFTMAX_E)))


_FORWARD: dict[str, Callable[[Ball, int], Derivatives]] = {
    "gather": _gather, "contract": _contract, "sum": _sum, "scale": _scale, "shift": _shift, "add": _add,
    "conv": _bilinear, "matmul": _bilinear, "product": _product, "entrywise": _entrywise, "piecewise": _frozen,
    "maximum": _frozen, "normalise": _normalise, "softmax": _softmax,
}  # fmt: skip


# --- what a node adds to the second derivative of the observation ------------------------------------------------
def curvature(ball: Ball, place: int, B: np.ndarray) -> tuple[np.ndarray | None, list[float]]:
    """N by blocks (None for linear nodes) and, for each input, how far B̃∂op moves on the ball."""
    node = ball.point.graph.nodes[place]
    rule = _CURVED.get(node.op)
    return (None, [0.0] * len(node.inputs)) if rule is None else rule(ball, place, B, ball.env(place))


def _weighted(B: np.ndarray, factors: np.ndarray) -> float:
    """‖B̃ diag(factors)‖, factors ≥ 0."""
    top = float(factors.max(initial=0.0))
    if not math.isfinite(top):
        return math.inf
    lost = SMALLEST * math.sqrt(B.size)
    return float(push(norm(B * factors) + 2 * UNIT * top * frobenius(B) + lost)) if top > 0 else 0.0


def _of_bilinear(ball: Ball, place: int, B: np.ndarray, env: Env) -> tuple[np.ndarray, list[float]]:
    env |= {t.b: norm(B), t.kappa: _sides(ball, place)[1]}
    x, w = ball.point.graph.nodes[place].inputs
    changes = [float(upper(t.BILINEAR_J, env | {t.length_w: ball.nodes[other].length})) for other in (w, x)]
    return upper(t.BILINEAR_N, env), changes


def _of_entrywise(ball: Ball, place: int, B: np.ndarray, env: Env) -> tuple[np.ndarray, list[float]]:
    bends = _bends(ball, place)
    env |= {t.b_bent: min(_weighted(B, bends), float(times(bends.max(), norm(B))))}
    env |= {
        t.column_bent: times(lengths(B.T), bends).max(),
        t.radius_x: ball.moves(ball.point.graph.nodes[place].inputs[0]),
    }
    return upper(t.ENTRYWISE_N, env), [float(upper(t.ENTRYWISE_J, env))]


def _of_product(ball: Ball, place: int, B: np.ndarray, env: Env) -> tuple[np.ndarray, list[float]]:
    columns, (x, w) = lengths(B.T), ball.point.graph.nodes[place].inputs
    env |= {t.b: norm(B), t.column: columns.max()}
    N = upper(t.PRODUCT_N, env)
    for affine, indices in _affine(ball, place):
        group = min(norm(B), _largest_group(indices, columns))
        N = np.minimum(N, upper(t.AFFINE_N, affine | {t.b_group: group}))
    return N, [float(upper(t.PRODUCT_J, env | {t.radius_w: ball.moves(other)})) for other in (w, x)]


def _of_normalise(ball: Ball, place: int, B: np.ndarray, env: Env) -> tuple[np.ndarray, list[float]]:
    groups = groups_of(ball.point.graph.nodes[place])
    s, count, whole = _least(ball, place, 0), float(groups.shape[1]), norm(B)
    bend = upper(t.NORMALISE_BEND, {t.deviation: s, t.count: count})
    parts = np.array([min(whole, norm(B[:, group])) for group in groups])
    env |= {t.b: whole, t.b_bend: times(bend, parts).max(), t.bend: bend.max()}
    N, change = upper(t.NORMALISE_N, env), float(upper(t.NORMALISE_J, env))
    structured = _structured(ball, place, B, env, s, parts)
    return (N if structured is None else np.minimum(N, structured)), [change]


def _directions(point: Point, place: int) -> tuple[np.ndarray, np.ndarray]:
    """x̂ = (x − mean)/‖x − mean‖ in floats, (groups, P), and how far each is from the exact one."""
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


def _structured(ball: Ball, place: int, B: np.ndarray, env: Env, s: np.ndarray, parts: np.ndarray) -> np.ndarray | None:
    """The curvature of a normalisation through x̂; None where a group may have no variance on the ball."""
    point, node = ball.point, ball.point.graph.nodes[place]
    source, groups, least = node.inputs[0], groups_of(node), _least(ball, place, 1)
    directions, slack = point.once(("directions", place), lambda: _directions(point, place))
    if not ((least > 0).all() and np.isfinite(slack).all()):
        return None
    given = np.zeros((len(groups), math.prod(node.shape)))
    np.put_along_axis(given, groups, directions, axis=1)
    x = ball.nodes[source]
    rows = push(ball.rows_of(source, ("directions", place), lambda: given)[0] + slack[:, None] * x.d)
    weight = upper(t.NORMALISE_WEIGHT, {t.deviation: s, t.count: float(groups.shape[1])})
    f = upper(t.NORMALISE_FUNCTIONAL, {
        t.functional: rows, t.rho: ball.rho, t.row_E: lengths(x.E), t.length_x: x.length, t.d_xj: x.d,
        t.least_centred: least[:, None],
    })  # fmt: skip
    f = np.minimum(f, x.d)
    along = np.array([frobenius(B[:, group] @ direction) for group, direction in zip(groups, directions)])
    rounding = gamma(groups.shape[1] + 8) * math.sqrt(min(len(B), groups.shape[1]))
    lost = SMALLEST * groups.shape[1] * math.sqrt(len(B))
    start = push(along + (rounding + slack) * parts + lost)
    moving = {t.rho: ball.rho, t.length_x: x.length, t.least_centred: least, t.direction: start, t.b: parts}
    b_direction = times(weight, upper(t.NORMALISE_DIRECTION, moving)).max()
    spread = np.zeros(math.prod(node.shape))
    bent = np.zeros(f.shape[1])
    for j in np.flatnonzero(x.d):
        spread[groups] = times(weight, f[:, j])[:, None]
        bent[j] = _weighted(B, spread)
    return upper(t.NORMALISE_STRUCTURED, env | {t.b_left: bent[:, None], t.b_right: bent, t.b_direction: b_direction})


def _of_softmax(ball: Ball, place: int, B: np.ndarray, env: Env) -> tuple[np.ndarray, list[float]]:
    env |= {t.b: norm(B)}
    return upper(t.SOFTMAX_N, env), [float(upper(t.SOFTMAX_J, env))]


_CURVED: Mapping[str, Callable[..., tuple[np.ndarray, list[float]]]] = {
    "conv": _of_bilinear, "matmul": _of_bilinear, "product": _of_product, "entrywise": _of_entrywise,
    "normalise": _of_normalise, "softmax": _of_softmax,
}  # fmt: skip
