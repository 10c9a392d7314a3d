"""The Jacobian of A∘g and the Lipschitz constant of it on a ball, from one reverse pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.enclosures import IntervalMatrix
from dipproofs.enclosures.rounding import Array
from dipproofs.enclosures.upward import add_up, divide_up, multiply_up, norm_up, root_up, upward
from dipproofs.networks.graph_network.nodes import RULES
from dipproofs.networks.graph_network.nodes.base import Adjoint, Ball
from dipproofs.networks.graph_network.reverse import chunk_rows, reverse
from dipproofs.theory.architectures import graph_nodes as t

#: Bytes that the adjoints of one pass may take.
MEMORY = 4 * 2.0**30


@dataclass(frozen=True, eq=False)
class Observed:
    """The Jacobian M of A∘g at θ_0 and its change on the ball.

    Args:
        jacobian: (m, p) floats M̃, blocks side by side in the order of the graph's parameters.
        error: upper bound of ‖M − M̃‖.
        lipschitz: upper bound of the Lipschitz constant of M on the ball.
    """

    jacobian: Array
    error: float
    lipschitz: float


def observe(ball: Ball, rows: IntervalMatrix, memory: float = MEMORY, *, coarse: bool = False) -> Observed:
    """Bound the Jacobian of A∘g and its Lipschitz constant on the ball.

    Args:
        ball: bounds of all nodes on it, see `bound_nodes`.
        rows: (m, n) enclosure of A; its midpoint's rows are the cotangents.
        memory: bytes for adjoints; more rows go through in several passes, whose bounds add by roots of squares.
        coarse: with cheaper norms of the adjoints.

    Notes:
        Theorem T; Lemma 1 and 2 of docs/theory-graphs.md. No adjoint Jacobian is kept.
    """
    point, m = ball.point, rows.shape[0]
    graph = point.graph
    count = -(-m // min(m, chunk_rows(point, graph.output, memory)))
    chunk = -(-m // count)
    jacobian = np.zeros((m, graph.parameter_count))  # a parameter that nothing reads keeps its zeros
    blocks = len(point.leaves)
    squares_N = np.zeros((blocks, blocks))
    squares_error = np.zeros(blocks)
    slack = 0.0 if rows.rad is None else float(norm_up(rows.rad))
    for first in range(0, m, chunk):
        cotangents = rows.mid[first : first + chunk].reshape(-1, *graph.nodes[graph.output].shape)
        N, error = _pass(ball, cotangents, jacobian[first : first + chunk], slack, coarse)
        squares_N = add_up(squares_N, multiply_up(N, N))
        squares_error = add_up(squares_error, multiply_up(error, error))
    error_of_all = float(root_up(squares_error.sum() * (1 + 1e-14)))
    return Observed(jacobian, error_of_all, collatz_wielandt(root_up(squares_N)))


def _pass(ball: Ball, cotangents: Array, jacobian: Array, slack: float, coarse: bool) -> tuple[Array, Array]:
    """One reverse pass: fills the rows of M̃, returns N and the errors by block."""
    point, graph = ball.point, ball.point.graph
    blocks = len(point.leaves)
    N, error = np.zeros((blocks, blocks)), np.zeros(blocks)
    changes: dict[int, float] = {graph.output: 0.0}
    for reached in reverse(point, graph.output, cotangents):
        place, found = reached.place, ball.of(reached.place)
        node, flat = graph.nodes[place], reached.adjoint.reshape(len(cotangents), -1)
        if place in point.columns:
            jacobian[:, point.columns[place]] = flat
        defect = reached.defect + (slack if place == graph.output else 0.0)
        defect = float(np.nextafter(defect, np.inf)) if defect else 0.0
        error = add_up(error, upward(t.DEFECT_D, {t.defect: defect, t.d_xj: found.d}))
        values = {t.defect: defect, t.change: changes.pop(place, 0.0), t.own_E: found.E}
        N = add_up(N, upward(t.DEFECT_N, values))
        if not node.inputs:
            continue
        curvature = RULES[node.op].curvature(ball, place, Adjoint(flat, coarse))
        if curvature.N is not None:
            N = add_up(N, np.minimum(curvature.N, curvature.N.T))
        for source, change in zip(node.inputs, curvature.changes):
            if graph.trained[source]:
                changes[source] = float(add_up(np.asarray(changes.get(source, 0.0)), np.asarray(change)))
    return N, error


def collatz_wielandt(N: Array) -> float:
    """Upper bound of the largest eigenvalue of a symmetric matrix with entries ≥ 0: max_i (Nx)_i/x_i for any x > 0.

    Example:
        >>> import numpy as np
        >>> 3.0 <= collatz_wielandt(np.array([[1.0, 2.0], [2.0, 1.0]])) < 3.0001
        True
    """
    if not np.isfinite(N).all():
        return float("inf")
    largest = float(N.max(initial=0.0))
    if largest == 0.0:
        return 0.0
    vector = np.abs(np.linalg.eigh(N / largest)[1][:, -1])
    vector = np.maximum(vector, 1e-8 * vector.max())
    for _ in range(3):  # evens out the entries that the eigenvector leaves near 0
        vector = np.maximum(N @ vector, 1e-12 * (N @ vector).max())
        vector /= vector.max()
    products = multiply_up(N, vector[None, :])
    quotients = divide_up(np.asarray(np.nextafter(products.sum(axis=1) * (1 + 1e-13), np.inf)), vector)
    return float(quotients.max())
