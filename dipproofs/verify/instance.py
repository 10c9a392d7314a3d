"""The base quantities of a certificate, recomputed from its arrays (docs/theory.md §1, §4, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import arb

from ..theory import ACTIVATIONS
from ..theory.activations import x
from .balls import Balls, between, largest, smallest, upper, whitened
from .large import Slices
from .walker import compiled

ARB_SIDE, ARB_ENTRIES, ARB_PRODUCT = 1000, 4_000_000, 1_300_000_000
_CHUNK_ENTRIES = 1_000_000


def path_for(arrays: Mapping[str, np.ndarray]) -> type[Any]:
    """Arb where it takes less than a minute, else exact integer slices."""
    (m, n), (r, k) = arrays["A"].shape, arrays["V"].shape
    small = max(m, n, r) <= ARB_SIDE and (m + r) * k <= ARB_ENTRIES and m * r * k <= ARB_PRODUCT
    return Balls if small and arrays["W"].size <= ARB_ENTRIES else Slices


def root(ball: arb) -> arb:
    """Square root of a number known to be ≥ 0."""
    return between(arb(0).max(arb(ball.lower())).sqrt(), arb(0).max(arb(ball.upper())).sqrt())


def norm(entries: list[arb]) -> arb:
    """Euclidean norm."""
    return root(sum((entry * entry for entry in entries), arb(0)))


def _around_one(beta: arb) -> arb:
    return arb(1, upper(beta))


class Instance:
    """One network and one operator, in ball arithmetic.

    Args:
        arrays: A, y, u, W, V and, for a synthesis generator, B (then AB takes the place of A).
        network: the record's description of the network.

    Notes:
        r = min(m, n) throughout. For m > n the operator is replaced by its coordinates QᵀA, Q = AT with
        QᵀQ = I + E, ‖E‖ ≤ β; for m < n the projection on Im(Aᵀ) has the coordinates (TA)v, likewise.
        Squared norms in such coordinates are exact up to a factor in [1−β, 1+β].
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], network: Mapping[str, Any]) -> None:
        self.arrays, self.train = arrays, network["train"]
        self.activation = ACTIVATIONS[network["activation"]]
        self.offset = network.get("output_offset", 0.0)
        self.path = path_for(arrays)
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
        self.gram = A @ A.T if self.m <= self.n else A.T @ A
        self.values["sigma_A"], self.values["norm_A"] = root(smallest(self.gram)), root(largest(self.gram))
        self.full_rank = bool(self.values["sigma_A"] > 0)
        self.A, self.rows, self.range, self.left = A, None, arb(1), None
        if not self.full_rank or self.m == self.n:
            return
        found = self.whiten(A.mid() if self.m > self.n else A.mid().T, self.gram)
        if found is None:
            self.full_rank = False
            return
        T, beta = found
        self.range = _around_one(beta)
        if self.m > self.n:
            self.left = T.T @ A.T
            self.A, self.gram = T.T @ self.gram, None
            self.gram = self.A @ self.A.T
        else:
            self.rows = T.T

    @staticmethod
    def whiten(tall: np.ndarray, gram: Any) -> tuple[Any, arb] | None:
        """T with TᵀGT ≈ I for the Gram matrix G of the columns of ``tall``."""
        try:
            return whitened(gram, np.linalg.inv(np.linalg.qr(tall, mode="r")))
        except np.linalg.LinAlgError:
            return None

    # --- the network --------------------------------------------------------------------------------
    def _hidden(self) -> None:
        u = [arb(value) for value in self.arrays["u"].tolist()]
        a = (self.path.of(self.arrays["W"]) @ self.path.column(u)).arbs()
        phi, dphi = compiled(self.activation.phi), compiled(self.activation.dphi)
        self.phi = [phi({x: value}) for value in a]
        self.dphi = [dphi({x: value}) for value in a]
        self.values["norm_u"], self.values["norm_phi"] = norm(u), norm(self.phi)
        V = self.path.of(self.arrays["V"])
        signal = (V @ self.path.column(self.phi)).times(1 / arb(self.k).sqrt())
        if self.basis is not None:
            signal = self.basis @ signal
        signal = signal + self.path.of(np.full(signal.shape, self.offset))
        self.prediction = (self.forward @ signal).arbs()

    def residual(self) -> list[arb]:
        """Numbers with the norm of Ag − Πy, up to ``range``."""
        difference = [v - arb(y) for v, y in zip(self.prediction, self.arrays["y"].tolist())]
        return difference if self.left is None else (self.left @ self.path.column(difference)).arbs()

    def injectivity(self, wanted: set[str]) -> None:
        """Enclose what depends on V, in chunks of its columns (see the class for the coordinates)."""
        values, k, train = self.values, arb(self.k), self.train
        inner, outer = values["norm_u"] ** 2 / k, values["norm_phi"] ** 2 / k
        known = self.full_rank or self.m == self.n
        sums: dict[str, Any] = {}

        def add(name: str, matrix: Any) -> None:
            product = matrix @ matrix.T
            sums[name] = sums[name] + product if name in sums else product

        columns = {"c_0": arb(0), "c_A0": arb(0), "c_full": arb(0)}
        whole = self.m >= self.n
        step = max(1, _CHUNK_ENTRIES // max(self.n, self.m)) if self.path is Balls else self.k
        for start in range(0, self.k, step):
            V = self.path.of(self.arrays["V"][:, start : start + step])
            slopes = self.dphi[start : start + step]
            AV = self.A @ V
            PV = V if whole else self.rows @ AV if self.rows is not None else None
            for name, matrix in (("c_A0", AV), ("c_0", PV), ("c_full", V)):
                if matrix is not None and (name != "c_full" or name in wanted):
                    columns[name] = columns[name].max(matrix.largest_column())
            add("AV", AV)
            if train != "outer":
                add("M", AV.scaled(slopes))
                if PV is not None:
                    add("P", PV.scaled(slopes))
                if not whole and "sigma_min_J" in wanted:
                    add("V", V.scaled(slopes))
        one, span, P_range = arb(1), self.range if self.left is not None else arb(1), self.range
        P_range = one if whole else P_range
        values["norm_V"] = root(largest(sums["AV"]) / span)
        values["c_A0"] = root(columns["c_A0"] ** 2 / span)
        gram = self.gram
        if train == "both":
            M = sums["M"].times(inner) + gram.times(outer)
        else:
            M = sums["M"].times(inner) if train == "inner" else gram.times(outer)
        values["norm_AJ"] = root(largest(M) / span)
        if not known:
            return
        r = min(self.m, self.n)
        values["c_0"] = root(columns["c_0"] ** 2 / P_range)
        flat = train == "inner" and self.k < r
        values["sigma_AJ"] = arb(0) if flat else root(smallest(M) / span)
        values["sigma_A_in"] = self._inner(sums.get("M"), r, inner / span)
        values["sigma_in"] = self._inner(sums.get("P"), r, inner / P_range)
        outer = outer if train != "inner" else arb(0)
        values["sigma_J"] = root(values["sigma_in"] ** 2 + outer)
        if "sigma_min_J" in wanted or "c_full" in wanted:
            full = values["sigma_in"] if whole else self._inner(sums.get("V"), self.n, inner)
            values["sigma_min_J"] = root(full**2 + outer)
            values["c_full"] = columns["c_full"]

    def _inner(self, K: Any, dimension: int, factor: arb) -> arb:
        """σ_min of an inner block: exactly 0 if W is fixed or the block has too few columns."""
        return arb(0) if K is None or self.k < dimension else root(smallest(K) * factor)
