"""First and second derivatives of all nodes on a ball (docs/theory-graphs.md §3).

d_j bounds ‖D_j‖, r_j the largest row of D_j, E the second derivative by blocks; the formulas are those of `theory`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dipproofs.theory.architectures import graph_nodes as t
from dipproofs.verify.arithmetic.floats import UNIT, frobenius, lengths, norm, weighted
from dipproofs.verify.graph.adjoint import reverse
from dipproofs.verify.graph.derivatives import Derivatives, Env, smaller, symbols_of
from dipproofs.verify.graph.node_bounds import FORWARD
from dipproofs.verify.graph.point import Point
from dipproofs.verify.graph.scaled import SCALED, multiple
from dipproofs.verify.graph.stacked import Stacked
from dipproofs.verify.graph.upper import joined, push, times, upper


@dataclass(frozen=True)
class Reduced:
    """What is kept of the Jacobian of R functionals of a node.

    Args:
        rows: norms of the rows by block, (R, J). norms: by block, (J,). heavy: the same with weighted rows.
        defects: bounds of ‖R_x(θ_0)‖ by place.
    """

    rows: np.ndarray
    norms: np.ndarray
    heavy: np.ndarray
    defects: dict[int, float]


class Ball:
    """Bounds of the nodes on a ball around θ_0.

    Args:
        point: the graph. rho: radius. entries: nodes with at most so many entries restart from their exact Jacobian.
        coarse: whether adjoints are measured by Frobenius norms: larger, but operator norms cost m²N for each node.
        budget: bytes for the adjoints of one reverse pass.
    """

    def __init__(
        self, point: Point, rho: float, entries: int, *, coarse: bool = False, budget: float = 2.0**29
    ) -> None:
        self.point, self.rho, self.entries, self.budget, self.coarse = point, rho, entries, budget, coarse
        self.measure: Callable[[np.ndarray], float] = frobenius if coarse else norm
        self.nodes: dict[int, Derivatives] = {}
        self.weighted: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # by place weights and d of the weighted node
        graph, count = point.graph, len(point.blocks)
        zero = Derivatives(np.zeros(count), np.zeros(count), np.zeros((count, count)))
        for place, node in enumerate(graph.nodes[: graph.output + 1]):
            if not graph.trained[place]:
                self.nodes[place] = zero
            elif place in point.blocks:
                own = (np.arange(count) == point.blocks[place]).astype(float)
                self.nodes[place] = Derivatives(own, own, np.zeros((count, count)))
            else:
                found = FORWARD[node.op](self, place)
                if place in point.restarts and math.prod(node.shape) <= entries:
                    found = self._restarted(place, found)
                self.nodes[place] = Derivatives(found.d, np.minimum(found.r, found.d), found.E)

    def moves(self, place: int) -> float:
        """How far an entry of a node moves on the ball."""
        node = self.nodes[place]
        return float(upper(t.RADIUS, {t.rho: self.rho, t.row_length_x: node.row, t.length_x: node.length}))

    def most(self, place: int) -> np.ndarray:
        """sup|z_i| on the ball, flat."""
        point = self.point
        return push((np.abs(point.mid(place)) + point.rad(place)).ravel() + self.moves(place))

    def env(self, place: int) -> Env:
        """Symbols of the inputs x and w of a node, for blocks j (down) and k (across)."""
        inputs = self.point.graph.nodes[place].inputs
        return {t.rho: self.rho, **symbols_of(self.nodes[inputs[0]], self.nodes[inputs[-1]])}

    def scaled(self, place: int, sigma: np.ndarray) -> Derivatives:
        """Bounds of diag(σ)z for a node z and σ ≥ 0 by its entries."""
        plain = multiple(float(sigma.max(initial=0.0)), self.nodes[place])
        rule = SCALED.get(self.point.graph.nodes[place].op)
        usable = rule is not None and self.point.graph.trained[place] and np.isfinite(sigma).all() and sigma.any()
        sharp = rule(self, place, sigma) if rule is not None and usable else None
        found = plain if sharp is None else smaller(plain, sharp)
        if place not in self.weighted:
            return found
        weights, d = self.weighted[place]
        return Derivatives(np.minimum(found.d, times(push(sigma / weights).max(), d)), found.r, found.E)

    def rows_of(self, start: int, key: object, make: Callable[[], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Norms by block of functionals of a node: of each row, (R, J), and of all together, (J,), errors included."""
        found = self.point.once(("rows", start, key), lambda: self._reduced(start, make()))
        error = self._error(found)
        return push(found.rows + error), push(found.norms + error)

    def _error(self, found: Reduced) -> np.ndarray:
        error = np.zeros(len(found.norms))
        for place, defect in found.defects.items():
            error = push(error + upper(t.DEFECT_D, {t.defect: defect, t.d_xj: self.nodes[place].d}))
        return error

    def _reduced(self, start: int, given: np.ndarray, weights: np.ndarray | None = None) -> Reduced:
        chunk = max(1, int(self.budget / (8 * self.point.peak(start))))
        rows, norms = np.zeros((len(given), len(self.point.blocks))), np.zeros(len(self.point.blocks))
        defects, heavy, stacks = dict[int, float](), np.zeros(len(norms)), dict[int, Stacked]()
        for first in range(0, len(given), chunk):
            for place, B, defect in reverse(self.point, start, given[first : first + chunk]):
                defects[place] = (defects.get(place, 0.0) + defect) * (1 + 4 * UNIT)
                if place in self.point.blocks:
                    block = self.point.blocks[place]
                    rows[first : first + chunk, block] = lengths(B)
                    stacks.setdefault(block, Stacked(len(given), B.shape[1])).add(B)
                    if weights is not None:
                        heavy[block] = joined(heavy[block], weighted(B.T, weights[first : first + chunk]))
        for block, stack in stacks.items():
            norms[block] = stack.norm()
        return Reduced(rows, norms, heavy, defects)

    def _restarted(self, place: int, found: Derivatives) -> Derivatives:
        """At small nodes the exact Jacobian, and what it changes by on the ball."""
        size = math.prod(self.point.graph.nodes[place].shape)
        if found.d.max(initial=0.0) == 0.0:
            return found
        self.nodes[place] = found
        weights, make = self.point.weights(place), self._reduced
        exact = self.point.once(("restart", place), lambda: make(place, np.eye(size), weights))
        env = {t.error: self._error(exact), t.rho: self.rho, t.row_E: lengths(found.E)}
        d = upper(t.RESTART, env | {t.exact: exact.norms})
        r = upper(t.RESTART, env | {t.exact: exact.rows.max(axis=0)})
        live = found.d > 0
        d, r = (np.where(live, np.minimum(old, new), 0.0) for old, new in ((found.d, d), (found.r, r)))
        if weights is not None:
            away = times(weights.max(), upper(t.RESTART, env | {t.exact: 0.0}))
            self.weighted[place] = weights, np.where(live, push(exact.heavy + away), 0.0)
        return Derivatives(d, r, found.E)
