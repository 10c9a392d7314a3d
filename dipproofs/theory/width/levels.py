"""From ‖A g_0 − y‖ ≤ R̄ to ψ(f_0) ≤ ψ̄: the largest loss on the ball of radius R̄ (docs/theory.md §6).

For L = Σ h(r_i) with h'(r)/r non-increasing (P_h concave: Huber, log-cosh) h∘√ is concave, so the sum is largest when
all residuals are equal: m·h(R̄/√m). With h'(r)/r non-decreasing (P_h convex: ℓ_p) it is largest when one residual has
it all: h(R̄). A radial loss is h(R̄). The scale of the loss cancels: ψ_c(c·L₁) = ψ₁(L₁).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from dipproofs.theory.losses import LossTheory
from dipproofs.theory.losses.base import m as observations
from dipproofs.theory.losses.base import r
from dipproofs.theory.symbols import e, loss_0
from dipproofs.theory.width import logit
from dipproofs.theory.width.symbols import required, residual


@dataclass(frozen=True)
class Requirement:
    """How ψ̄ follows from R̄.

    Args:
        steps: assignments that end in ψ̄; symbols besides R̄: m and the parameters.
        from_zero: whether R̄ bounds ‖A g_0‖ (observation 0) instead of ‖A g_0−y‖.
        parameters: further parameters (name, symbol, meaning) that the bound needs.
    """

    steps: tuple[tuple[sp.Symbol, sp.Expr], ...]
    from_zero: bool = False
    parameters: tuple[tuple[str, sp.Symbol, str], ...] = ()


#: Losses whose minimiser is not y.
_SPECIAL: dict[str, Requirement] = {
    "logit-cross-entropy": Requirement(
        ((logit.level_symbol, logit.LEVEL), (required, logit.REQUIRED)),
        True,
        (("y-min", logit.margin, "all observations lie in [y-min, 1 − y-min], 0 < y-min ≤ 1/2"),),
    ),
}

#: Largest loss for ‖v − y‖ ≤ R̄ at scale 1, by the rule that gives ψ.
_LEVELS = {
    "concave": lambda h: observations * h.subs(r, residual / sp.sqrt(observations)),
    "linear": lambda h: h.subs(r, residual),
    "convex": lambda h: h.subs(r, residual),
    "radial": lambda h: h.subs(r, residual),
}


def largest_loss(loss: LossTheory) -> sp.Expr | None:
    """Return the largest loss at scale 1 for ‖v − y‖ ≤ R̄, or None when the residual does not determine it."""
    rule = _LEVELS.get(loss.rule)
    return None if rule is None or loss.structure == "entrywise" else rule(loss.entry)


_A = sp.Wild("A")


def _without_overflow(expr: sp.Expr) -> sp.Expr:
    """Rewrite arcosh(exp A), written as asinh√(2e^A sinh A), as A+log(1+√(1−e^{−2A})): equal for A ≥ 0."""
    arcosh = sp.asinh(sp.sqrt(2) * sp.sqrt(sp.exp(_A)) * sp.sqrt(sp.sinh(_A)))
    return expr.replace(arcosh, _A + sp.log(1 + sp.sqrt(1 - sp.exp(-2 * _A))))


def desingularized_requirement(loss: LossTheory) -> Requirement | None:
    """Return ψ̄ = ψ(largest loss) for ‖A g_0−y‖ ≤ R̄, or None when the residual does not determine it.

    Example:
        >>> from dipproofs.theory.losses import SQUARED
        >>> desingularized_requirement(SQUARED).steps
        ((\\bar\\psi, \\bar R),)
    """
    if loss.kind in _SPECIAL:
        return _SPECIAL[loss.kind]
    level = largest_loss(loss)
    if level is None:
        return None
    whole = sp.powdenest(loss.psi.subs(e, level), force=True)
    if whole == residual:
        return Requirement(((required, whole),))
    return Requirement(((loss_0, level), (required, _without_overflow(loss.psi).subs(e, loss_0))))


def impossible_reason(loss: LossTheory, parameters: Mapping[sp.Symbol, sp.Rational] | None = None) -> str | None:
    """Say why no width gives a bound, for losses with a domain, or None.

    The entries of V are symmetric, so A g_0 and −A g_0 have one law. If the domain misses 0 on one side, at most one of
    the two lies in it, so A g_0 is in the domain with probability at most ½, whatever the width.
    """
    low, high = (sp.sympify(end).subs(parameters or {}) for end in loss.domain)
    if (low, high) == (-sp.oo, sp.oo):
        return None
    where = f"]{low}, {high}[".replace("oo", "∞")
    if low.is_nonnegative or high.is_nonpositive:
        return (
            f"impossible for delta < 1/2: with symmetric V, A g_0 lies in the domain {where} of {loss.kind} "
            "with probability at most 1/2 at any width; use an offset or a loss without domain"
        )
    return f"not derived: A g_0 must lie in the domain {where} of {loss.kind}, which no bound here controls"
