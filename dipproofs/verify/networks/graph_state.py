"""The state of a method on a graph network: M from a reverse pass of the verifier's own (docs/theory-graphs.md §2)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb

from dipproofs.verify.arithmetic.expressions import between, root, upper
from dipproofs.verify.arithmetic.floats import frobenius, gamma, gram_of, lengths
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.graph.bounds import Ball
from dipproofs.verify.graph.extremes import extreme_singular_values
from dipproofs.verify.graph.observation import observe
from dipproofs.verify.methods.state import Balls, ByEntry

if TYPE_CHECKING:
    from dipproofs.verify.networks.graph import GraphNetwork

#: Nodes with at most so many entries restart from their exact Jacobian; on a point that decides nothing.
_ENTRIES = 256
_UP = 1 + 2.0**-44


class GraphState:
    """M at the arrays of a certificate; see `state.State`.

    Args:
        network: as it was read.

    Notes:
        ‖M − X‖ ≤ e for the computed rows X, so that ‖MD − XD‖ ≤ e‖D‖; sums of p products in floats err by γ_p.
    """

    def __init__(self, network: GraphNetwork) -> None:
        self.theta, self.point, self.operator = network.theta, network.point, network.operator
        self.trained = tuple(self.point.graph.leaves)
        self.residual = network.prediction - network.y
        self.X, self.error = self._observed(self.operator.matrix)

    def _observed(self, A: Matrix) -> tuple[np.ndarray, float]:
        rows = A.floats()
        slack = float((Matrix.of(rows) - A).size.upper())
        seen = observe(Ball(self.point, 0.0, _ENTRIES, coarse=True), rows, slack)
        return seen.jacobian, seen.error

    def parameter(self, name: str) -> np.ndarray:
        """Return the stored array of a parameter."""
        return self.theta[name]

    def rows(self, array: np.ndarray) -> list[list[float]]:
        """One row with all entries."""
        return [array.astype(np.float64).ravel().tolist()]

    def _flat(self, D: Mapping[str, Any]) -> np.ndarray:
        return np.concatenate([np.asarray(D[name], np.float64).ravel() for name in self.trained])

    def _product(self, X: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, float]:
        """Xd in floats, and a bound of ‖Md − Xd‖, or of ‖Mᵀd − Xᵀd‖ for the transpose."""
        if not d.any():
            return np.zeros(len(X)), 0.0
        away = (gamma(len(d) + 4) * frobenius(X) + self.error) * frobenius(d)
        return X @ d, away * _UP + len(d) * 2.0**-1000

    def forward(self, D: Mapping[str, np.ndarray]) -> Matrix:
        """M D for exact arrays by parameter."""
        found, away = self._product(self.X, self._flat(D))
        return Matrix.of(found).inflated(arb(away))

    @cached_property
    def gram(self) -> Matrix:
        """M Mᵀ."""
        K, rounding = gram_of(self.X)
        size = frobenius(self.X)
        return Matrix.of(K).inflated(arb((rounding + self.error * (2 * size + self.error)) * _UP))

    def normal(self, w: Matrix) -> Matrix:
        """M Mᵀw."""
        return self.gram @ w

    def gradient(self, scale: arb) -> dict[str, Balls]:
        """scale·Mᵀr by parameter, as balls."""
        r = self.residual.floats().ravel()
        found, away = self._product(self.X.T, r)
        inexact = float(upper((self.residual - Matrix.of(r)).size)) * (frobenius(self.X) + self.error)
        columns = lengths(self.X.T)
        each = (gamma(len(r) + 4) * columns * frobenius(r) + self.error * frobenius(r) + inexact) * _UP
        each = np.minimum(each + 2.0**-1000, (inexact + away) * _UP)
        balls = [arb(value, rad) * scale for value, rad in zip(found.tolist(), each.tolist(), strict=True)]
        return {name: [part] for name, part in self._by_parameter(balls).items()}

    def _by_parameter(self, entries: list[Any]) -> dict[str, list[Any]]:
        return {name: entries[columns] for name, columns in self.point.graph.columns.items()}

    def column_norms(self) -> ByEntry:
        """‖M_{:,i}‖ by parameter and entry, from above."""
        sizes = self._by_parameter(((lengths(self.X.T) + self.error) * _UP).tolist())
        return {name: _entries([arb(x) for x in part]) for name, part in sizes.items()}

    def idle(self) -> ByEntry:
        """Whether no node reads a parameter."""
        graph = self.point.graph
        return {name: _always(graph.leaves[name] not in graph.reached) for name in self.trained}

    def ends_in_metric(self, P: Mapping[str, Balls]) -> tuple[arb, arb]:
        """σ_min on Im(A) and the norm of M P^{1/2}: X·floats(P^{1/2}), and what that and M − X are away."""
        X, error = self.X, self.error
        if self.operator.image is not None:
            X, error = self._observed(self.operator.data(self.operator.matrix))
        roots = [root(p) for name in self.trained for p in P[name][0]]
        factors = np.array([float(x.mid()) for x in roots])
        apart = max((float(upper(abs(x - f))) for x, f in zip(roots, factors.tolist())), default=0.0)
        most = max((float(upper(x)) for x in roots), default=0.0)
        scaled = X * factors
        wide = (frobenius(X) * apart + 2.0**-52 * frobenius(scaled) + error * most) * _UP + 2.0**-1000
        (least, below), (above, top) = extreme_singular_values(scaled)
        wide_ball = arb(0, wide)
        sigma, norm = between(arb(least), arb(below)) + wide_ball, between(arb(above), arb(top)) + wide_ball
        return arb(max(float(sigma.lower()), 0.0)) if not sigma > 0 else sigma, norm


def _entries(row: list[arb]) -> Any:
    return lambda i, j: row[j]


def _always(value: bool) -> Any:
    return lambda i, j: value
