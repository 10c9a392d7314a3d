"""M = A ∂g/∂θ of a graph network, applied and bounded: its float rows and one bound of what they miss."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dipproofs.enclosures import Bound, IntervalMatrix, IntervalVector, norm, sigma_min
from dipproofs.enclosures.norms import euclidean
from dipproofs.networks.graph_network.ball import bound_nodes
from dipproofs.networks.graph_network.observe import Observed, observe
from dipproofs.networks.graph_network.quantities import SEARCH, latest, point_of
from dipproofs.networks.linearisation import array_shape
from dipproofs.operators.bounds import OperatorBounds

if TYPE_CHECKING:
    from dipproofs.networks.graph_network.network import GraphNetwork

#: Up to this many rows M Mᵀ is formed.
_ROWS = 2048
_UP = 1 + 2.0**-45


class GraphLinearisation:
    """M at the parameters of a network; see `networks.linearisation`.

    Args:
        network: θ. operator: bounds of A.

    Notes:
        ‖M − M̃‖ ≤ e for the rows M̃ of one reverse pass (docs/theory-graphs.md §2), so that an entry of MD is off by at
        most e‖D‖, one of Mᵀw by e‖w‖. Arrays that are no matrices are taken as vectors, entries in row order.
    """

    def __init__(self, network: GraphNetwork, operator: OperatorBounds) -> None:
        self.network, self.operator = network, operator
        self.shapes = {name: array_shape(array) for name, array in network.parameters().items()}

    @cached_property
    def _observed(self) -> Observed:
        known = latest(self.network, self.operator)
        if known is not None:
            return known
        ball = bound_nodes(point_of(self.network), 0.0, SEARCH)
        return observe(ball, self.operator.matrix, coarse=True)

    @cached_property
    def _rows(self) -> IntervalMatrix:
        return IntervalMatrix.from_exact(self._observed.jacobian)

    def _by_parameter(self, entries: np.ndarray) -> dict[str, np.ndarray]:
        columns = self.network.graph.columns
        return {name: entries[columns[name]].reshape(shape) for name, shape in self.shapes.items()}

    def forward(self, displacement: Mapping[str, IntervalMatrix]) -> IntervalVector:
        """Return M D."""
        parts = [displacement[name] for name in self.shapes]
        mid = np.concatenate([np.asarray(part.mid, np.float64).reshape(-1) for part in parts])
        rad = None
        if any(part.rad is not None for part in parts):
            rad = np.concatenate([part.radius().reshape(-1) for part in parts])
        whole = IntervalMatrix(mid, rad)
        far = np.abs(mid) + (0.0 if rad is None else rad)
        return _inflated(self._rows @ whole, self._observed.error * float(euclidean(far)[1]) * _UP)

    def backward(self, w: IntervalVector) -> dict[str, IntervalMatrix]:
        """Return Mᵀw."""
        size = float(euclidean(np.abs(w.mid) + w.radius())[1])
        whole = _inflated(self._rows.T @ w, self._observed.error * size * _UP)
        mid, rad = self._by_parameter(whole.mid), self._by_parameter(whole.radius())
        return {name: IntervalMatrix(mid[name], rad[name]) for name in self.shapes}

    def gram(self) -> IntervalMatrix | None:
        """Return M Mᵀ, or None where Im(A) is not R^m."""
        if not self.operator.columns.identity or self.operator.matrix.shape[0] > _ROWS:
            return None
        found, error = self._rows @ self._rows.T, self._observed.error
        lengths = np.asarray(euclidean(self._observed.jacobian, 1)[1])
        moved = error * (lengths[:, None] + lengths[None, :] + error) * _UP
        return IntervalMatrix(found.mid, np.nextafter(found.radius() + moved, np.inf))

    def ends_in_metric(self, metric: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> tuple[Bound, Bound]:
        """Return σ_min on Im(A) and the norm of M P^{1/2}."""
        low, high = (np.concatenate([metric[name][end].reshape(-1) for name in self.shapes]) for end in (0, 1))
        below, above = np.sqrt(low) / _UP, np.sqrt(high) * _UP
        middle = below / 2 + above / 2
        root = IntervalMatrix(middle, np.maximum(above - middle, middle - below) * _UP)
        columns = self.operator.columns
        scaled = columns.coordinates(self._rows.scale_columns(root))
        error = self._observed.error * float(above.max(initial=0.0)) * _UP
        wide = Bound(-error, error) * columns.largest_singular_value
        least = sigma_min(scaled) if scaled.shape[0] <= scaled.shape[1] else Bound.exact(0)
        low_end, top = ((value + wide) / columns.singular_value_range for value in (least, norm(scaled)))
        return low_end.nonnegative(), top.nonnegative()

    def column_norms(self) -> dict[str, np.ndarray]:
        """Return upper bounds of ‖M_{:,i}‖."""
        return self._by_parameter((np.asarray(self._rows.column_norms()[1]) + self._observed.error) * _UP)

    def idle(self) -> dict[str, np.ndarray]:
        """Return where columns of M vanish for every θ: parameters that nothing reads."""
        graph = self.network.graph
        unread = {name: graph.leaves[name] not in graph.reached for name in self.shapes}
        return {name: np.full(shape, unread[name]) for name, shape in self.shapes.items()}


def _inflated(vector: IntervalVector, error: float) -> IntervalVector:
    return IntervalMatrix(vector.mid, np.nextafter(vector.radius() + error, np.inf))
