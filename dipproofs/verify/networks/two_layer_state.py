"""The state of a method on a two-layer network, in the verifier's arithmetic (docs/theory.md §4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from flint import arb

from dipproofs.theory import ACTIVATIONS
from dipproofs.theory.activations import x
from dipproofs.verify.arithmetic.expressions import compiled, norm, root
from dipproofs.verify.arithmetic.spectra import frobenius
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.forward import Operator
from dipproofs.verify.methods.state import Balls, ByEntry, dot
from dipproofs.verify.networks import two_layer_metric as metric

#: Up to this many rows a hint w ≈ K⁻¹r is made.
_ROWS = 2048


def state(audit: Any) -> TwoLayerState:
    """Return M of the network of a certificate."""
    return TwoLayerState(audit.arrays, audit.record["network"], audit.operator, audit.instance.prediction)


class TwoLayerState:
    """M at the arrays of a certificate, applied to vectors; see `state.State`.

    Args:
        arrays: A, y, u, W, V and, for a synthesis generator, B.
        network: the record's description of the network.
        operator: the verifier's Ã of the same arrays.
        prediction: Ag, (m, 1).
    """

    def __init__(
        self, arrays: Mapping[str, np.ndarray], network: Mapping[str, Any], operator: Operator, prediction: Matrix
    ):
        self.arrays, self.operator = arrays, operator
        self.trained = {"both": ("W", "V"), "inner": ("W",), "outer": ("V",)}[network["train"]]
        activation = ACTIVATIONS[network["activation"]]
        self.u, self.V, y = (Matrix.of(arrays[name]) for name in ("u", "V", "y"))
        hidden = (Matrix.of(arrays["W"]) @ self.u).entries()
        self.phi, self.dphi = ([compiled(f)({x: a}) for a in hidden] for f in (activation.phi, activation.dphi))
        self.per_root = 1 / arb(arrays["V"].shape[1]).sqrt()
        self.residual = prediction - y
        self.norm_u2 = frobenius(self.u) ** 2

    def parameter(self, name: str) -> np.ndarray:
        """Return the stored array of a parameter."""
        return self.arrays[name]

    def rows(self, array: np.ndarray) -> list[list[float]]:
        """Return the entries of an array of a parameter's shape as rows."""
        return cast(list[list[float]], array.astype(np.float64).tolist())

    def forward(self, D: Mapping[str, np.ndarray]) -> Matrix:
        """M D for exact arrays by parameter."""
        total: Matrix | None = None
        if "W" in self.trained:
            along = (Matrix.of(D["W"]) @ self.u).entries()
            total = self.V @ Matrix.column([a * b for a, b in zip(along, self.dphi, strict=True)])
        if "V" in self.trained:
            outer = Matrix.of(D["V"]) @ Matrix.column(self.phi)
            total = outer if total is None else total + outer
        assert total is not None
        return self._observe(total.times(self.per_root))

    def _observe(self, h: Matrix) -> Matrix:
        return self.operator.A @ (h if self.operator.B is None else self.operator.B @ h)

    def back(self, w: Matrix) -> Matrix:
        """Ãᵀw/√k."""
        z = self.operator.A.T @ w
        return (z if self.operator.B is None else self.operator.B.T @ z).times(self.per_root)

    def normal(self, w: Matrix) -> Matrix:
        """M Mᵀw."""
        z = self.back(w)
        total: Matrix | None = None
        if "W" in self.trained:
            inner = (self.V.T @ z).entries()
            inner = [a * b * b * self.norm_u2 for a, b in zip(inner, self.dphi, strict=True)]
            total = self.V @ Matrix.column(inner)
        if "V" in self.trained:
            outer = z.times(norm(self.phi) ** 2)
            total = outer if total is None else total + outer
        assert total is not None
        return self._observe(total.times(self.per_root))

    def gram(self) -> Matrix:
        """M Mᵀ, where Im(Ã) is everything."""
        A = self.operator.matrix
        total: Matrix | None = None
        if "W" in self.trained:
            block = (A @ self.V.to(A.precision)).scaled([d * self.norm_u2.sqrt() * self.per_root for d in self.dphi])
            total = block @ block.T
        if "V" in self.trained:
            outer = A.square().times((norm(self.phi) * self.per_root) ** 2)
            total = outer if total is None else total + outer
        assert total is not None
        return total

    def gradient(self, scale: arb) -> dict[str, list[list[arb]]]:
        """scale·Mᵀr by parameter, as balls."""
        z = self.back(self.residual)
        found, entries = {}, z.entries()
        if "W" in self.trained:
            inner = (self.V.T @ z).entries()
            u = [arb(value) for value in self.arrays["u"].astype(np.float64).tolist()]
            rows = [a * b * scale for a, b in zip(inner, self.dphi, strict=True)]
            found["W"] = [[a * b for b in u] for a in rows]
        if "V" in self.trained:
            found["V"] = [[scale * a * b for b in self.phi] for a in entries]
        return found

    def gradient_norm(self) -> arb:
        """‖Mᵀr‖ = √⟨r, MMᵀr⟩."""
        return root(dot(self.residual, self.normal(self.residual)))

    def newton_hint(self) -> np.ndarray | None:
        """w with K w ≈ r, in floats."""
        m = self.residual.shape[0]
        if m > _ROWS:
            return None
        eye, V = np.eye(m), self.V.floats()
        A = self.operator.A.floats()
        A = A if self.operator.B is None else A @ self.operator.B.floats()
        k = V.shape[1]
        inner, outer = (np.array([float(a.mid()) for a in values]) for values in (self.dphi, self.phi))
        K = np.zeros((m, m))
        if "W" in self.trained:
            N = (A @ V) * inner
            K += float(self.norm_u2.mid()) / k * (N @ N.T)
        if "V" in self.trained:
            K += float(outer @ outer) / k * (A @ A.T)
        try:
            return np.asarray(np.linalg.solve(K, self.residual.floats().ravel()) @ eye)
        except np.linalg.LinAlgError:
            return None

    def column_norms(self) -> ByEntry:
        """‖M_{:,i}‖ by parameter and entry."""
        return metric.column_norms(self)

    def idle(self) -> ByEntry:
        """Whether a column of M vanishes for every θ."""
        return metric.idle(self)

    def ends_in_metric(self, P: Mapping[str, Balls]) -> tuple[arb, arb]:
        """σ_min on Im(A) and the norm of M P^{1/2}."""
        return metric.ends_in_metric(self, P)
