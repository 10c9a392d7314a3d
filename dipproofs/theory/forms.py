"""The descent forms: pairs of step-size factors ω(q), κ̃(q) (docs/theory.md §2, §3)."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dipproofs.theory.core import define
from dipproofs.theory.symbols import gamma, norm_AJ_ball, nu_1, nu_2, omega, q, rate


@dataclass(frozen=True)
class DescentForm:
    """A proof of the descent theorem, through its two factors.

    Args:
        id: JSON name.
        omega: factor of hypothesis (H), as an expression in q.
        rate: factor κ̃ of the rate, as an expression in q.
        q_max: largest normalised step; ``closed`` says whether it is itself allowed.
        requires: what else must hold, in words ("" if nothing).
        source: section of the theory.
    """

    id: str
    omega: sp.Expr
    rate: sp.Expr
    q_max: int
    closed: bool
    requires: str
    source: str

    def admissible(self) -> sp.Basic:
        """Return the admissible range of q as a SymPy relation."""
        return sp.Le(q, self.q_max) if self.closed else sp.Lt(q, self.q_max)


def _form(
    id: str, omega_: sp.Expr, rate_: sp.Expr, q_max: int, closed: bool, requires: str, source: str
) -> DescentForm:
    define(f"forms.{id}.omega", omega_, f"factor of (H), form {id}", source, omega)
    define(f"forms.{id}.rate", rate_, f"factor of the rate, form {id}", source, rate)
    return DescentForm(id, omega_, rate_, q_max, closed, requires, source)


_half = 1 - q / 2

PAPER = _form("paper", _half / (1 + q), _half / (1 + q) ** 2, 1, True, "", "§2")
INTEGRAL = _form("integral", 2 * sp.log(1 + q) / q - 1, 2 / (1 + q) - sp.log(1 + q) / q, 1, True, "", "§3")
CONCAVE = _form("concave", _half, _half, 2, False, "ψ concave", "§3")
FLOW = _form("flow", sp.Integer(1), sp.Integer(1), 0, True, "gradient flow (γ→0)", "§3")

#: The residual form does not use q; its step condition is `residual_step`.
RESIDUAL_OMEGA = define("forms.residual.omega", sp.Integer(1), "factor of (H), form residual", "§3.2", omega)
residual_step = define(
    "forms.residual.step", sp.Le(gamma * norm_AJ_ball**2, 1), "step condition of the residual form", "§3.2"
)

paper_nu_1 = define("forms.paper.nu_1", (1 + q) / _half, "the paper's ν₁", "§2", nu_1)
paper_nu_2 = define("forms.paper.nu_2", (1 + q) ** 2 / (gamma * _half), "the paper's ν₂", "§2", nu_2)

#: The forms that rest on the factors ω(q), κ̃(q), by name.
FORMS: dict[str, DescentForm] = {form.id: form for form in (PAPER, INTEGRAL, CONCAVE, FLOW)}
#: The forms that a certificate can have; "residual" has no factors.
FORM_IDS = ("paper", "integral", "concave", "residual")
