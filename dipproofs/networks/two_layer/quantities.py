"""The base quantities of a two-layer network, enclosed (docs/theory.md §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.enclosures import Bound, IntervalMatrix, IntervalVector, enclose, norm
from dipproofs.networks.base import Enclosure
from dipproofs.networks.two_layer.blocks import Blocks
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.theory import ACTIVATIONS
from dipproofs.theory import symbols as s

if TYPE_CHECKING:
    from dipproofs.networks.two_layer.network import TwoLayer


def enclose_network(network: TwoLayer, operator: OperatorBounds, *, unprojected: bool) -> Enclosure:
    """Enclose all base quantities at an iterate; evidence proved.

    Args:
        network: parameters θ_t.
        operator: bounds of A (or AB), with rank decided.
        unprojected: also enclose σ_min(J) and max‖v_j‖, which only the paper's own form uses.
    """
    hidden = network.hidden
    AV = operator.apply_exact(network.V)
    rows, columns = operator.rows, operator.columns
    values: dict[Any, Bound] = {s.norm_u: hidden.norm_u, s.norm_phi: hidden.norm_phi}
    values |= {s.norm_A: operator.norm, s.sigma_A: operator.sigma}
    observed = Blocks(network.train, hidden, columns.coordinates(AV), operator.coordinates, operator.orthonormal)
    shared = columns.identity and AV.shape[1] < AV.shape[0]
    values[s.norm_V] = observed.norm_XV if shared else norm(AV)
    values[s.sigma_AJ] = observed.smallest() / columns.singular_value_range
    values[s.norm_AJ] = observed.largest() / columns.singular_value_range
    values[s.sigma_A_in] = observed.inner_smallest / columns.singular_value_range
    values[s.c_A0] = _largest_column(AV)
    if operator.orthonormal:
        signal, c_0 = observed, values[s.c_A0]
    else:
        BV = rows.coordinates(IntervalMatrix.from_exact(network.V))
        signal = Blocks(network.train, hidden, BV, rows.rows, rows.identity)
        c_0 = _largest_column(BV) / rows.singular_value_range
    values[s.sigma_J] = signal.smallest() / rows.singular_value_range
    values[s.sigma_in] = signal.inner_smallest / rows.singular_value_range
    values[s.c_0] = c_0
    if unprojected:
        V = IntervalMatrix.from_exact(network.V)
        values[s.c_full] = _largest_column(V)
        whole = signal if rows.identity else Blocks(network.train, hidden, V, None, True)
        values[s.sigma_min_J] = whole.smallest()
    return Enclosure(values, prediction(network, operator), sizes(network))


def sizes(network: TwoLayer) -> dict[Any, Bound]:
    """Return the width and the activation's constants."""
    activation = ACTIVATIONS[network.activation]
    return {
        s.width: Bound.exact(network.width),
        s.B_1: enclose(activation.B_1, {}),
        s.B_2: enclose(activation.B_2, {}),
    }


def proof_cost(network: TwoLayer, operator: OperatorBounds) -> float:
    """Multiplications of the Gram matrix of AV, the largest product of a proof."""
    m, k = operator.matrix.shape[0], network.width
    return float(m) * k * min(m, k)


def never_injective(network: TwoLayer, rank: int | None) -> str:
    """Say why s_A(θ) = 0 for every θ where the network is that narrow."""
    if network.train != "inner" or rank is None or network.width >= rank:
        return ""
    return (
        f"with only the inner layer trained, A g(u,θ) moves in at most k = {network.width} directions, fewer than "
        f"rank A = {rank}: s_A(θ) = 0 for every θ; use a width of at least {rank}, or train the outer layer too"
    )


def whole_signal(network: TwoLayer) -> IntervalVector:
    """Enclose g(u, θ), (n,): with the basis and the offset."""
    signal = network.hidden_signal
    if network.basis is not None:
        signal = IntervalMatrix.from_exact(network.basis) @ signal
    return signal + IntervalMatrix.from_exact(np.full(network.n, float(network.output_offset)))


def _largest_column(matrix: IntervalMatrix) -> Bound:
    lower, upper = matrix.column_norms()
    return Bound(float(np.max(lower)), float(np.max(upper)))


def prediction(network: TwoLayer, operator: OperatorBounds) -> IntervalVector:
    """Enclose A g(u, θ), (m,)."""
    v = operator.apply(network.hidden_signal)
    if not network.output_offset:
        return v
    ones = IntervalMatrix.from_exact(np.full(network.n, network.output_offset))
    exact = operator.matrix if operator.exact is None else operator.exact
    return v + exact @ ones
