"""Enclosures of what a two-layer network contributes to a certificate (docs/theory.md §4).

With N_X = (‖u‖/√k) X V diag(φ'(a)):  X J JᵀXᵀ = N_X N_Xᵀ [W trained] + (‖φ(a)‖²/k) X Xᵀ [V trained],
for X any matrix with as many columns as V has rows (A, AB, or a basis of the row space).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dipproofs.enclosures import ArbFunction, Bound, IntervalMatrix, IntervalVector, compile_arb
from dipproofs.enclosures.norms import vector_norm
from dipproofs.theory import ACTIVATIONS
from dipproofs.theory.activations import x

if TYPE_CHECKING:
    from dipproofs.networks.two_layer.network import TwoLayer

#: Bits for φ and φ': the radius of an entry is then the one that a = W u brings along.
_BITS = 80


@dataclass(frozen=True, eq=False)
class HiddenLayer:
    """The enclosed hidden layer at one iterate.

    Args:
        a: (k,) W u. phi: (k,) φ(a). dphi: (k,) φ'(a).
        norm_u, norm_phi: Euclidean norms.
    """

    a: IntervalVector
    phi: IntervalVector
    dphi: IntervalVector
    norm_u: Bound
    norm_phi: Bound


def enclose_hidden(network: TwoLayer) -> HiddenLayer:
    """Enclose a = W u, φ(a), φ'(a) of the stored floats; evidence proved. `TwoLayer.hidden` keeps it.

    Example:
        >>> from dipproofs import TwoLayer
        >>> net = TwoLayer.init(n=3, width=4, input_dimension=2, seed=0)
        >>> enclose_hidden(net).norm_phi.evidence.name
        'PROVED'
    """
    u = IntervalMatrix.from_exact(network.u)
    a = IntervalMatrix.from_exact(network.W) @ u
    functions = _compiled(network.activation)
    phi, dphi = (a.apply_arb(function, _BITS) for function in functions)
    return HiddenLayer(a, phi, dphi, vector_norm(u), vector_norm(phi))


@lru_cache
def _compiled(activation: str) -> tuple[ArbFunction, ArbFunction]:
    theory = ACTIVATIONS[activation]
    return compile_arb((x,), theory.phi), compile_arb((x,), theory.dphi)


def enclose_signal(network: TwoLayer, hidden: HiddenLayer) -> IntervalVector:
    """Enclose h(u, θ) = k^{-1/2} V φ(a), (r,)."""
    root = Bound.exact(network.width).sqrt()
    return (IntervalMatrix.from_exact(network.V) @ hidden.phi).scale(Bound.exact(1) / root)
