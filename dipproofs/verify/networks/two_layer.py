"""Two-layer networks as the verifier reads them: every quantity at θ_0, from the arrays (docs/theory.md §4, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from flint import arb

from dipproofs.theory import ACTIVATIONS
from dipproofs.theory import symbols as s
from dipproofs.theory.activations import x
from dipproofs.theory.architectures import Architecture
from dipproofs.theory.architectures.two_layer import ARCHITECTURES
from dipproofs.verify.arithmetic.expressions import compiled, evaluate, norm, root
from dipproofs.verify.arithmetic.rounded import COARSE, Rounded
from dipproofs.verify.arithmetic.spectra import Gram, frobenius
from dipproofs.verify.arithmetic.splitting import Matrix, rows_times
from dipproofs.verify.forward import Operator
from dipproofs.verify.networks.base import Claims
from dipproofs.verify.networks.two_layer_state import TwoLayerState


def architecture(network: Mapping[str, Any]) -> Architecture:
    """Return what the theorem knows of such a network."""
    return ARCHITECTURES[network["train"]]


def interpret(
    arrays: Mapping[str, np.ndarray], network: Mapping[str, Any], operator: Operator, claims: Claims
) -> TwoLayer:
    """Read a network; σ_min(J_0) and c_full only if they are claimed."""
    return TwoLayer(arrays, network, operator, bool({"sigma_min_J", "c_full"} & set(claims)))


class TwoLayer:
    """One network and one operator; see `base.Interpreter`.

    Args:
        arrays: A, y, u, W, V and, for a synthesis generator, B.
        network: the record's description of the network.
        operator: of the same arrays.
        unprojected: whether σ_min(J_0) and c_full, of the paper's theorem, are asked for.

    Attributes:
        kernel: MMᵀ, where it was made and Im(Ã) is everything.
    """

    kernel: Matrix | None = None

    def __init__(
        self, arrays: Mapping[str, np.ndarray], network: Mapping[str, Any], operator: Operator, unprojected: bool
    ) -> None:
        self.arrays, self.operator, self.train, k = arrays, operator, network["train"], arb(arrays["V"].shape[1])
        activation = ACTIVATIONS[network["activation"]]
        u, self.y, V = Matrix.of(arrays["u"]), Matrix.of(arrays["y"]), arrays["V"]
        hidden = (Matrix.of(arrays["W"]) @ u).entries()
        self.phi, self.dphi = ([compiled(f)({x: a}) for a in hidden] for f in (activation.phi, activation.dphi))
        self.values: dict[Any, arb] = {
            s.norm_A: operator.gram.norm, s.width: k, s.norm_u: frobenius(u),
            s.norm_phi: norm(self.phi), s.B_1: evaluate(activation.B_1, {}), s.B_2: evaluate(activation.B_2, {}),
        }  # fmt: skip
        signal = rows_times(V, Matrix.column(self.phi)).times(1 / k.sqrt())
        self.offset = Matrix.of(np.full(arrays["A"].shape[1], float(network.get("output_offset", 0.0))))
        self.signal = (signal if operator.B is None else operator.B @ signal) + self.offset
        self.prediction = operator.A @ self.signal
        self.slopes = [d * self.values[s.norm_u] / k.sqrt() for d in self.dphi]
        precision = operator.matrix.precision
        few = cast("Matrix", Rounded(V)) if precision == COARSE else Matrix.of(V, precision)
        self._injectivity(few, self.values[s.norm_phi] / k.sqrt(), unprojected)

    def state(self) -> TwoLayerState:
        """M at the arrays."""
        return TwoLayerState(self)

    def _injectivity(self, V: Matrix, outer: arb, unprojected: bool) -> None:
        values, operator = self.values, self.operator
        core = operator.data(operator.matrix)  # Ã in coordinates of its image
        goal = operator.goal
        values[s.sigma_A] = operator.sigma()
        AV = core @ V
        values[s.norm_V], values[s.c_A0] = Gram(AV).norm, AV.largest_column()
        block = AV.scaled(self.slopes)
        inside = Gram(block, goal=goal("sigma_A_in", "sigma_AJ"))
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
        goals = goal("sigma_in", "sigma_J")
        values[s.sigma_in] = values[s.sigma_A_in] if operator.mask else self._inner(PV, goals)
        values[s.sigma_J] = root(values[s.sigma_in] ** 2 + outer**2)
        if unprojected:
            full = values[s.sigma_in] if operator.rows is None else self._inner(V, goal("sigma_min_J"))
            values[s.sigma_min_J], values[s.c_full] = root(full**2 + outer**2), V.largest_column()

    def _with_outer_block(self, core: Matrix, block: Matrix, inside: Gram, outer: arb) -> None:
        values, operator = self.values, self.operator
        columns = core.times(outer)
        square = (operator.gram.K if operator.image is None and operator.m <= operator.r else core @ core.T).times(
            outer**2
        )
        goal = operator.goal("sigma_AJ")
        whole = {
            "inner": lambda: inside,
            "outer": lambda: Gram(columns, square, goal),
            "both": lambda: Gram(block.hstack(columns), inside.K + square, goal),
        }[self.train]()
        if operator.image is None:
            self.kernel = whole.K
        values[s.norm_AJ] = whole.norm
        if operator.rank is not None:
            values[s.sigma_AJ] = whole.sigma

    def _inner(self, X: Matrix, goal: float) -> arb:
        """σ_min of an inner block; 0 if W is fixed."""
        return arb(0) if self.train == "outer" else Gram(X.scaled(self.slopes), goal=goal).sigma
