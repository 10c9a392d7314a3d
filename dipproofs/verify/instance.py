"""The quantities at θ_0, recomputed from a certificate's arrays (docs/theory.md §1, §4, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, Self

import numpy as np
from flint import arb

from dipproofs.theory import ACTIVATIONS
from dipproofs.theory import symbols as s
from dipproofs.theory.activations import x
from dipproofs.verify.arithmetic.expressions import compiled, evaluate, norm, root
from dipproofs.verify.arithmetic.slices import Matrix
from dipproofs.verify.arithmetic.spectra import Gram, exact_rank, frobenius, whitened
from dipproofs.verify.operators import Selection, identity, operator_matrix

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
        self.A, self.B = operator_matrix(arrays["A"]), Matrix.of(arrays["B"]) if "B" in arrays else None
        self.forward, self.basis = self.A.to(kept), None if self.B is None else self.B.to(kept)
        self.matrix = self.forward if self.basis is None else self.forward @ self.basis
        self.m, self.r = self.matrix.shape
        wide = self.matrix if self.m <= self.r else self.matrix.T
        self.gram = Gram(wide)
        #: A Aᵀ = I exactly: then J Jᵀ of the outer layer only shifts the spectrum of the inner one
        self.mask = self.basis is None and isinstance(self.matrix, Selection)
        self.W: tuple[Matrix, arb] | None = None
        if self.mask:
            self.W = (identity(self.m, kept), arb(0)) if self.m != self.r else None
        elif self.m != self.r and self.gram.sigma > 0:
            self.W = whitened(wide)
        self.full_rank = bool(self.gram.sigma > 0) and (self.W is not None or self.m == self.r)
        self.rank = min(self.m, self.r) if self.full_rank else None
        #: X, W and β of the row space and of the image; None where that is everything
        self.rows = (self.matrix, *self.W) if self.W is not None and self.m < self.r else None
        self.image = (self.matrix.T, *self.W) if self.W is not None and self.m > self.r else None
        self.deficient = False
        if not self.full_rank and self.B is None:
            self._find_spaces(arrays["A"], kept)

    def _find_spaces(self, A: np.ndarray, kept: int) -> None:
        """Where the rank is exactly known and smaller: as many rows and columns of A, proved to be independent."""
        rank = _rank(A)
        if not rank or rank == min(A.shape):
            return
        self.deficient = True
        spaces: list[tuple[Matrix, Matrix, arb] | None] = []
        for X in (A, A.T):
            if rank == X.shape[1]:
                spaces.append(None)
                continue
            N = Matrix.of(np.ascontiguousarray(X[_independent(X, rank)])).to(kept)
            W = whitened(N) if Gram(N).sigma > 0 else None
            if W is None:
                return
            spaces.append((N, *W))
        self.rank, (self.rows, self.image) = rank, spaces

    def without_rank(self) -> Self:
        """The operator as a record has it that does not claim to know its rank: nothing is projected."""
        other = copy(self)
        other.__dict__.pop("geometry", None)
        other.rank, other.rows, other.image, other.full_rank = None, None, None, False
        return other

    def _coordinates(self, space: tuple[Matrix, Matrix, arb], product: Matrix) -> Matrix:
        """Qv from Xv."""
        found = space[1].T @ product
        return found.blurred(found.size * space[2])

    def data(self, v: Matrix) -> Matrix:
        """Coordinates of Πv, Π the projector on Im(Ã)."""
        return v if self.image is None else self._coordinates(self.image, self.image[0] @ v)

    def seen(self, V: Matrix, AV: Matrix) -> Matrix:
        """Coordinates of PV, P the projector on Im(Ãᵀ); AV is known where Ã has full row rank."""
        if self.rows is None:
            return V
        return self._coordinates(self.rows, AV if self.rows[0] is self.matrix else self.rows[0] @ V)


def _rank(A: np.ndarray) -> int | None:
    """The exact rank: of the distinct rows and columns that are not 0, if those are few or independent."""
    X = A
    for _ in range(2):
        X = np.unique(X + 0.0, axis=0)
        X = np.ascontiguousarray(X[X.any(axis=1)].T)
    if not X.size:
        return 0
    m, n = X.shape
    if m * n * min(m, n) <= _EXACT_RANK:
        return exact_rank(X)
    return min(m, n) if X.shape != A.shape and Gram(Matrix.of(X if m <= n else X.T)).sigma > 0 else None


def _independent(X: np.ndarray, rank: int) -> np.ndarray:
    """Rows that pivoted elimination takes for independent (a proposal)."""
    from scipy.linalg import qr

    return np.sort(qr(X.T, mode="r", pivoting=True)[1][:rank])


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
            s.norm_A: operator.gram.norm, s.width: k, s.norm_u: frobenius(u),
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
        values[s.sigma_A] = Gram(core).sigma if operator.deficient else operator.gram.sigma
        AV = core @ V
        values[s.norm_V], values[s.c_A0] = Gram(AV).norm, AV.largest_column()
        block = AV.scaled(self.slopes)
        inside = Gram(block)
        values[s.sigma_A_in] = inside.sigma if self.train != "outer" else arb(0)
        if operator.mask:
            inner = (arb(0), arb(0)) if self.train == "outer" else (inside.smallest, inside.largest)
            shift = arb(0) if self.train == "inner" else outer**2
            values[s.sigma_AJ], values[s.norm_AJ] = (root(x + shift) for x in inner)
        else:
            self._with_outer_block(core, block, inside, outer)
        if operator.rank is None:
            return
        outer = outer if self.train != "inner" else arb(0)
        PV = operator.seen(V, AV)
        values[s.c_0] = PV.largest_column()
        values[s.sigma_in] = values[s.sigma_A_in] if operator.mask else self._inner(PV)
        values[s.sigma_J] = root(values[s.sigma_in] ** 2 + outer**2)
        if unprojected:
            full = values[s.sigma_in] if operator.rows is None else self._inner(V)
            values[s.sigma_min_J], values[s.c_full] = root(full**2 + outer**2), V.largest_column()

    def _with_outer_block(self, core: Matrix, block: Matrix, inside: Gram, outer: arb) -> None:
        values, operator = self.values, self.operator
        columns = core.times(outer)
        square = (operator.gram.K if operator.image is None and operator.m <= operator.r else core @ core.T).times(
            outer**2
        )
        whole = {"inner": lambda: inside, "outer": lambda: Gram(columns, square),
                 "both": lambda: Gram(block.beside(columns), inside.K + square)}[self.train]()  # fmt: skip
        values[s.norm_AJ] = whole.norm
        if operator.rank is not None:
            values[s.sigma_AJ] = whole.sigma

    def _inner(self, X: Matrix) -> arb:
        """σ_min of an inner block; 0 if W is fixed."""
        return arb(0) if self.train == "outer" else Gram(X.scaled(self.slopes)).sigma
