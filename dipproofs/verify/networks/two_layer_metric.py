"""M P^{1/2} of a two-layer network in the verifier's arithmetic, P Adam's metric (docs/theory-methods.md §3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from flint import arb

from dipproofs.verify.arithmetic.expressions import root
from dipproofs.verify.arithmetic.spectra import Gram
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.methods.state import Balls, ByEntry

if TYPE_CHECKING:
    from dipproofs.verify.networks.two_layer_state import TwoLayerState


def _observed(state: TwoLayerState) -> tuple[Matrix, Matrix]:
    A = state.operator.matrix
    core = state.operator.data(A)
    return core, core @ state.V


def ends_in_metric(state: TwoLayerState, P: Mapping[str, Balls]) -> tuple[arb, arb]:
    """σ_min on Im(A) and the norm of M P^{1/2}."""
    core, AV = _observed(state)
    parts: list[Matrix] = []
    factor = state.per_root
    if "W" in P:
        u2 = [arb(value) ** 2 for value in state.arrays["u"].astype(np.float64).tolist()]
        sums = [sum((p * w for p, w in zip(row, u2, strict=True)), arb(0)) for row in P["W"]]
        parts.append(AV.scaled([d * root(x) * factor for d, x in zip(state.dphi, sums, strict=True)]))
    if "V" in P:
        squares = [f * f for f in state.phi]
        sums = [sum((p * w for p, w in zip(row, squares, strict=True)), arb(0)) for row in P["V"]]
        parts.append(core.scaled([root(x) * factor for x in sums]))
    whole = Gram(parts[0] if len(parts) == 1 else parts[0].hstack(parts[1]))
    return whole.sigma, whole.norm


def idle(state: TwoLayerState) -> ByEntry:
    """Whether a column of M vanishes for every θ: an input that is 0, an entry that A does not see."""
    unused = (state.arrays["u"] == 0).tolist()
    found: ByEntry = {"W": lambda i, j: unused[j]}
    if "V" in state.trained:
        unseen = [size.is_zero() for size in _column_norms(state.operator.matrix)]
        found["V"] = lambda i, j: unseen[i]
    return found


def column_norms(state: TwoLayerState) -> ByEntry:
    """‖M_{:,i}‖ by parameter and index."""
    found: ByEntry = {}
    per_root, phi, dphi = state.per_root, state.phi, state.dphi
    if "W" in state.trained:
        norms = _column_norms(state.operator.matrix @ state.V)
        u = [abs(arb(value)) for value in state.arrays["u"].astype(np.float64).tolist()]
        found["W"] = lambda i, j: norms[i] * abs(dphi[i]) * u[j] * per_root
    if "V" in state.trained:
        own = _column_norms(state.operator.matrix)
        found["V"] = lambda i, j: own[i] * abs(phi[j]) * per_root
    return found


def _column_norms(X: Matrix) -> list[arb]:
    rows, columns = X.shape
    entries = X.entries()
    return [root(sum((entries[i * columns + j] ** 2 for i in range(rows)), arb(0))) for j in range(columns)]
