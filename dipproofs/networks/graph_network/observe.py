"""The Jacobian of A∘g and the Lipschitz constant of it on a ball, from one reverse pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.enclosures import IntervalMatrix
from dipproofs.enclosures.rounding import Array
from dipproofs.enclosures.upward import add_up, divide_up, multiply_up, norm_up, root_up, upward
from dipproofs.networks.graph_network.nodes import RULES
from dipproofs.networks.graph_network.nodes.base import Adjoint, Ball
from dipproofs.networks.graph_network.reverse import peak_entries, reverse
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
        terms: by place, the largest entry of the node's share of the curvature matrix, for reports.
    """

    jacobian: Array
    error: float
    lipschitz: float
    terms: dict[int, float]


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
    chunk = max(1, min(m, int(memory / (8 * peak_entries(point, graph.output)))))
    count = -(-m // chunk)
    chunk = -(-m // count)
    jacobian = np.zeros((m, sum(point.sizes)))  # a parameter that nothing reads keeps its zeros
    offsets = np.concatenate([[0], np.cumsum(point.sizes)])
    blocks = len(point.leaves)
    squares_N = np.zeros((blocks, blocks))
    squares_error = np.zeros(blocks)
    terms: dict[int, float] = {}
    slack = 0.0 if rows.rad is None else float(norm_up(rows.rad))
    for first in range(0, m, chunk):
        cotangents = rows.mid[first : first + chunk].reshape(-1, *graph.nodes[graph.output].shape)
        part = slice(first, first + chunk)
        N, error, shares = _pass(ball, cotangents, jacobian[part], offsets, slack, coarse)
        squares_N = add_up(squares_N, multiply_up(N, N))
        squares_error = add_up(squares_error, multiply_up(error, error))
        for place, share in shares.items():
            terms[place] = max(terms.get(place, 0.0), share)
    N = squares_N if count == 0 else root_up(squares_N)
    return Observed(jacobian, float(root_up(squares_error.sum() * (1 + 1e-14))), collatz_wielandt(N), terms)


def _pass(
    ball: Ball, cotangents: Array, jacobian: Array, offsets: Array, slack: float, coarse: bool
) -> tuple[Array, Array, dict[int, float]]:
    """One reverse pass: fills the rows of M̃, returns N, the errors by block and the shares of the nodes."""
    point, graph = ball.point, ball.point.graph
    blocks = len(point.leaves)
    N, error = np.zeros((blocks, blocks)), np.zeros(blocks)
    shares: dict[int, float] = {}
    changes: dict[int, float] = {graph.output: 0.0}
    for reached in reverse(point, graph.output, cotangents):
        place, found = reached.place, ball.of(reached.place)
        node, flat = graph.nodes[place], reached.adjoint.reshape(len(cotangents), -1)
        block = point.blocks.get(place)
        if block is not None:
            jacobian[:, offsets[block] : offsets[block + 1]] = flat
        defect = reached.defect + (slack if place == graph.output else 0.0)
        defect = float(np.nextafter(defect, np.inf)) if defect else 0.0
        error = add_up(error, upward(t.DEFECT_D, {t.defect: defect, t.d_xj: found.d}))
        values = {t.defect: defect, t.change: changes.pop(place, 0.0), t.own_E: found.E}
        N = add_up(N, upward(t.DEFECT_N, values))
        if not node.inputs:
            continue
        curvature = RULES[node.op].curvature(ball, place, Adjoint(flat, coarse))
        if curvature.N is not None:
            term = np.minimum(curvature.N, curvature.N.T)
            shares[place] = float(term.max(initial=0.0))
            N = add_up(N, term)
        for source, change in zip(node.inputs, curvature.changes):
            if graph.trained[source]:
                changes[source] = float(add_up(np.asarray(changes.get(source, 0.0)), np.asarray(change)))
    return N, error, shares


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
