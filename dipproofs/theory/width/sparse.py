"""Inner layer: how much injectivity can a small move of W destroy? (docs/theory.md §6, "Few neurons")

With δ_j = φ'(a_j+Δ_j)−φ'(a_j), |δ_j| ≤ min(B₂|Δ_j|, osc φ') and ‖Δ‖ ≤ t, so w_j = (δ_j/osc)² lies in [0,1] and
Σw_j ≤ (B₂t/osc)² =: s. The largest Σ_j w_j⟨v_j,z⟩² over such w is attained at a set of ⌈s⌉ neurons:

    s_in(θ) ≥ s_in(θ_0) − osc·√(max_{|S|=⌈s⌉}‖PV_S‖²/k)        for ‖θ−θ_0‖ ≤ t.

‖PV_S‖² grows like r + s ln(k/s), not like s·r: the radius of injectivity is of order √k instead of √(k/r).
∫F is bounded from below by a Riemann sum at the nodes t_i = √(ε_ik)·osc/B₂.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import sympy as sp

from dipproofs.theory.activations import Activation
from dipproofs.theory.activations.base import x
from dipproofs.theory.core import Section, symbol, symbols
from dipproofs.theory.width.events import Step, failure_exponent
from dipproofs.theory.width.symbols import B_2, k, omega, oscillation, proxy, rank, s_init, sigma_A

_define = Section("width.sparse", "§6").define
set_size = symbol(r"s_{\mathrm{set}}", "number of neurons in a set", positive=True)
entropy_of_sets = symbol("H_s", "ln of the number of sets, and t of the event", positive=True)

#: t_i = √(ε_ik)·osc/B₂ with √ε_i = ¾·RATIO^{i−NODES}: from one neuron in two million to 9 in 16.
RATIO, NODES = sp.Rational(5, 4), 32

ENTROPY = _define("entropy", set_size * (1 + sp.log(k / set_size)), "ln of the number of sets of ⌈s⌉ neurons")
SUBSET_GAUSSIAN = _define(
    "gaussian", (sp.sqrt(rank) + sp.sqrt(set_size) + sp.sqrt(2 * entropy_of_sets)) ** 2, "max ‖PV_S‖², Gaussian V"
)


def _net(dimension: sp.Expr, degrees: sp.Expr) -> sp.Expr:
    """Net of mesh 1/8 in this dimension; χ² comparison with so many degrees of freedom."""
    level = entropy_of_sets + dimension * sp.log(17)
    return sp.Rational(64, 49) * proxy * (degrees + 2 * sp.sqrt(degrees * level) + 2 * level)


SUBSET_NET = (
    _define("net.rows", _net(rank, set_size), "max ‖PV_S‖², sub-Gaussian V, net of Im(Aᵀ)"),
    _define("net.neurons", _net(set_size, rank), "the same, net of the sets' coordinates"),
)


def oscillation_of(activation: Activation) -> sp.Expr:
    """Return an upper bound of sup φ' − inf φ'.

    B₁ where φ' ≥ 0 (φ' is a sum of non-negative terms or 1−y² with |y| ≤ 1), 2B₁−1 where φ'(x)+φ'(−x) = 1, so that
    inf φ' = 1−sup φ'; otherwise 2B₁. The checks prove each case.

    Example:
        >>> from dipproofs.theory.activations import SIN, TANH
        >>> oscillation_of(TANH), oscillation_of(SIN)
        (1, 2)
    """
    if _nonnegative_slope(activation):
        return activation.B_1
    if sp.simplify(activation.dphi + activation.dphi.subs(x, -x)) == 1:
        return 2 * activation.B_1 - 1
    return 2 * activation.B_1


def _nonnegative_slope(activation: Activation) -> bool:
    """Whether φ' ≥ 0 is plain: positive for SymPy, or once y ∈ [−1,1] stands for the tanh in it."""
    if activation.dphi.is_nonnegative:
        return True
    tanhs = list(activation.dphi.atoms(sp.tanh))
    if len(tanhs) != 1:
        return False
    y = sp.Dummy("y", real=True)
    slope = activation.dphi.subs(tanhs[0], y)
    return not slope.has(x) and sp.minimum(slope, y, sp.Interval(-1, 1)) >= 0


@lru_cache(maxsize=8)
def sparse_integral(share: sp.Rational, gaussian: bool) -> tuple[tuple[Step, ...], sp.Expr]:
    """Return the steps and ω∫F; the event of each node has the same part of ``share``."""
    t, first = failure_exponent(share / NODES, "set")
    steps: list[Step] = [first]
    nodes = [sp.Rational(3, 4) / RATIO ** (NODES - i) for i in range(1, NODES + 1)]  # √ε_i
    levels = []
    for i, node in enumerate(nodes):
        meant = f"sets of neurons, node {i} of ∫F"
        count, capped, entropy = symbols(f"s_{{({i})}} c_{{({i})}} H_{{({i})}}", meant, positive=True)
        size, other, level = symbols(f"Q_{{({i})}} T_{{({i})}} F_{{({i})}}", meant)
        own = {set_size: count, entropy_of_sets: entropy}
        steps += [
            (count, node**2 * k + 1),
            (capped, sp.Min(count, k)),
            (entropy, t + ENTROPY.xreplace({set_size: capped})),
        ]
        if gaussian:
            steps.append((size, SUBSET_GAUSSIAN.xreplace(own)))
        else:
            rows, neurons = symbols(f"R_{{({i})}} N_{{({i})}}", meant, positive=True)
            steps += [(rows, SUBSET_NET[0].xreplace(own)), (neurons, SUBSET_NET[1].xreplace(own))]
            steps.append((size, sp.Min(rows, neurons)))
        steps += [(other, oscillation * sp.sqrt(size / k)), (level, s_init - sp.Min(s_init, other))]
        levels.append(level)
    widths = [nodes[0]] + [b - a for a, b in pairwise(nodes)]
    area = sp.Add(*(width * level for width, level in zip(widths, levels)))
    return tuple(steps), omega * sigma_A * sp.sqrt(k) * oscillation / B_2 * area
