"""What the theorem needs of a graph: σ and norm of M = AJ at θ_0, its Lipschitz constant on a ball, the kinks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dipproofs.theory.architectures import graph_nodes as t
from dipproofs.verify.arithmetic.floats import frobenius, lengths
from dipproofs.verify.graph.adjoint import reverse
from dipproofs.verify.graph.bounds import Ball
from dipproofs.verify.graph.curvature import curvature
from dipproofs.verify.graph.extremes import extreme_singular_values
from dipproofs.verify.graph.point import Point
from dipproofs.verify.graph.upper import PUSH, joined, push, times, upper


@dataclass(frozen=True)
class Observation:
    """M at θ_0 and on the ball.

    Args:
        sigma: both ends of the smallest singular value of M. norm: both ends of its norm.
        lipschitz: upper bound of the Lipschitz constant of M on the ball.
        jacobian: the computed M, (m, p), blocks side by side. error: upper bound of ‖M − jacobian‖.
    """

    sigma: tuple[float, float]
    norm: tuple[float, float]
    lipschitz: float
    jacobian: np.ndarray
    error: float


def observe(ball: Ball, rows: np.ndarray, slack: float = 0.0) -> Observation:
    """Bound M from one reverse pass (in chunks of rows, whose norms add by squares), Theorem T.

    Args:
        ball: bounds of the nodes. rows: (m, n) floats of A. slack: bound of ‖A − rows‖_F.
    """
    point, m = ball.point, len(rows)
    graph, blocks = point.graph, point.blocks
    chunk = max(1, min(m, int(8 * ball.budget / (8 * point.peak(graph.output)))))
    columns = {graph.leaves[name]: columns for name, columns in graph.columns.items()}
    jacobian = np.zeros((m, graph.parameter_count))
    whole_N, errors = np.zeros((len(blocks), len(blocks))), np.zeros(len(blocks))
    for first in range(0, m, chunk):
        N, error, changes = np.zeros_like(whole_N), np.zeros(len(blocks)), dict[int, float]()
        for place, B, defect in reverse(point, graph.output, rows[first : first + chunk]):
            node, found = graph.nodes[place], ball.nodes[place]
            if place in columns:
                jacobian[first : first + chunk, columns[place]] = B
            defect += slack if place == graph.output else 0.0
            error = push(error + upper(t.DEFECT_D, {t.defect: defect, t.d_xj: found.d}))
            N = push(N + upper(t.DEFECT_N, {t.defect: defect, t.change: changes.pop(place, 0.0), t.own_E: found.E}))
            term, moved = curvature(ball, place, B)
            if term is not None:
                N = push(N + np.minimum(term, term.T))
            for source, change in zip(node.inputs, moved):
                changes[source] = float(push(changes.get(source, 0.0) + change))
        whole_N, errors = joined(whole_N, N), joined(errors, error)
    whole = frobenius(errors)
    (least, below), (above, top) = extreme_singular_values(jacobian)
    sigma = max(least - whole * PUSH, 0.0), (below + whole) * PUSH
    size = max(above - whole * PUSH, 0.0), float(push(top + whole))
    return Observation(sigma, size, largest(whole_N), jacobian, whole)


def largest(N: np.ndarray) -> float:
    """Upper bound of the largest eigenvalue of a symmetric matrix ≥ 0: max_i (Nx)_i/x_i, x > 0 (Collatz–Wielandt).

    Example:
        >>> 3.0 <= largest(np.array([[1.0, 2.0], [2.0, 1.0]])) < 3.0001
        True
    """
    size = float(N.max(initial=0.0))
    if size == 0.0 or not math.isfinite(size):
        return size if math.isfinite(size) else math.inf
    x, best = np.abs(np.linalg.eigh(N / size)[1][:, -1]) + 1e-8, math.inf
    for _ in range(8):
        x = N @ x / size + x + 1e-12 * x.max()  # of N + size: the eigenvalue −λ of a bipartite N is no hindrance
        x /= x.max()
        best = min(best, float(push((N @ x) * (1 + len(N) * 2.0**-50) / x).max()))
    return best


def kink_margin(ball: Ball) -> float:
    """The least |a_i|/(ρ sup‖∇a_i‖) over all kinks (infinite without): above 1 the pattern is frozen (Theorem 5)."""
    margins = [math.inf]
    for place, node in enumerate(ball.point.graph.nodes[: ball.point.graph.output + 1]):
        if ball.point.graph.trained[place] and node.op in ("piecewise", "maximum"):
            margins.append(_piecewise(ball, place) if node.op == "piecewise" else _maximum(ball, place))
    return min(margins)


Rows = Callable[[np.ndarray], np.ndarray]


def _ratio(ball: Ball, source: int, away: np.ndarray, rows: Rows, key: object, longest: float) -> float:
    """The least away_i/(ρ·bound of the i-th functional); what the bound of all leaves open gets an exact row.

    Args:
        away: (R,) lower bounds of the functionals' sizes at θ_0. rows: makes chosen ones, at most ``longest`` long.
    """
    found = ball.nodes[source]
    whole = float(push(longest * min(found.row, found.length)))
    suspects = np.flatnonzero(~(away > 8 * ball.rho * whole))
    margin = np.full(len(away), math.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        if whole > 0.0:
            margin = away / float(times(ball.rho, whole))
        if whole > 0.0 and len(suspects):
            exact, _ = ball.rows_of(source, (key, suspects.tobytes()), lambda: rows(suspects))
            sizes = push(lengths(exact) + times(ball.rho, longest * min(largest(found.E), frobenius(found.E))))
            margin[suspects] = away[suspects] / times(np.minimum(sizes, whole), ball.rho)
    least = float(margin.min(initial=math.inf)) * (1 - 2.0**-40)
    return least if least > 0.0 else 0.0


def _piecewise(ball: Ball, place: int) -> float:
    point, node = ball.point, ball.point.graph.nodes[place]
    source = node.inputs[0]
    mid, rad = point.mid(source).ravel(), point.rad(source).ravel()
    away = np.min([np.abs(mid - float(knot)) for knot in node["knots"]], axis=0)
    away = (away - rad - np.abs(mid) * 2.0**-50) * (1 - 2.0**-45)
    away = np.where(point.moving(source), away, np.inf)

    def units(chosen: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(chosen), mid.size))
        rows[np.arange(len(chosen)), chosen] = 1.0
        return rows

    return _ratio(ball, source, away, units, ("kinks", place), 1.0)


def _maximum(ball: Ball, place: int) -> float:
    """a_w − a_q for the winner and every competitor that is another entry."""
    point, source = ball.point, ball.point.graph.nodes[place].inputs[0]
    width = point.graph.nodes[source].shape[-1]
    mid, rad = point.mid(source).reshape(-1, width), point.rad(source).reshape(-1, width)
    origin, line, winner = _origin(point, source).reshape(-1, width), np.arange(len(mid)), mid.argmax(axis=1)
    best, slack = mid[line, winner][:, None], rad[line, winner][:, None]
    gap = (best - mid - rad - slack - (np.abs(mid) + np.abs(best)) * 2.0**-50) * (1 - 2.0**-45)
    moving = point.moving(source).reshape(-1, width)
    still = ~moving & ~moving[line, winner][:, None]
    gap = np.where(still | (origin == origin[line, winner][:, None]), np.inf, gap)
    winners = np.repeat(line * width + winner, width)

    def differences(chosen: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(chosen), mid.size))
        rows[np.arange(len(chosen)), winners[chosen]] += 1.0
        rows[np.arange(len(chosen)), chosen] -= 1.0
        return rows

    return _ratio(ball, source, gap.ravel(), differences, ("maximum", place), math.sqrt(2) * PUSH)


def _origin(point: Point, place: int) -> np.ndarray:
    """Which entry of an earlier node an entry repeats, so that ties of one entry with itself do not count."""
    node = point.graph.nodes[place]
    size = math.prod(node.shape)
    if node.op != "gather":
        return np.arange(size)
    return point.graph.constants[node["indices"]].ravel()
