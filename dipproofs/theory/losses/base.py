"""What a loss is, as SymPy objects: everything a certificate and its verifier compute from (docs/theory.md §5).

A loss is L(v) = c·L₁(v) with a scale c > 0 and, at scale 1, one of three structures:

* ``separable``: L₁ = Σ_i h(|v_i − y_i|), ``entry`` is h(r);
* ``radial``:    L₁ = h(‖v − y‖), ``entry`` is h(r);
* ``entrywise``: L₁ = Σ_i h(v_i, y_i), ``entry`` is h(v, y), convex in v with minimum 0 at ``argmin``.

**How to recompute the constants from these objects** (what `verify` does with its own arithmetic). Everything
below is at scale 1; with f = max(f_0/c, SMALLEST_LEVEL) the scaled constants are G = c·G₁(f), Λ = c·Λ₁(f).

1. ``c`` is `resolve_scale` of the recorded scale and the number m of observations (exact rational).
2. The parameters (δ, p, background) are the exact floats of the record; m is the number of observations.
3. For each `DataConstant`, for each observation y_i: the *sublevel bracket* [v_lo, v_hi] of h(·, y_i) = f. Its ends
   are ``branch_lower(s)`` and ``branch_upper(s)`` at the s > 0 with h(branch(s), y_i) = f; along each branch h grows
   strictly from 0 (s = 0) to beyond every f, so the root is unique and bisection brackets it. Evaluate ``expr`` in
   (y, v_lo, v_hi, f_0 := f) and reduce over i with ``reduce`` ("min" or "max").
4. ψ, Ψ, Ψ⁻¹, G, Λ are expressions in `e`, `xi`, `loss_0` (:= f), the parameters, m and the data constants.

The scaled expressions are `LossTheory.psi_scaled` and so on, in the further symbol `scale`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import sympy as sp

from dipproofs.theory.core import define, symbol
from dipproofs.theory.symbols import e, loss_curvature, loss_gradient, psi_0, xi

r = symbol("r", "size of a residual", positive=True)
v = symbol("v", "one entry of the prediction", real=True)
y = symbol("y", "one entry of the observation", real=True)
v_lo = symbol(r"v_{\mathrm{lo}}", "lower end of the sublevel bracket of h(·, y)", real=True)
v_hi = symbol(r"v_{\mathrm{hi}}", "upper end of the sublevel bracket of h(·, y)", real=True)
s = symbol("s", "coordinate along a branch of h, 0 at its minimiser", positive=True)
m = symbol("m", "number of observations", positive=True)
scale = symbol("c", "scale of the loss", positive=True)
mu = symbol(r"\mu", "‖∇L₁‖² ≥ 2μL₁ on the sublevel set", positive=True)
curvature_max = symbol("K", "largest second derivative on the sublevel bracket", positive=True)

Number = int | float | Fraction
#: Constants are taken on {L₁ ≤ max(f, SMALLEST_LEVEL)}: a larger set is safe, and nothing degenerates at f = 0.
SMALLEST_LEVEL = Fraction(1, 2**128)
#: Named scales: the factor as a function of the number of observations.
SCALES: dict[str, Callable[[int], Fraction]] = {
    "sum": lambda m: Fraction(1),
    "half": lambda m: Fraction(1, 2),
    "mean": lambda m: Fraction(1, m),
    "half-mean": lambda m: Fraction(1, 2 * m),
}


def resolve_scale(value: str | Number, m: int) -> Fraction:
    """Return the exact factor c of a loss on m observations.

    Example:
        >>> resolve_scale("half-mean", 8), resolve_scale(0.5, 8)
        (Fraction(1, 16), Fraction(1, 2))
    """
    return SCALES[value](m) if isinstance(value, str) else Fraction(value)


@dataclass(frozen=True)
class DataConstant:
    """A constant that depends on the data: ``reduce`` over the observations of ``expr``.

    Args:
        symbol: the constant.
        reduce: "min" or "max".
        expr: expression in `y`, `v_lo`, `v_hi`, `loss_0` and the loss's parameters.
        meaning: one line, in words.
    """

    symbol: sp.Symbol
    reduce: str
    expr: sp.Expr
    meaning: str

    @property
    def name(self) -> str:
        """Plain name of the symbol.

        Example:
            >>> DataConstant(mu, "min", y, "").name
            'mu'
        """
        return "".join(letter for letter in self.symbol.name if letter not in "\\{}")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a loss, with the open or closed range of its values."""

    name: str
    symbol: sp.Symbol
    minimum: float
    closed: bool
    meaning: str
    default: float | None = None


