"""The base quantities of a certificate, recomputed from its arrays (docs/theory.md §1, §4, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import arb, fmpz_mat

from ..theory import ACTIVATIONS
from ..theory.activations import x
from .balls import Balls, largest, smallest, upper, whitened
from .large import FineSlices, Slices
from .walker import compiled, root

ARB_SIDE, ARB_ENTRIES, ARB_PRODUCT = 256, 1_000_000, 20_000_000
EXACT_RANK = 20_000_000


def paths_for(arrays: Mapping[str, np.ndarray]) -> list[type[Any]]:
    """Arb where that takes seconds, else exact integer slices, and finer ones if those do not suffice."""
    (m, n), (r, k) = arrays["A"].shape, arrays["V"].shape
    small = max(m, n, r) <= ARB_SIDE and (m + r) * k <= ARB_ENTRIES and m * r * k <= ARB_PRODUCT
    return [Balls] if small and arrays["W"].size <= ARB_ENTRIES else [Slices, FineSlices]


def exact_rank(A: np.ndarray) -> int:
    """The rank of a matrix of floats, in exact arithmetic; its full rank, unproved, where that would take long."""
    if A.shape[0] * A.shape[1] * min(A.shape) > EXACT_RANK:
        return min(A.shape)
    ratios = [value.as_integer_ratio() for value in A.ravel().tolist()]
    common = max((bottom for _, bottom in ratios), default=1)  # all are powers of two
    return fmpz_mat(*A.shape, [top * (common // bottom) for top, bottom in ratios]).rank()


def norm(entries: list[arb]) -> arb:
    """Euclidean norm."""
    return root(sum((entry * entry for entry in entries), arb(0)))


class Instance:
    """One network and one operator, in ball arithmetic.

    Args:
        arrays: A, y, u, W, V and, for a synthesis generator, B (then AB takes the place of A).
        network: the record's description of the network.
        path: the class of matrices to compute with.

    Notes:
        r = min(m, n) throughout. For m > n the operator is replaced by its coordinates QᵀA, Q = AT with
        QᵀQ = I + E, ‖E‖ ≤ β; for m < n the projection on Im(Aᵀ) has the coordinates (TA)v, likewise.
        Squared norms in such coordinates are exact up to a factor in ``range`` = [1−β, 1+β].
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], network: Mapping[str, Any], path: type[Any]) -> None:
        self.arrays, self.train = arrays, network["train"]
        self.activation = ACTIVATIONS[network["activation"]]
        self.offset = network.get("output_offset", 0.0)
        self.path = path
        self.values: dict[str, arb] = {}
        self.k = arrays["V"].shape[1]
        self._operator()
        self._hidden()

    # --- the operator -------------------------------------------------------------------------------
    def _operator(self) -> None:
        self.forward = self.path.of(self.arrays["A"])
        self.basis = self.path.of(self.arrays["B"]) if "B" in self.arrays else None
        A = self.forward if self.basis is None else self.forward @ self.basis
        self.m, self.n = A.shape
        wide = A if self.m <= self.n else A.T
        self.gram = wide @ wide.T
        self.values["sigma_A"] = root(smallest(self.gram, wide))
        self.values["norm_A"] = root(largest(self.gram))
        self.A, self.rows, self.left, self.range = A, None, None, arb(1)
        found = whitened(wide) if self.m != self.n and self.values["sigma_A"] > 0 else None
        self.full_rank = bool(self.values["sigma_A"] > 0) and (found is not None or self.m == self.n)
        if found is None:
            return
        W, beta = found
        self.range = arb(1, upper(beta))
        if self.m > self.n:
            self.left, self.A = W.T @ A.T, W.T @ self.gram
            self.gram = self.A @ self.A.T
        else:
            self.rows = W.T

    # --- the network --------------------------------------------------------------------------------
    def _hidden(self) -> None:
        of, fine = self.path.fine.of, self.path.fine  # products with vectors are cheap, and small residuals cancel
        u = [arb(value) for value in self.arrays["u"].tolist()]
        a = (of(self.arrays["W"]) @ fine.column(u)).arbs()
        phi, dphi = compiled(self.activation.phi), compiled(self.activation.dphi)
        self.phi = [phi({x: value}) for value in a]
        self.dphi = [dphi({x: value}) for value in a]
        self.values["norm_u"], self.values["norm_phi"] = norm(u), norm(self.phi)
        signal = (of(self.arrays["V"]) @ fine.column(self.phi)).times(1 / arb(self.k).sqrt())
        if self.basis is not None:
            signal = of(self.arrays["B"]) @ signal
        self.signal = signal + of(np.full(signal.shape, self.offset))
        self.prediction = (of(self.arrays["A"]) @ self.signal).arbs()

    def residual(self) -> list[arb]:
        """Numbers with the norm of Ag − Πy, up to ``range``."""
        difference = [v - arb(y) for v, y in zip(self.prediction, self.arrays["y"].tolist())]
        return difference if self.left is None else (self.left @ self.path.column(difference)).arbs()

    def injectivity(self, unprojected: bool) -> None:
        """Enclose what depends on V (see the class for the coordinates)."""
        values, k, train = self.values, arb(self.k), self.train
        inner, outer = values["norm_u"] / k.sqrt(), values["norm_phi"] / k.sqrt()
        V = self.path.of(self.arrays["V"])
        AV = self.A @ V
        images = self.range if self.left is not None else arb(1)  # factor of squared norms in Im(A), in Im(Aᵀ)
        signals = self.range if self.rows is not None else arb(1)
        values["norm_V"] = root(largest(AV @ AV.T) / images)
        values["c_A0"] = AV.largest_column() / root(images)
        N = self.A.times(outer) if train == "outer" else AV.scaled(self.dphi).times(inner)
        K = N @ N.T
        values["sigma_A_in"] = self._smallest(N, K, images) if train != "outer" else arb(0)
        if train == "both":
            N, K = N.beside(self.A.times(outer)), K + self.gram.times(outer**2)
        values["norm_AJ"] = root(largest(K) / images)
        if not self.full_rank:
            return
        values["sigma_AJ"] = self._smallest(N, K, images)
        outer = outer if train != "inner" else arb(0)
        PV = V if self.m >= self.n else self.rows @ AV
        values["c_0"] = PV.largest_column() / root(signals)
        values["sigma_in"] = self._inner(PV, inner, signals)
        values["sigma_J"] = root(values["sigma_in"] ** 2 + outer**2)
        if unprojected:
            full = values["sigma_in"] if self.m >= self.n else self._inner(V, inner, arb(1))
            values["sigma_min_J"], values["c_full"] = root(full**2 + outer**2), V.largest_column()

    def _inner(self, XV: Any, inner: arb, factor: arb) -> arb:
        """σ_min of an inner block; 0 if W is fixed."""
        if self.train == "outer":
            return arb(0)
        N = XV.scaled(self.dphi).times(inner)
        return self._smallest(N, N @ N.T, factor)

    @staticmethod
    def _smallest(N: Any, K: Any, factor: arb) -> arb:
        """σ_min(N), exactly 0 if N has more rows than columns; squares are known up to the factor."""
        return arb(0) if N.shape[1] < N.shape[0] else root(smallest(K, N) / factor)
