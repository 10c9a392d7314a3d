"""The quantities at θ_0, recomputed from a certificate's arrays (docs/theory.md §1, §4, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import arb

from dipproofs.theory import ACTIVATIONS
from dipproofs.theory import symbols as s
from dipproofs.theory.activations import x
from dipproofs.verify.arithmetic.expressions import compiled, evaluate, norm, root
from dipproofs.verify.arithmetic.slices import Matrix
from dipproofs.verify.arithmetic.spectra import Gram, exact_rank, frobenius, whitened

_EXACT_RANK = 20_000_000


class Operator:
    """The operator Ã = AB (B = I without a basis), m×r, with isometric coordinates of Im(Ã) and Im(Ãᵀ).

    Args:
        arrays: A and, for a synthesis generator, B.
        kept: bits that products of matrices keep; those with vectors are cheap and keep all of A and B.

    Notes:
        With ‖H − I‖ ≤ β, H = WᵀXXᵀW, the rows of Q = H^(−½)WᵀX are an orthonormal basis of the row space of X, and
        ‖Qv − WᵀXv‖ ≤ β‖WᵀXv‖: coordinates are enclosed by adding that to the error.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], kept: int) -> None:
        self.A, self.B = Matrix.of(arrays["A"]), Matrix.of(arrays["B"]) if "B" in arrays else None
        self.forward, self.basis = self.A.to(kept), None if self.B is None else self.B.to(kept)
        self.matrix = self.forward if self.basis is None else self.forward @ self.basis
        self.m, self.r = self.matrix.shape
        wide = self.matrix if self.m <= self.r else self.matrix.T
        self.gram = Gram(wide)
        self.W = whitened(wide) if self.m != self.r and self.gram.sigma > 0 else None
        self.full_rank = bool(self.gram.sigma > 0) and (self.W is not None or self.m == self.r)
        small = self.B is None and self.m * self.r * min(self.m, self.r) <= _EXACT_RANK
        self.deficient = small and not self.full_rank and exact_rank(arrays["A"]) < min(self.m, self.r)

    def coordinates(self, product: Matrix) -> Matrix:
        """Qv from Xv, X = Ã or Ãᵀ, whichever has more columns."""
        W, beta = self.W or (product, arb.nan())
        found = W.T @ product
        return found.blurred(found.size * beta)

    def data(self, v: Matrix) -> Matrix:
        """Coordinates of Πv, Π the projector on Im(Ã)."""
        return self.coordinates(self.matrix.T @ v) if self.m > self.r and self.full_rank else v


class Instance:
    """One network and one operator.

    Args:
        arrays: A, y, u, W, V and, for a synthesis generator, B.
        network: the record's description of the network.
        operator: of the same arrays.
        unprojected: whether σ_min(J_0) and c_full, of the paper's theorem, are asked for.
    """

    def __init__(
        self, arrays: Mapping[str, np.ndarray], network: Mapping[str, Any], operator: Operator, unprojected: bool
    ) -> None:
        self.operator, self.train, k = operator, network["train"], arb(arrays["V"].shape[1])
        activation = ACTIVATIONS[network["activation"]]
        u, V, self.y = (Matrix.of(arrays[name]) for name in ("u", "V", "y"))
        hidden = (Matrix.of(arrays["W"]) @ u).entries()
        phi, dphi = ([compiled(f)({x: a}) for a in hidden] for f in (activation.phi, activation.dphi))
        self.values: dict[Any, arb] = {
            s.sigma_A: operator.gram.sigma, s.norm_A: operator.gram.norm, s.width: k, s.norm_u: frobenius(u),
            s.norm_phi: norm(phi), s.B_1: evaluate(activation.B_1, {}), s.B_2: evaluate(activation.B_2, {}),
        }  # fmt: skip
        signal = (V @ Matrix.column(phi)).times(1 / k.sqrt())
        self.offset = Matrix.of(np.full(arrays["A"].shape[1], float(network.get("output_offset", 0.0))))
        self.signal = (signal if operator.B is None else operator.B @ signal) + self.offset
        self.prediction = operator.A @ self.signal
        self.slopes = [d * self.values[s.norm_u] / k.sqrt() for d in dphi]
        self._injectivity(V.to(operator.matrix.kept), self.values[s.norm_phi] / k.sqrt(), unprojected)

    def _injectivity(self, V: Matrix, outer: arb, unprojected: bool) -> None:
        values, operator = self.values, self.operator
        core = operator.data(operator.matrix)  # Ã in coordinates of its image
        AV = core @ V
        values[s.norm_V], values[s.c_A0] = Gram(AV).norm, AV.largest_column()
        block = AV.scaled(self.slopes)
        inside, columns = Gram(block), core.times(outer)
        square = (operator.gram.K if operator.m <= operator.r else core @ core.T).times(outer**2)
        whole = {"inner": lambda: inside, "outer": lambda: Gram(columns, square),
                 "both": lambda: Gram(block.beside(columns), inside.K + square)}[self.train]()  # fmt: skip
        values[s.sigma_A_in] = inside.sigma if self.train != "outer" else arb(0)
        values[s.norm_AJ] = whole.norm
        if not operator.full_rank:
            return
        values[s.sigma_AJ] = whole.sigma
        outer = outer if self.train != "inner" else arb(0)
        PV = operator.coordinates(AV) if operator.m < operator.r else V
        values[s.c_0], values[s.sigma_in] = PV.largest_column(), self._inner(PV)
        values[s.sigma_J] = root(values[s.sigma_in] ** 2 + outer**2)
        if unprojected:
            full = self._inner(V) if operator.m < operator.r else values[s.sigma_in]
            values[s.sigma_min_J], values[s.c_full] = root(full**2 + outer**2), V.largest_column()

    def _inner(self, X: Matrix) -> arb:
        """σ_min of an inner block; 0 if W is fixed."""
        return arb(0) if self.train == "outer" else Gram(X.scaled(self.slopes)).sigma