@dataclass(frozen=True)
class LossNumerics:
    """Floating-point evaluation, for NumPy and JAX alike (``xp``), in terms of the displacement d = v − argmin.

    Args:
        displacement: ``(xp, v, y, parameters) -> d``.
        entry: ``(xp, d, y, parameters) -> h`` entry by entry (for a radial loss d is ‖v − y‖).
        slope: ``(xp, d, y, parameters) -> ∂h/∂v`` (for a radial loss h'(d)/d).
        branch: ``(xp, s, y, parameters, side) -> d`` at coordinate s of the lower (−1) or upper (1) branch.
    """

    displacement: Callable[..., Any]
    entry: Callable[..., Any]
    slope: Callable[..., Any]
    branch: Callable[..., Any] | None = None


@dataclass(frozen=True)
class LossTheory:
    """A loss at scale 1, with its desingularizing function and constants.

    Args:
        kind: name in problem files.
        convention: L₁ in one line.
        structure: "separable", "radial" or "entrywise".
        entry: h, see the module's docstring.
        rule: how ψ follows: "concave", "convex", "linear" (profile P_h), "radial", "strongly convex", "worst entry".
        psi, Psi, Psi_inv: ψ(e), Ψ(e), Ψ⁻¹(ξ).
        gradient_bound: G as an expression in f_0.
        curvature: Λ as an expression in f_0.
        proof: why, in a few words.
        numerics: floating-point evaluation.
        parameters: what the user chooses.
        constants: what the data determine.
        default_scale: named or numeric scale.
        argmin: minimiser of h(·, y).
        domain: open interval of v (expressions in the parameters).
        data_domain: open interval of y.
        branch_lower, branch_upper: the two sides of h(·, y), see the module's docstring.
        advice: what to do when the domain or the data domain is violated.
    """

    kind: str
    convention: str
    structure: str
    entry: sp.Expr
    rule: str
    psi: sp.Expr
    Psi: sp.Expr
    Psi_inv: sp.Expr
    gradient_bound: sp.Expr
    curvature: sp.Expr
    proof: str
    numerics: LossNumerics
    parameters: tuple[Parameter, ...] = ()
    constants: tuple[DataConstant, ...] = ()
    default_scale: str | float = "sum"
    argmin: sp.Expr = y
    domain: tuple[sp.Expr, sp.Expr] = (-sp.oo, sp.oo)
    data_domain: tuple[sp.Expr, sp.Expr] = (-sp.oo, sp.oo)
    branch_lower: sp.Expr = y - s
    branch_upper: sp.Expr = y + s
    advice: dict[str, str] = field(default_factory=dict)
    registered: bool = True

    def __post_init__(self) -> None:
        if self.registered:
            name, title = f"losses.{self.kind}", self.kind
            define(f"{name}.entry", self.entry, f"{title}: {self.structure} loss h at scale 1", "§5")
            define(f"{name}.psi", self.psi, f"{title}: ψ(e)", "§5", psi_0)
            define(f"{name}.Psi", self.Psi, f"{title}: Ψ(e), a primitive of −(ψ')²", "§5")
            define(f"{name}.Psi_inv", self.Psi_inv, f"{title}: Ψ⁻¹(ξ)", "§5")
            define(f"{name}.G", self.gradient_bound, f"{title}: bound of the gradient", "§5", loss_gradient)
            define(f"{name}.Lambda", self.curvature, f"{title}: its Lipschitz constant", "§5", loss_curvature)
            for constant in self.constants:
                define(f"{name}.{constant.name}", constant.expr, constant.meaning, "§5", constant.symbol)

    @cached_property
    def psi_scaled(self) -> sp.Expr:
        """ψ of c·L₁: ψ₁(e/c)."""
        return self.psi.subs(e, e / scale)

    @cached_property
    def Psi_scaled(self) -> sp.Expr:
        """Ψ of c·L₁: Ψ₁(e/c)/c."""
        return self.Psi.subs(e, e / scale) / scale

    @cached_property
    def Psi_inv_scaled(self) -> sp.Expr:
        """Ψ⁻¹ of c·L₁: c·Ψ₁⁻¹(cξ)."""
        return scale * self.Psi_inv.subs(xi, scale * xi)
