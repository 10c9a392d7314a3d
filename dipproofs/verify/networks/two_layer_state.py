"""The state of a method on a two-layer network, in the verifier's arithmetic (docs/theory-methods.md §3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING, cast

import numpy as np
from flint import arb

from dipproofs.verify.arithmetic.expressions import norm, root
from dipproofs.verify.arithmetic.spectra import Gram, frobenius
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.methods.state import Balls, ByEntry

if TYPE_CHECKING:
    from dipproofs.verify.networks.two_layer import TwoLayer


class TwoLayerState:
    """M at the arrays of a certificate, applied to vectors; see `state.State`.

    Args:
        network: as it was read.
    """

    def __init__(self, network: TwoLayer) -> None:
        self.network, self.arrays, self.operator = network, network.arrays, network.operator
        self.trained = {"both": ("W", "V"), "inner": ("W",), "outer": ("V",)}[network.train]
        self.u, self.V = (Matrix.of(self.arrays[name]) for name in ("u", "V"))
        self.phi, self.dphi = network.phi, network.dphi
        self.per_root = 1 / arb(self.arrays["V"].shape[1]).sqrt()
        self.residual = network.prediction - network.y
        self.norm_u2 = frobenius(self.u) ** 2

    @property
    def _inputs(self) -> list[arb]:
        return [arb(value) for value in self.arrays["u"].astype(np.float64).tolist()]

    def parameter(self, name: str) -> np.ndarray:
        """Return the stored array of a parameter."""
        return self.arrays[name]

    def rows(self, array: np.ndarray) -> list[list[float]]:
        """Return the entries of an array of a parameter's shape as rows."""
        return cast(list[list[float]], array.astype(np.float64).tolist())

    def forward(self, D: Mapping[str, np.ndarray]) -> Matrix:
        """M D for exact arrays by parameter."""
        parts = []
        if "W" in self.trained:
            along = (Matrix.of(D["W"]) @ self.u).entries()
            parts.append(self.V @ Matrix.column([a * b for a, b in zip(along, self.dphi, strict=True)]))
        if "V" in self.trained:
            parts.append(Matrix.of(D["V"]) @ Matrix.column(self.phi))
        return self._observe(reduce(add, parts))

    def _observe(self, h: Matrix) -> Matrix:
        """Ãh/√k."""
        h = h.times(self.per_root)
        return self.operator.A @ (h if self.operator.B is None else self.operator.B @ h)

    def back(self, w: Matrix) -> Matrix:
        """Ãᵀw/√k."""
        z = self.operator.A.T @ w
        return (z if self.operator.B is None else self.operator.B.T @ z).times(self.per_root)

    def normal(self, w: Matrix) -> Matrix:
        """M Mᵀw."""
        z, parts = self.back(w), []
        if "W" in self.trained:
            inner = (self.V.T @ z).entries()
            inner = [a * b * b * self.norm_u2 for a, b in zip(inner, self.dphi, strict=True)]
            parts.append(self.V @ Matrix.column(inner))
        if "V" in self.trained:
            parts.append(z.times(norm(self.phi) ** 2))
        return self._observe(reduce(add, parts))

    @cached_property
    def gram(self) -> Matrix:
        """M Mᵀ, where Im(Ã) is everything."""
        if self.network.kernel is not None:
            return self.network.kernel
        A, parts = self.operator.matrix, []
        if "W" in self.trained:
            block = (A @ self.V.to(A.precision)).scaled([d * self.norm_u2.sqrt() * self.per_root for d in self.dphi])
            parts.append(block @ block.T)
        if "V" in self.trained:
            parts.append(A.square().times((norm(self.phi) * self.per_root) ** 2))
        return reduce(add, parts)

    def gradient(self, scale: arb) -> dict[str, Balls]:
        """scale·Mᵀr by parameter, as balls."""
        z, found = self.back(self.residual), {}
        if "W" in self.trained:
            inner = (self.V.T @ z).entries()
            rows = [a * b * scale for a, b in zip(inner, self.dphi, strict=True)]
            found["W"] = [[a * b for b in self._inputs] for a in rows]
        if "V" in self.trained:
            found["V"] = [[scale * a * b for b in self.phi] for a in z.entries()]
        return found

    def column_norms(self) -> ByEntry:
        """‖M_{:,i}‖ by parameter and entry."""
        found: ByEntry = {}
        per_root, phi, dphi = self.per_root, self.phi, self.dphi
        if "W" in self.trained:
            norms = _column_norms(self.operator.matrix @ self.V)
            u = [abs(value) for value in self._inputs]
            found["W"] = lambda i, j: norms[i] * abs(dphi[i]) * u[j] * per_root
        if "V" in self.trained:
            own = _column_norms(self.operator.matrix)
            found["V"] = lambda i, j: own[i] * abs(phi[j]) * per_root
        return found

    def idle(self) -> ByEntry:
        """Whether a column of M vanishes for every θ: an input that is 0, an entry that A does not see."""
        unused = (self.arrays["u"] == 0).tolist()
        found: ByEntry = {"W": lambda i, j: unused[j]}
        if "V" in self.trained:
            unseen = [size.is_zero() for size in _column_norms(self.operator.matrix)]
            found["V"] = lambda i, j: unseen[i]
        return found

    def ends_in_metric(self, P: Mapping[str, Balls]) -> tuple[arb, arb]:
        """σ_min on Im(A) and the norm of M P^{1/2}."""
        core, parts = self.operator.data(self.operator.matrix), []
        if "W" in P:
            roots = _weighted(P["W"], self._inputs)
            parts.append((core @ self.V).scaled([d * x * self.per_root for d, x in zip(self.dphi, roots, strict=True)]))
        if "V" in P:
            parts.append(core.scaled([x * self.per_root for x in _weighted(P["V"], self.phi)]))
        whole = Gram(reduce(Matrix.hstack, parts))
        return whole.sigma, whole.norm


def _weighted(P: Balls, entries: list[arb]) -> list[arb]:
    """√Σ_j P_ij x_j² for every row i."""
    return [root(sum((p * x**2 for p, x in zip(row, entries, strict=True)), arb(0))) for row in P]


def _column_norms(X: Matrix) -> list[arb]:
    rows, columns = X.shape
    entries = X.entries()
    return [root(sum((entries[i * columns + j] ** 2 for i in range(rows)), arb(0))) for j in range(columns)]
