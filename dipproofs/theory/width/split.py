"""The split path: only the path of W uses up the outer block, and it costs twice (docs/theory.md §6, "Split path").

Let p = ‖∇_W f‖, o = ‖∇_V f‖ and b(w) = (‖φ(a_0)‖−B₁w)/√k, w the path of W alone. Then o ≥ σ_Ab(w)‖∇L_y‖ and KL gives
ψ'(f) ≥ σ_Ab/o, so along the flow −dψ ≥ σ_Ab·(p²+o²)/o ≥ 2σ_Ab·p: the loss falls twice as fast as W moves. Discretised:

* concave: the factor 1−q/2 as before, because ‖g‖² = p²+o² and ψ' are both taken at θ_τ;
* integral: (1−s)(p²+o²)/(o+s√(p²+o²)) with s = σq; (cos θ+s)sin θ ≤ ½+s gives 2(1−s)/(1+2s)·p;
* paper: the mean of (1−s)/(1+2q).
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.core import define
from dipproofs.theory.width.symbols import q

_SOURCE = "§6"


def _omega(form: str, expr: sp.Expr) -> sp.Expr:
    return define(f"width.split.omega.{form}", expr, f"step-size factor of the split path, form {form}", _SOURCE)


#: Step-size factors ω_s(q) of the split path, by form.
SPLIT_OMEGA: dict[str, sp.Expr] = {
    "paper": _omega("paper", (1 - q / 2) / (1 + 2 * q)),
    "integral": _omega("integral", 3 * sp.log(1 + 2 * q) / (4 * q) - sp.Rational(1, 2)),
    "concave": _omega("concave", 1 - q / 2),
    "flow": _omega("flow", sp.Integer(1)),
}
