"""M of the two-layer network: M D = Ã[V diag(φ')D_W u + D_V φ]/√k and its transpose (docs/theory.md §4)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, reduce
from operator import add
from typing import Any

import numpy as np

from dipproofs.enclosures import Bound, IntervalMatrix, IntervalVector, lambda_max, lambda_min
from dipproofs.enclosures.rounding import inflation
from dipproofs.networks.two_layer.network import TRAINED, TwoLayer

#: Up to this many rows M Mᵀ is formed for the forecast.
_ROWS = 2048
_UP = 1 + 2.0**-45


class TwoLayerLinearisation:
    """M at the parameters of a network.

    Args:
        network: θ.
        operator: bounds of Ã = A, or AB for a synthesis generator.
    """

    def __init__(self, network: TwoLayer, operator: Any) -> None:
        self.network, self.operator = network, operator
        self.hidden = network.hidden
        self.u, self.V = IntervalMatrix.from_exact(network.u), IntervalMatrix.from_exact(network.V)
        self.root = Bound.exact(1) / Bound.exact(network.width).sqrt()

    @property
    def _trained(self) -> tuple[str, ...]:
        return TRAINED[self.network.train]

    @cached_property
    def _AV(self) -> IntervalMatrix:
        return self.operator.apply_exact(self.network.V)  # type: ignore[no-any-return]

    def forward(self, displacement: Mapping[str, IntervalMatrix]) -> IntervalVector:
        """Return M D."""
        parts = []
        if "W" in self._trained:
            parts.append(self.V @ _times(self.hidden.dphi, displacement["W"] @ self.u))
        if "V" in self._trained:
            parts.append(displacement["V"] @ self.hidden.phi)
        return self.operator.apply(reduce(add, parts).scale(self.root))  # type: ignore[no-any-return]

    def backward(self, w: IntervalVector) -> dict[str, IntervalMatrix]:
        """Return Mᵀw."""
        z = (self.operator.matrix.T @ w).scale(self.root)
        found = {}
        if "W" in self._trained:
            found["W"] = _outer(_times(self.hidden.dphi, self.V.T @ z), self.u)
        if "V" in self._trained:
            found["V"] = _outer(z, self.hidden.phi)
        return found

    def gram(self) -> IntervalMatrix | None:
        """Return M Mᵀ, or None where Im(A) is not R^m."""
        if not self.operator.columns.identity or self.operator.matrix.shape[0] > _ROWS:
            return None
        k, columns = self.network.width, self.operator.matrix.shape[1]
        one = {"W": np.ones((k, self.network.input_dimension)), "V": np.ones((columns, k))}
        return self._gram({name: (one[name], one[name]) for name in self._trained}, self.operator.matrix, self._AV)

    def _gram(self, metric: Mapping[str, Any], A: IntervalMatrix, AV: IntervalMatrix) -> IntervalMatrix:
        parts: list[IntervalMatrix] = []
        if "W" in metric:
            u = self.network.u.astype(np.float64) ** 2
            growth = inflation(u.size + 6)
            low, high = metric["W"][0] @ u / growth, metric["W"][1] @ u * growth
            weight = _times(_squared(self.hidden.dphi), _between(low, high))
            parts.append(AV.scale_columns(weight) @ AV.T)
        if "V" in metric:
            square = _squared(self.hidden.phi)
            far, near = square.bounds()[1], np.maximum(square.bounds()[0], 0.0)
            growth = inflation(near.size + 6)
            low, high = metric["V"][0] @ near / growth, metric["V"][1] @ far * growth
            parts.append(self._outer_gram(A, _between(low, high)))
        return reduce(add, parts).scale(self.root * self.root)

    def _outer_gram(self, A: IntervalMatrix, weights: IntervalVector) -> IntervalMatrix:
        """Return A diag(weights) Aᵀ; diagonal for a mask, whose matrix is never made."""
        if self.operator.selection is None:
            return A.scale_columns(weights) @ A.T
        seen = self.operator.selection[0]
        return IntervalMatrix(np.diag(weights.mid[seen]), np.diag(weights.radius()[seen]))

    def ends_in_metric(self, metric: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> tuple[Bound, Bound]:
        """Return σ_min on Im(A) and the norm of M P^{1/2}."""
        columns = self.operator.columns
        A, AV = columns.coordinates(self.operator.matrix), columns.coordinates(self._AV)
        gram = self._gram(metric, A, AV)
        gram = IntervalMatrix(
            (gram.mid + gram.mid.T) / 2, np.maximum(gram.radius(), gram.radius().T) * _UP + _half(gram)
        )
        ends = (lambda_min(gram), lambda_max(gram))
        least, most = (end.nonnegative().sqrt() for end in ends)
        return least / columns.singular_value_range, most / columns.singular_value_range

    def column_norms(self) -> dict[str, np.ndarray]:
        """Return upper bounds of ‖M_{:,i}‖, as arrays that broadcast to the parameters."""
        found, root = {}, self.root.upper
        if "W" in self._trained:
            slope = np.abs(self.hidden.dphi.mid) + self.hidden.dphi.radius()
            norms = np.asarray(self._AV.column_norms()[1]) * slope * root * _UP
            found["W"] = norms[:, None] * np.abs(self.network.u.astype(np.float64))[None, :] * _UP
        if "V" in self._trained:
            size = np.abs(self.hidden.phi.mid) + self.hidden.phi.radius()
            norms = np.asarray(self.operator.matrix.column_norms()[1])
            found["V"] = norms[:, None] * size[None, :] * (root * _UP) * _UP
        return found

    def idle(self) -> dict[str, np.ndarray]:
        """Return where columns of M vanish for every θ: inputs that are 0, signal entries that A does not see."""
        matrix = self.operator.matrix
        seen = (matrix.mid != 0).any(axis=0)
        if matrix.rad is not None:
            seen = seen | (matrix.rad > 0).any(axis=0)
        found = {"W": (self.network.u == 0)[None, :], "V": ~seen[:, None]}
        return {name: found[name] for name in self._trained}


def _half(gram: IntervalMatrix) -> np.ndarray:
    """What averaging with the transpose moves the midpoint, at most."""
    return np.abs(gram.mid - gram.mid.T) * _UP + 2.0**-1060


def _between(low: np.ndarray, high: np.ndarray) -> IntervalMatrix:
    middle = low / 2 + high / 2
    return IntervalMatrix(middle, np.maximum(high - middle, middle - low) * _UP + 2.0**-1060)


def _squared(v: IntervalVector) -> IntervalVector:
    return _times(v, v)


def _times(left: IntervalVector, right: IntervalVector) -> IntervalVector:
    """Entrywise product of vectors."""
    column = IntervalMatrix(right.mid[:, None], None if right.rad is None else right.rad[:, None])
    product = column.scale_rows(left)
    return IntervalMatrix(product.mid[:, 0], product.radius()[:, 0])


def _outer(left: IntervalVector, right: IntervalVector) -> IntervalMatrix:
    """left rightᵀ."""
    row = IntervalMatrix(
        np.broadcast_to(right.mid, (left.shape[0], right.shape[0])).copy(),
        None if right.rad is None else np.broadcast_to(right.rad, (left.shape[0], right.shape[0])).copy(),
    )
    return row.scale_rows(left)
