"""The paper's width bound, with its unnamed constants C, C' kept as symbols (docs/theory.md §6; paper §3.4)."""

from __future__ import annotations

import sympy as sp

from dipproofs.theory.core import Section, symbol
from dipproofs.theory.forms import FORMS
from dipproofs.theory.width.spectrum import kappa as condition_number
from dipproofs.theory.width.split import SPLIT_OMEGA
from dipproofs.theory.width.symbols import d, m, n, norm_A, sigma_A

_define = Section("width.paper", "§6").define
_discretisation = Section("width.discretisation", "§6").define
C = symbol("C", "unnamed constant of the paper's bound of ‖y_0−y‖", positive=True)
C_prime = symbol("C'", "unnamed constant of the paper's width", positive=True)
lipschitz_loss = symbol("L_{L,0}", "Lipschitz constant of ∇L_y on the level set", positive=True)
y_clean_max = symbol(r"\|A\bar{x}\|_\infty", "largest entry of the clean data")
noise_max = symbol(r"\|\varepsilon\|_\infty", "largest entry of the noise")
_psi = sp.Function("psi")

INITIAL_DISTANCE = _define(
    "distance",
    C * norm_A * sp.sqrt(n * sp.log(d)) + sp.sqrt(m) * (y_clean_max + noise_max),
    "the paper's bound of ‖y_0−y‖",
)


def paper_bound(train: str) -> sp.Expr:
    """Return the paper's lower bound of k: exponents 4 (both layers) or 2 (inner layer)."""
    power = 4 if train == "both" else 2
    return C_prime * sigma_A ** (-power) * n * _psi(lipschitz_loss / 2 * INITIAL_DISTANCE**2) ** power


#: The paper's width for both layers, with its unnamed constants C, C' kept as symbols.
PAPER_BOTH = _define("both", paper_bound("both"), "the paper's width, both layers trained")
#: The paper's width for the inner layer alone.
PAPER_INNER = _define("inner", paper_bound("inner"), "the paper's width, inner layer trained")


def _squared(train: str) -> sp.Expr:
    """ψ(½z²) = z for the squared loss, whose gradient has Lipschitz constant 1."""
    power = 4 if train == "both" else 2
    return C_prime * sigma_A ** (-power) * n * INITIAL_DISTANCE**power


#: The paper's widths for the squared loss, by trained layers.
PAPER_SQUARED: dict[str, sp.Expr] = {
    train: _define(f"squared.{train}", _squared(train), f"squared loss, {train}") for train in ("both", "inner")
}
#: Order in n, d and κ(A) for the squared loss, where ‖y‖ is of the order of ‖A‖√n at most.
PAPER_ORDER: dict[str, sp.Expr] = {
    train: _define(
        f"order.{train}",
        condition_number**power * n ** (1 + power // 2) * sp.log(d) ** (power // 2),
        f"order for the squared loss, {train}",
    )
    for train, power in (("both", 4), ("inner", 2))
}

order = symbol("p_k", "power of 1/ω in the width", positive=True)
#: How much a form's step costs: width(form, q)/width(flow) → (1/ω)^power; power 2 for block and split, up to 4 else.
DISCRETISATION: dict[str, sp.Expr] = {
    form.id: _discretisation(
        form.id, form.omega ** (-order), f"width of form {form.id} over that of the flow, a bound with k ∝ ω^(−p_k)"
    )
    for form in FORMS.values()
}
#: The same for the split path, where the power is 2.
DISCRETISATION_SPLIT: dict[str, sp.Expr] = {
    name: _discretisation(f"split.{name}", factor**-2, f"width of form {name} over that of the flow, bound split")
    for name, factor in SPLIT_OMEGA.items()
}
