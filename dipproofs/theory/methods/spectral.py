"""A forecast that follows the spectrum: gradient descent with γM_ρ² ≤ 1 (docs/theory-methods.md §7).

b_τ bounds R_τ: the frozen curve ‖(I−γK)^τ r‖ plus what the change of M adds, T_τ the path so far, H_τ its tail.
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import define


def _size(latex: str) -> sp.Symbol:
    return sp.Symbol(latex, nonnegative=True)


frozen, bound, path, before, smooth, drift, tail, earlier_tail = (
    _size(name) for name in ("p", "b", "T", "b_-", "Q_1", "Q_2", "H", "H_-")
)
low, high, w = _size("w_{lo}"), _size("w_{hi}"), _size("w")
j = sp.Symbol("j", integer=True, nonnegative=True)
_net = s.F_inf - s.curvature_drift

contraction = define("methods.spectral.contraction", 1 - s.gamma * s.F_inf * _net, "b_τ ≤ q b_{τ−1}", "methods §7")
smoothing = define(
    "methods.spectral.smoothing",
    sp.sqrt(s.gamma) * sp.sqrt(w) * (1 - w) ** j,
    "φ_j = max σγ(1−γσ²)^j over the spectrum, at w = γσ² = 1/(2j+1) cut to [γs², γM²]",
    "methods §7",
)
perturbed = define(
    "methods.spectral.perturbed",
    frozen + s.lipschitz_AJ * (smooth + tail) + s.lipschitz_AJ * drift,
    "frozen curve and the change of M: Q₁ = Σρ₀^{τ−1−i}(H_i − H_{i+1}), H = H_{τ−1}, Q₂ = Σφ_{τ−1−i}T_i b_i",
    "methods §7",
)
next_path = define(
    "methods.spectral.path",
    sp.Min(s.S, path + s.gamma * s.norm_AJ_ball * before),
    "T_τ from T_{τ−1} and b_{τ−1}",
    "methods §7",
)
next_tail = define(
    "methods.spectral.tail",
    sp.Min(earlier_tail, sp.Min(s.S, bound / _net) * (s.S + path) / 2),
    "H_τ ≥ ½(t² − t_τ²) for every later path length t, from H_{τ−1}, b_τ and T_τ",
    "methods §7",
)
