"""Form `paper`: the paper's own theorem, with its radius and its constants (docs/theory.md §2)."""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import conditions
from dipproofs.theory import symbols as s
from dipproofs.theory.core import define
from dipproofs.theory.forms.base import factor_form
from dipproofs.theory.hypothesis import Hypothesis
from dipproofs.theory.symbols import gamma, q

_half = 1 - q / 2

paper_nu_1 = define("forms.paper.nu_1", (1 + q) / _half, "the paper's ν₁", "§2", s.nu_1)
paper_nu_2 = define("forms.paper.nu_2", (1 + q) ** 2 / (gamma * _half), "the paper's ν₂", "§2", s.nu_2)

#: ρ ≤ R, that is 2ρℓ(ρ) ≤ σ_min(J_0).
_RADIUS = Hypothesis(
    sp.Le(2 * s.rho * s.lipschitz_J, s.sigma_min_J),
    s.sigma_min_J,
    "rho <= R = sigma_min(J_0)/(2*Lip(J))",
    'the network is too narrow for the paper\'s radius R; increase the width, or use form = "best"',
    "sigma_min(J_0) > 0",
    "J(θ_0) is not shown to be onto R^n, σ_min(J_0) is in {found}: the paper's theorem does not apply; train both "
    "layers or increase the width",
)

PAPER = factor_form(
    "paper",
    _half / (1 + q),
    _half / (1 + q) ** 2,
    1,
    True,
    "§2",
    own_profile="paper",
    unprojected=True,
    hypotheses={"radius": _RADIUS},
    reported=((s.nu_1, paper_nu_1), (s.nu_2, paper_nu_2), (s.R_prime, conditions.R_prime)),
    onto=(s.sigma_min_J - s.lipschitz_J * s.S,),
)
